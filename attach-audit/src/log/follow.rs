//! Reading a log while it is written: durable records only, each once, in order, over all chains of a node.

use std::collections::VecDeque;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;
use std::{fmt, mem};

use tokio::sync::watch;

use super::path::{Part, counting};
use super::tail::Reached;
use super::{LONGEST, SegmentName};
use crate::chain;

/// A place in a node's log: behind a record. Its text form, `<segment's file>:<bytes>`, is stable.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    pub(crate) segment: SegmentName,
    pub(crate) offset: u64,
}

/// One record's line, without its newline, and where the next begins.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Line {
    /// The line as written.
    pub bytes: Box<[u8]>,
    /// Behind it.
    pub end: Position,
}

/// Reads a log that may be being written. Made by [`Tail::follow`](super::Tail::follow).
///
/// Segments that were given up on, and what a crash left behind the last record that counts, are passed over.
#[derive(Debug)]
pub struct Follower {
    dir: Arc<Path>,
    reached: watch::Receiver<Reached>,
    at: Option<Position>,
    /// The last record of the segment at `at` that counts, once a later segment says so.
    limit: Option<u64>,
    /// The segments that come next, each with its last record that counts. Those before the one that is written to do
    /// not change, so each head is read once however many segments there are.
    ahead: VecDeque<(SegmentName, Option<u64>)>,
}

impl Follower {
    pub(super) fn new(dir: Arc<Path>, reached: watch::Receiver<Reached>, from: Option<Position>) -> Self {
        Self { dir, reached, at: from, limit: None, ahead: VecDeque::new() }
    }

    /// Where it is: behind the last line it returned.
    #[must_use]
    pub fn position(&self) -> Option<&Position> {
        self.at.as_ref()
    }

    /// Waits until there may be more; false when the log has ended.
    pub async fn wait(&mut self) -> bool {
        self.reached.changed().await.is_ok()
    }

    /// Reads lines until `bytes` of them are there, or all; empty when it has caught up. Reads files, so it does not belong on
    /// an async runtime's threads.
    ///
    /// # Errors
    ///
    /// If a segment cannot be read; the position has not changed then.
    pub fn read(&mut self, bytes: usize) -> io::Result<Vec<Line>> {
        let (mut lines, mut length) = (Vec::new(), 0);
        let reached = self.reached.borrow_and_update().clone();
        loop {
            let Some(at) = self.place(&reached)? else { return Ok(lines) };
            let current = at.segment == reached.segment;
            let end = if current { reached.bytes } else { u64::MAX };
            let mut file = self.open(&at)?;
            file.seek(SeekFrom::Start(at.offset))?;
            let mut file = BufReader::with_capacity(1 << 17, file.take(end.saturating_sub(at.offset)));
            let mut at = at;
            while length < bytes {
                let Some(line) = next_line(&mut file, &mut at, self.limit)? else { break };
                length += line.bytes.len();
                lines.push(line);
            }
            self.at = Some(at);
            if length >= bytes || current || !self.advance() {
                return Ok(lines);
            }
        }
    }

    /// Where to read from, the beginning if nowhere yet.
    fn place(&mut self, reached: &Reached) -> io::Result<Option<Position>> {
        if let Some(at) = &self.at
            && (at.segment == reached.segment || self.limit.is_some())
        {
            return Ok(Some(at.clone()));
        }
        let path = self.path(reached)?;
        let found = match &self.at {
            // If its segment is gone, or was given up on, what follows it in time is next.
            Some(at) => path.iter().position(|(name, _)| *name >= at.segment),
            None => Some(0),
        };
        let mut path = path.into_iter().skip(found.unwrap_or(usize::MAX));
        let Some((name, limit)) = path.next() else { return Ok(None) };
        let at = self.at.take().filter(|at| at.segment == name).unwrap_or_else(|| begin(&name));
        (self.at, self.limit, self.ahead) = (Some(at.clone()), limit, path.collect());
        Ok(Some(at))
    }

    /// Goes to the next segment; false if there is none.
    fn advance(&mut self) -> bool {
        let Some((name, limit)) = self.ahead.pop_front() else { return false };
        (self.at, self.limit) = (Some(begin(&name)), limit);
        true
    }

    /// Opens the segment at `at`. What was known of the way is forgotten if it is gone: it is looked for again.
    fn open(&mut self, at: &Position) -> io::Result<File> {
        let opened = File::open(self.dir.join(at.segment.to_string()));
        if opened.is_err() {
            (self.limit, self.ahead) = (None, VecDeque::new());
        }
        opened
    }

    /// The segments that count from where it is, oldest first, each with its last record that does; the current one has
    /// no limit yet.
    fn path(&self, reached: &Reached) -> io::Result<Vec<(SegmentName, Option<u64>)>> {
        let mut segments = Vec::new();
        let begin = self.at.as_ref().map(|at| &at.segment);
        for entry in fs::read_dir(&self.dir)? {
            let path = entry?.path();
            let name = path.file_name().and_then(|name| SegmentName::parse(name.to_str()?));
            let name = name.filter(|name| name.node == reached.segment.node && *name <= reached.segment);
            let name = name.filter(|name| begin.is_none_or(|begin| name >= begin));
            segments.extend(name.map(|name| Part { name, path }));
        }
        segments.sort_by(|a, b| a.name.cmp(&b.name));
        let counting = counting(segments)?;
        Ok(counting.into_iter().map(|one| (one.part.name, one.limit)).collect())
    }
}

fn begin(segment: &SegmentName) -> Position {
    Position { segment: segment.clone(), offset: 0 }
}

fn next_line(file: &mut impl BufRead, at: &mut Position, limit: Option<u64>) -> io::Result<Option<Line>> {
    let mut bytes = Vec::new();
    let length = file.take(LONGEST).read_until(b'\n', &mut bytes)? as u64;
    if bytes.pop() != Some(b'\n') {
        return Ok(None);
    }
    // What does not read as a record is a torn write if it is at the end, and `verify`'s business if it is not.
    let seq = chain::place(&bytes).map(|(seq, _)| seq);
    if limit.is_some_and(|limit| seq.is_none_or(|seq| seq > limit)) {
        return Ok(None);
    }
    at.offset += length;
    Ok(Some(Line { bytes: mem::take(&mut bytes).into(), end: at.clone() }))
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.segment, self.offset)
    }
}

impl FromStr for Position {
    type Err = io::Error;

    fn from_str(text: &str) -> io::Result<Self> {
        let parsed = text.rsplit_once(':').and_then(|(segment, offset)| {
            Some(Self { segment: SegmentName::parse(segment)?, offset: offset.parse().ok()? })
        });
        parsed.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "no place in an audit log"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::{Log, Options};
    use crate::{Ack, Kind, Record, Sink};

    async fn append(log: &Log) {
        let (ack, receipt) = Ack::awaited(None);
        log.append(&Record::system(Kind::Gap, |_| ()), ack);
        receipt.await.expect("durable");
    }

    fn seqs(lines: &[Line]) -> Vec<u64> {
        lines.iter().map(|line| chain::read(&line.bytes).expect("a record").seq).collect()
    }

    #[tokio::test]
    async fn every_durable_record_is_read_once_over_segments_and_starts() {
        let dir = std::env::temp_dir().join(format!("attach-follow-{}", uuid::Uuid::now_v7()));
        let open = || Log::open(&dir, Options::new("n").segment_bytes(700)).expect("it opens");
        let log = open();
        let mut follower = log.tail().expect("a directory").follow(None);
        assert_eq!(seqs(&follower.read(usize::MAX).expect("read")), [0]);
        assert!(follower.read(usize::MAX).expect("read").is_empty());
        for _ in 0..9 {
            append(&log).await;
        }
        assert!(follower.wait().await);
        let mut all = vec![0];
        loop {
            let lines = follower.read(1).expect("read");
            if lines.is_empty() {
                break;
            }
            all.extend(seqs(&lines));
        }
        assert_eq!(all, (0..all.len() as u64).collect::<Vec<_>>());
        assert!(all.len() > 12, "segments have heads: {all:?}");

        let at: Position =
            follower.position().expect("somewhere").to_string().parse().expect("it reads back");
        append(&log).await;
        drop(log);
        // A torn write, and a segment that was never written to.
        let last = fs::read_dir(&dir).expect("there").map(|entry| entry.expect("there").path());
        let last = last.filter(|path| path.extension().is_some_and(|e| e == "jsonl")).max().expect("one");
        let mut torn = fs::read(&last).expect("read");
        torn.extend_from_slice(b"{\"v\":1,\"id\":\"0");
        fs::write(&last, torn).expect("written");
        let log = open();
        let mut follower = log.tail().expect("a directory").follow(Some(at));
        let lines = follower.read(usize::MAX).expect("read");
        let missed = seqs(&lines);
        let (start, before) = missed.split_last().expect("not empty");
        let next = all.len() as u64;
        assert_eq!((*start, before), (0, &*(next..next + before.len() as u64).collect::<Vec<_>>()));
        let all_of_it = log.tail().expect("a directory").follow(None).read(usize::MAX).expect("read");
        assert_eq!(all_of_it.len(), all.len() + missed.len());
        drop(log);
        assert!(!follower.wait().await || !follower.wait().await);
        fs::remove_dir_all(dir).expect("removed");
    }

    /// A log of a few dozen segments.
    async fn long(dir: &Path) -> (Log, usize) {
        let log = Log::open(dir, Options::new("n").segment_bytes(700)).expect("it opens");
        for _ in 0..60 {
            append(&log).await;
        }
        let n = fs::read_dir(dir).expect("there").count();
        assert!(n > 20, "{n}");
        (log, n)
    }

    #[tokio::test]
    async fn each_head_is_read_once_or_twice_however_many_segments_there_are() {
        let dir = std::env::temp_dir().join(format!("attach-follow-{}", uuid::Uuid::now_v7()));
        let (log, n) = long(&dir).await;
        let mut follower = log.tail().expect("a directory").follow(None);
        let before = crate::log::path::heads_read();
        let mut lines = Vec::new();
        loop {
            let more = follower.read(1).expect("read");
            if more.is_empty() {
                break;
            }
            lines.extend(more);
        }
        assert_eq!(seqs(&lines), (0..lines.len() as u64).collect::<Vec<_>>());
        let read = crate::log::path::heads_read() - before;
        assert!(read <= 2 * n, "{read} heads of {n} segments");
        // One that has caught up looks at what is new, and at nothing else.
        for _ in 0..6 {
            append(&log).await;
            assert!(!follower.read(usize::MAX).expect("read").is_empty());
        }
        let more = crate::log::path::heads_read() - before - read;
        assert!(more <= 24, "{more} heads for six records");
        drop(log);
        fs::remove_dir_all(dir).expect("removed");
    }

    #[tokio::test]
    async fn what_is_deleted_while_it_is_read_is_passed_over() {
        let dir = std::env::temp_dir().join(format!("attach-follow-{}", uuid::Uuid::now_v7()));
        let (log, _) = long(&dir).await;
        let mut follower = log.tail().expect("a directory").follow(None);
        let first = follower.read(1).expect("read");
        let here = follower.position().expect("somewhere").segment.clone();
        for n in 0..4 {
            fs::remove_file(dir.join(here.at(n).to_string())).expect("removed");
        }
        let rest = match follower.read(usize::MAX) {
            Err(error) => {
                assert_eq!(error.kind(), io::ErrorKind::NotFound);
                follower.read(usize::MAX).expect("it looks for its place again")
            }
            Ok(rest) => rest,
        };
        let (first, rest) = (seqs(&first), seqs(&rest));
        assert!(rest.windows(2).all(|pair| pair[1] == pair[0] + 1) && rest[0] > first[0] + 1, "{rest:?}");
        drop(log);
        fs::remove_dir_all(dir).expect("removed");
    }
}
