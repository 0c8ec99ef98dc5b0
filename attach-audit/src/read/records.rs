use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::vec;

use super::Entry;
use super::sources::{Piece, Source, at, sources, sources_in};
use crate::chain;
use crate::log::LONGEST;

/// The lines of logs: of directories with the segments of any number of nodes, and of single files.
///
/// Each chain is in order, the chains of a node one after the other, the nodes one after the other unless
/// [`by_time`](Self::by_time) merges them. Segments that were given up on, torn writes, and what a log that is being
/// written has no end of yet are passed over, as by a [`Follower`](crate::log::Follower). Reads files, with a buffer
/// for each node, and does not hold more than a line of each in memory. Nothing is verified: that is
/// [`verify`](crate::verify)'s part.
///
/// ```
/// use attach_audit::{Audit, Log, log::Options, read::{Entry, Records}};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let dir = std::env::temp_dir().join(format!("attach-audit-read-{}", std::process::id()));
/// Audit::new(Log::open(&dir, Options::new("node-1"))?).close().await;
///
/// let mut kinds = Vec::new();
/// let mut records = Records::open([&dir])?;
/// while let Some(line) = records.next()? {
///     kinds.push(Entry::parse(line.bytes)?.kind.into_owned());
/// }
/// assert_eq!(kinds, ["start", "stop"]);
/// # std::fs::remove_dir_all(dir)?;
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct Records {
    streams: Vec<Stream>,
    /// Merge the streams by time.
    merged: bool,
    /// The stream whose line was returned last.
    current: usize,
}

/// A record's line, borrowed until the next is read.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Line<'a> {
    /// The line, without its newline.
    pub bytes: &'a [u8],
    /// The file.
    pub path: &'a Path,
    /// Which line of it, from 1.
    pub number: u64,
}

/// The files of one node.
#[derive(Debug)]
struct Stream {
    left: vec::IntoIter<Piece>,
    open: Option<Open>,
    line: Vec<u8>,
    /// Whether `line` is still to be returned.
    peeked: bool,
}

#[derive(Debug)]
struct Open {
    file: BufReader<File>,
    path: PathBuf,
    limit: Option<u64>,
    number: u64,
}

impl Records {
    /// Finds the files behind `paths`, subdirectories included.
    ///
    /// # Errors
    ///
    /// If one of them cannot be read, or none is an audit log ([`io::ErrorKind::NotFound`]).
    pub fn open<P: AsRef<Path>>(paths: impl IntoIterator<Item = P>) -> io::Result<Self> {
        let mut asked = Vec::new();
        let sources =
            sources(paths.into_iter().inspect(|path| asked.push(path.as_ref().display().to_string())))?;
        if sources.is_empty() {
            let why = format!("{}: there is no audit log", asked.join(", "));
            return Err(io::Error::new(io::ErrorKind::NotFound, why));
        }
        let streams = sources.into_iter().map(Stream::new).collect();
        Ok(Self { streams, merged: false, current: 0 })
    }

    /// Finds the segments in `folders` themselves, as [`verify_all`](crate::verify::verify_all) does: for who reads what
    /// was verified, and nothing beside it.
    ///
    /// # Errors
    ///
    /// If one of them cannot be read.
    pub fn of_folders<P: AsRef<Path>>(folders: impl IntoIterator<Item = P>) -> io::Result<Self> {
        let streams = sources_in(folders)?.into_iter().map(Stream::new).collect();
        Ok(Self { streams, merged: false, current: 0 })
    }

    /// Merges the nodes: what was written first comes first, by the nodes' own clocks.
    #[must_use]
    pub fn by_time(mut self) -> Self {
        self.merged = self.streams.len() > 1;
        self
    }

    /// The next line; `None` at the end.
    ///
    /// # Errors
    ///
    /// If a file cannot be read.
    #[expect(clippy::should_implement_trait, reason = "the line is borrowed from the reader")]
    pub fn next(&mut self) -> io::Result<Option<Line<'_>>> {
        if self.merged {
            self.choose()?;
        } else {
            while let Some(stream) = self.streams.get_mut(self.current) {
                if stream.peek()? {
                    break;
                }
                self.current += 1;
            }
        }
        Ok(self.streams.get_mut(self.current).and_then(Stream::take))
    }

    /// Goes to the stream whose next line is the oldest.
    fn choose(&mut self) -> io::Result<()> {
        let (mut oldest, mut chosen) = (Vec::new(), usize::MAX);
        for (n, stream) in self.streams.iter_mut().enumerate() {
            if !stream.peek()? {
                continue;
            }
            // All of one length and zone, so their order is that of their bytes.
            let time = time(&stream.line);
            if chosen == usize::MAX || time < &*oldest {
                oldest.clear();
                oldest.extend_from_slice(time);
                chosen = n;
            }
        }
        self.current = chosen;
        Ok(())
    }
}

impl Stream {
    fn new(source: Source) -> Self {
        Self { left: source.into_iter(), open: None, line: Vec::new(), peeked: false }
    }

    /// Has the next line in `line`; false at the end.
    fn peek(&mut self) -> io::Result<bool> {
        while !self.peeked {
            if let Some(open) = &mut self.open {
                self.peeked = open.read(&mut self.line).map_err(|error| at(&open.path, &error))?;
                if !self.peeked {
                    self.open = None;
                }
                continue;
            }
            let Some(piece) = self.left.next() else { return Ok(false) };
            self.open = Some(Open::new(piece)?);
        }
        Ok(true)
    }

    fn take(&mut self) -> Option<Line<'_>> {
        let open = self.open.as_ref().filter(|_| self.peeked)?;
        self.peeked = false;
        Some(Line { bytes: &self.line, path: &open.path, number: open.number })
    }
}

impl Open {
    fn new(Piece { path, limit }: Piece) -> io::Result<Self> {
        let file = File::open(&path).map_err(|error| at(&path, &error))?;
        Ok(Self { file: BufReader::with_capacity(1 << 18, file), path, limit, number: 0 })
    }

    /// Reads the next line that counts into `line`.
    fn read(&mut self, line: &mut Vec<u8>) -> io::Result<bool> {
        line.clear();
        self.file.by_ref().take(LONGEST).read_until(b'\n', line)?;
        self.number += 1;
        if line.pop() != Some(b'\n') {
            return Ok(false);
        }
        let counts = |limit| chain::place(line).is_some_and(|(seq, _)| seq <= limit);
        Ok(self.limit.is_none_or(counts))
    }
}

/// The value of `ts`, which stands before anything that somebody else chose.
fn time(line: &[u8]) -> &[u8] {
    const KEY: &[u8] = b",\"ts\":\"";
    let start = line.windows(KEY.len()).position(|window| window == KEY).map(|at| at + KEY.len());
    let value = start.and_then(|start| line.get(start..)).unwrap_or_default();
    value.split(|&byte| byte == b'"').next().unwrap_or_default()
}

impl Line<'_> {
    /// The record; `None`, with a warning, if the line is none.
    #[must_use]
    pub fn entry(&self) -> Option<Entry<'_>> {
        match Entry::parse(self.bytes) {
            Ok(entry) => Some(entry),
            Err(error) => {
                let (file, line) = (self.path.display(), self.number);
                tracing::warn!(%file, line, %error, "a line that is no record is left out");
                None
            }
        }
    }
}
