use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use tokio::sync::watch;

use super::backend::{Backend, Batch, Feed, Lost, Snapshot};
use super::{Change, CommitError, Expect, Row, Table};
use crate::clock::since_epoch;

/// Rows in this process's memory only: for tests, and for services that can live with forgetting.
#[derive(Clone)]
pub struct Memory(Arc<Inner>);

struct Inner {
    rows: Mutex<Rows>,
    seq: watch::Sender<u64>,
}

#[derive(Default)]
struct Rows {
    rows: BTreeMap<(Table, Arc<str>), Row>,
    batches: Vec<Batch>,
}

impl Memory {
    /// No rows.
    #[must_use]
    pub fn new() -> Self {
        Self(Arc::new(Inner { rows: Mutex::default(), seq: watch::Sender::new(0) }))
    }
}

impl Default for Memory {
    fn default() -> Self {
        Self::new()
    }
}

impl Inner {
    fn lock(&self) -> MutexGuard<'_, Rows> {
        self.rows.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn commit(&self, changes: Vec<Change>) -> Result<u64, CommitError> {
        let mut rows = self.lock();
        let now = since_epoch(SystemTime::now());
        if let Some(broken) = changes.iter().find(|change| !rows.meets(change, now)) {
            return Err(CommitError::Conflict(broken.table(), Arc::clone(broken.key())));
        }
        for change in &changes {
            match change {
                Change::Put(row, _) => drop(rows.rows.insert((row.table, Arc::clone(&row.key)), row.clone())),
                Change::Remove(table, key) => drop(rows.rows.remove(&(*table, Arc::clone(key)))),
            }
        }
        let seq = rows.batches.len() as u64 + 1;
        rows.batches.push(Batch { seq, changes });
        self.seq.send_replace(seq);
        Ok(seq)
    }
}

impl Rows {
    fn meets(&self, change: &Change, now: u64) -> bool {
        let Change::Put(row, expect) = change else { return true };
        let there = self.rows.get(&(row.table, Arc::clone(&row.key))).filter(|row| !row.is_over(now));
        match expect {
            Expect::Any => true,
            Expect::Absent => there.is_none(),
            Expect::Value(value) => there.is_some_and(|row| row.value == *value),
        }
    }
}

impl Backend for Memory {
    fn load(&self) -> Feed<Result<Snapshot, Lost>> {
        let rows = self.0.lock();
        let snapshot =
            Snapshot { rows: rows.rows.values().cloned().collect(), seq: rows.batches.len() as u64 };
        Box::pin(async move { Ok(snapshot) })
    }

    fn commit(&self, changes: Vec<Change>) -> Feed<Result<u64, CommitError>> {
        let result = self.0.commit(changes);
        Box::pin(async move { result })
    }

    fn follow(&self, after: u64) -> Feed<Result<Vec<Batch>, Lost>> {
        let (inner, mut seq) = (Arc::clone(&self.0), self.0.seq.subscribe());
        Box::pin(async move {
            let gone = |_| Lost::Unreachable("closed".into());
            seq.wait_for(|seq| *seq > after).await.map_err(gone)?;
            let after = usize::try_from(after).unwrap_or(usize::MAX);
            Ok(inner.lock().batches.get(after..).unwrap_or_default().to_vec())
        })
    }

    fn is_watched(&self) -> bool {
        false
    }
}

impl fmt::Debug for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Memory").field("rows", &self.0.lock().rows.len()).finish()
    }
}
