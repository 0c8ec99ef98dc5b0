use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use super::backend::{Backend, Batch, Feed, Lost, Snapshot};
use super::log::Log;
use super::rows::Rows;
use super::{Change, CommitError};
use crate::clock::since_epoch;

/// Rows in this process's memory only: for tests, and for services that can live with forgetting.
#[derive(Clone)]
pub struct Memory {
    rows: Arc<Mutex<Rows>>,
    log: Arc<Log>,
}

impl Memory {
    /// No rows.
    #[must_use]
    pub fn new() -> Self {
        Self { rows: Arc::default(), log: Arc::new(Log::new(0)) }
    }

    fn lock(&self) -> MutexGuard<'_, Rows> {
        self.rows.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn apply(&self, changes: Vec<Change>) -> Result<u64, CommitError> {
        let mut rows = self.lock();
        let now = since_epoch(SystemTime::now());
        if let Some(broken) = changes.iter().find(|change| !rows.meets(change, now)) {
            return Err(CommitError::Conflict(broken.table(), Arc::clone(broken.key())));
        }
        changes.iter().for_each(|change| rows.apply(change));
        rows.prune(now);
        let seq = self.log.last() + 1;
        self.log.push(Batch { seq, changes });
        Ok(seq)
    }
}

impl Default for Memory {
    fn default() -> Self {
        Self::new()
    }
}

impl Backend for Memory {
    fn load(&self) -> Feed<Result<Snapshot, Lost>> {
        let rows = self.lock();
        let snapshot = Snapshot { rows: rows.all().cloned().collect(), seq: self.log.last() };
        Box::pin(async move { Ok(snapshot) })
    }

    fn commit(&self, changes: Vec<Change>) -> Feed<Result<u64, CommitError>> {
        let result = self.apply(changes);
        Box::pin(async move { result })
    }

    fn follow(&self, after: u64) -> Feed<Result<Vec<Batch>, Lost>> {
        self.log.follow(after)
    }

    fn is_watched(&self) -> bool {
        false
    }
}

impl fmt::Debug for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Memory").field("rows", &self.lock().all().count()).finish()
    }
}
