//! Batches off the log, and whether all records are in them.

use std::collections::VecDeque;
use std::io;
use std::mem;
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use tokio::time::{Instant, sleep, timeout_at};

use super::cursor::Mark;
use super::feed::Feed;
use super::moment::since_1970;
use super::{Batch, Limits};
use crate::chain;
use crate::log::{Follower, Line, Tail};

/// How long a log that cannot be read is left alone.
const PAUSE: Duration = Duration::from_secs(1);

pub(super) struct Reader {
    feed: Arc<Feed>,
    tail: Tail,
    follower: Option<Follower>,
    /// Lines that were read and are in no batch yet.
    lines: VecDeque<Line>,
    bytes: usize,
    /// Behind the last line that went into a batch.
    mark: Option<Mark>,
    read_fails: bool,
}

impl Reader {
    pub(super) fn new(feed: Arc<Feed>, tail: Tail) -> Self {
        let mark = feed.reached();
        let follower = tail.follow(mark.as_ref().map(|mark| mark.position.clone()));
        let (lines, bytes, read_fails) = (VecDeque::new(), 0, false);
        Self { feed, tail, follower: Some(follower), lines, bytes, mark, read_fails }
    }

    /// The next batch and the place behind it; `None` when the log has ended and all of it was read.
    pub(super) async fn next(&mut self, limits: Limits) -> Option<(Batch, Mark)> {
        let mut due = None;
        while !self.is_full(limits) {
            if self.fill(limits).await {
                continue;
            }
            if !self.lines.is_empty() {
                self.feed.waits_since(self.lines.front().and_then(written));
                let due = *due.get_or_insert_with(|| Instant::now() + limits.linger);
                let Ok(true) = timeout_at(due, self.follower().wait()).await else { break };
            } else if !self.follower().wait().await {
                return None;
            }
        }
        self.take(limits)
    }

    fn is_full(&self, limits: Limits) -> bool {
        self.lines.len() >= limits.records || self.bytes >= limits.bytes
    }

    /// Reads, off the runtime's threads; whether there was something.
    async fn fill(&mut self, limits: Limits) -> bool {
        let wanted = limits.bytes.saturating_sub(self.bytes).max(1);
        let mut follower = mem::take(&mut self.follower).unwrap_or_else(|| self.follow());
        let read = tokio::task::spawn_blocking(move || {
            let lines = follower.read(wanted);
            (follower, lines)
        });
        let lines = match read.await {
            Ok((follower, Ok(lines))) => {
                self.follower = Some(follower);
                self.read_fails = false;
                lines
            }
            Ok((_, Err(error))) => return self.could_not(&error).await,
            Err(error) => return self.could_not(&io::Error::other(error)).await,
        };
        self.bytes += lines.iter().map(|line| line.bytes.len()).sum::<usize>();
        let some = !lines.is_empty();
        self.lines.extend(lines);
        some
    }

    /// A segment cannot be read. One that is gone is passed over by a follower that looks for its place again. Whether
    /// to try again before what was read is sent.
    async fn could_not(&mut self, error: &io::Error) -> bool {
        if error.kind() != io::ErrorKind::NotFound && !mem::replace(&mut self.read_fails, true) {
            tracing::error!(egress = self.feed.name(), %error, "the audit log cannot be read to be sent");
        }
        self.follower = Some(self.follow());
        sleep(PAUSE).await;
        self.lines.is_empty()
    }

    /// Follows the log behind what was read.
    fn follow(&self) -> Follower {
        let read = self.lines.back().map(|line| &line.end);
        self.tail.follow(read.or(self.mark.as_ref().map(|mark| &mark.position)).cloned())
    }

    fn follower(&mut self) -> &mut Follower {
        let follower = mem::take(&mut self.follower).unwrap_or_else(|| self.follow());
        self.follower.insert(follower)
    }

    fn take(&mut self, limits: Limits) -> Option<(Batch, Mark)> {
        let (mut lines, mut bytes) = (Vec::new(), 0);
        while lines.len() < limits.records && bytes < limits.bytes {
            let Some(line) = self.lines.pop_front() else { break };
            bytes += line.bytes.len();
            self.advance(&line);
            lines.push(line);
        }
        self.bytes -= bytes;
        self.feed.waits_since(lines.first().and_then(written));
        Some((Batch::new(lines), self.mark.clone()?))
    }

    /// Goes behind `line`, and notices records between it and the one before that are gone.
    fn advance(&mut self, line: &Line) {
        let place = chain::place(&line.bytes);
        if let (Some((seq, chain)), Some(Mark { position, seq: Some(last) })) = (place, &self.mark) {
            let gone = if position.segment.chain() == chain {
                seq.saturating_sub(last + 1)
            } else {
                let between = between(&position.segment.chain(), *last, line).unwrap_or(u64::from(seq == 0));
                seq.saturating_add(between)
            };
            if gone > 0 {
                self.feed.skipped(gone);
            }
        }
        let before = self.mark.as_ref().and_then(|mark| mark.seq);
        self.mark = Some(Mark { position: line.end.clone(), seq: place.map(|(seq, _)| seq).or(before) });
    }
}

/// How many records are gone between number `last` of `chain` and the first of a later chain; `None` if that continues
/// yet another, or is not its first.
fn between(chain: &str, last: u64, line: &Line) -> Option<u64> {
    #[derive(Deserialize)]
    struct First {
        after: Option<After>,
    }
    #[derive(Deserialize)]
    struct After {
        chain: Box<str>,
        seq: u64,
    }
    match serde_json::from_slice::<First>(&line.bytes) {
        Ok(First { after: Some(after) }) if *after.chain == *chain => Some(after.seq.saturating_sub(last)),
        _ => None,
    }
}

/// When a line was written, since 1970.
fn written(line: &Line) -> Option<Duration> {
    #[derive(Deserialize)]
    struct Time<'a> {
        ts: &'a str,
    }
    serde_json::from_slice::<Time<'_>>(&line.bytes).ok().and_then(|time| since_1970(time.ts))
}
