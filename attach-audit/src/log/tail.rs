use std::path::{Path, PathBuf};
use std::sync::Arc;

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

    /// The log's directory.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Reads on behind `from`; without it, from the oldest record there is.
    #[must_use]
    pub fn follow(&self, from: Option<Position>) -> Follower {
        Follower::new(Arc::clone(&self.dir), self.reached.clone(), from)
    }
}
