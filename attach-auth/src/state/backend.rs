use std::fmt;
use std::future::Future;
use std::pin::Pin;

use super::{Change, CommitError, Row};

/// What a [`Backend`] promises to answer.
pub type Feed<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// Where rows are kept: a file of one node, or a store that many share.
pub trait Backend: fmt::Debug + Send + Sync + 'static {
    /// Every row, and the sequence number of the last commit in it.
    fn load(&self) -> Feed<Result<Snapshot, Lost>>;

    /// Applies all of `changes` or none, durably, and returns the commit's sequence number.
    fn commit(&self, changes: Vec<Change>) -> Feed<Result<u64, CommitError>>;

    /// The commits after `after`, in order. Waits for one; a backend that is [watched](Self::is_watched) answers at
    /// least twice a second all the same, with an empty list, to show that it is there.
    fn follow(&self, after: u64) -> Feed<Result<Vec<Batch>, Lost>>;

    /// Whether silence means that the backend may be gone.
    fn is_watched(&self) -> bool;
}

/// Everything a backend holds.
#[derive(Debug, Clone, Default)]
pub struct Snapshot {
    /// The rows, those that are over left out.
    pub rows: Vec<Row>,
    /// The sequence number of the last commit.
    pub seq: u64,
}

/// One commit, as it was applied.
#[derive(Debug, Clone)]
pub struct Batch {
    /// Its sequence number; one more than the commit before.
    pub seq: u64,
    /// What it changed. The expectations were met and mean nothing any more.
    pub changes: Vec<Change>,
}

/// Why a backend cannot be relied on.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Lost {
    /// It does not answer.
    Unreachable(Box<str>),
    /// It does not have the commits any more that would follow: everything is to be loaded afresh.
    Behind,
    /// It is not what it was: emptied, or behind what was acknowledged. Nobody may take it for the truth.
    Reset(Box<str>),
}

impl fmt::Display for Lost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreachable(why) => write!(f, "unreachable: {why}"),
            Self::Behind => f.write_str("too far behind to follow"),
            Self::Reset(why) => write!(f, "not what it was: {why}"),
        }
    }
}

impl std::error::Error for Lost {}
