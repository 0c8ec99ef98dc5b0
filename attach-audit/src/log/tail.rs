use std::path::{Path, PathBuf};
use std::sync::Arc;
#[cfg(feature = "egress")]
use std::{fs, io};

use tokio::sync::watch;

use super::SegmentName;
use super::follow::{Follower, Position};

/// How far a log is durable; clones share it.
///
/// What reads a log that is being written, to send it elsewhere or to sign it, begins here.
#[derive(Debug, Clone)]
pub struct Tail {
    dir: Arc<Path>,
    reached: watch::Receiver<Reached>,
}

/// The end of what is durable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reached {
    pub(crate) segment: SegmentName,
    /// Bytes of it that are durable.
    pub(crate) bytes: u64,
}

impl Tail {
    pub(super) fn new(dir: PathBuf, reached: watch::Receiver<Reached>) -> Self {
        Self { dir: dir.into(), reached }
    }

    /// The segment that is being written to.
    pub(crate) fn current(&self) -> SegmentName {
        self.reached.borrow().segment.clone()
    }

    /// The log's directory.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Behind the last record that is durable now.
    #[must_use]
    pub fn end(&self) -> Position {
        let reached = self.reached.borrow();
        Position { segment: reached.segment.clone(), offset: reached.bytes }
    }

    /// Whether the log has ended: nothing more will become durable.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.reached.has_changed().is_err()
    }

    /// Waits until the log has ended.
    pub async fn ended(&self) {
        let mut reached = self.reached.clone();
        while reached.changed().await.is_ok() {}
    }

    /// Bytes of segments behind `from` that are durable, those of segments given up on among them. Reads the sizes of
    /// files.
    #[cfg(feature = "egress")]
    pub(crate) fn bytes_behind(&self, from: Option<&Position>) -> io::Result<u64> {
        let end = self.end();
        let mut bytes = end.offset;
        let begun = from.map_or(0, |from| from.offset);
        if from.is_some_and(|from| from.segment == end.segment) {
            return Ok(bytes.saturating_sub(begun));
        }
        for entry in fs::read_dir(&self.dir)? {
            let entry = entry?;
            let Some(name) = entry.file_name().to_str().and_then(SegmentName::parse) else { continue };
            let missing = from.is_none_or(|from| name >= from.segment);
            if missing && name.node == end.segment.node && name < end.segment {
                let own = from.is_some_and(|from| name == from.segment);
                bytes += entry.metadata()?.len().saturating_sub(if own { begun } else { 0 });
            }
        }
        Ok(bytes)
    }

    /// Reads on behind `from`; without it, from the oldest record there is.
    #[must_use]
    pub fn follow(&self, from: Option<Position>) -> Follower {
        Follower::new(Arc::clone(&self.dir), self.reached.clone(), from)
    }
}
