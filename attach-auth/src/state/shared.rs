use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use tokio::sync::watch;

use super::backend::{Backend, Batch, Lost};
use super::{Change, CommitError, Row, Table};
use crate::clock::{Clock, SystemClock, since_epoch};

/// How long a watched backend may be silent.
const PATIENCE: Duration = Duration::from_secs(2);

/// The rows, in memory and up to date.
///
/// Cheap to clone; clones share the rows. [`run`](Self::run) has to be running, once, for as long as the state is used.
#[derive(Clone)]
pub struct State(Arc<Inner>);

struct Inner {
    backend: Arc<dyn Backend>,
    clock: Arc<dyn Clock>,
    rows: RwLock<BTreeMap<(Table, Arc<str>), Row>>,
    views: Vec<(Table, Arc<dyn View>)>,
    /// Everything up to this sequence number has been applied here.
    applied: watch::Sender<u64>,
    /// Counts what anybody might have to look at again: commits, and changes of health.
    revision: watch::Sender<u64>,
    contact: Mutex<Contact>,
}

struct Contact {
    confirmed: Duration,
    lost: Option<Lost>,
}

/// A typed index over one table, kept up to date with it.
///
/// Called under a lock of the state's, in order, and must not call the state.
pub trait View: Send + Sync + 'static {
    /// These are all rows of the table.
    fn reset(&self, rows: &mut dyn Iterator<Item = &Row>);

    /// One row was written or removed.
    fn apply(&self, change: &Change);
}

/// Whether rows can be relied on.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Health {
    /// They are up to date.
    Up,
    /// They are those of a while ago.
    Down {
        /// How long ago the backend was last heard of.
        since: Duration,
        /// What is wrong.
        why: Box<str>,
    },
}

impl State {
    /// Loads every row of `backend`; `views` are kept up to date with their tables from then on.
    ///
    /// # Errors
    ///
    /// When the rows cannot be had: what relies on them must not start without.
    pub async fn open(backend: impl Backend, views: Vec<(Table, Arc<dyn View>)>) -> Result<Self, Lost> {
        Self::with_clock(backend, views, Arc::new(SystemClock::default())).await
    }

    /// [`open`](Self::open) with clocks other than the machine's.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open).
    pub async fn with_clock(
        backend: impl Backend,
        views: Vec<(Table, Arc<dyn View>)>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, Lost> {
        let contact = Contact { confirmed: clock.elapsed(), lost: None };
        let state = Self(Arc::new(Inner {
            backend: Arc::new(backend),
            clock,
            rows: RwLock::default(),
            views,
            applied: watch::Sender::new(0),
            revision: watch::Sender::new(0),
            contact: Mutex::new(contact),
        }));
        state.reload().await?;
        Ok(state)
    }

    /// A row, unless it is over.
    #[must_use]
    pub fn get(&self, table: Table, key: &str) -> Option<Row> {
        let now = self.now();
        let rows = self.0.rows.read().unwrap_or_else(PoisonError::into_inner);
        rows.get(&(table, Arc::from(key))).filter(|row| !row.is_over(now)).cloned()
    }

    /// The rows of a table whose keys begin with `prefix`, in the order of their keys.
    #[must_use]
    pub fn scan(&self, table: Table, prefix: &str) -> Vec<Row> {
        let now = self.now();
        let rows = self.0.rows.read().unwrap_or_else(PoisonError::into_inner);
        let from = rows.range((table, Arc::from(prefix))..);
        from.take_while(|((of, key), _)| *of == table && key.starts_with(prefix))
            .filter(|(_, row)| !row.is_over(now))
            .map(|(_, row)| row.clone())
            .collect()
    }

    /// Applies all of `changes` or none. When it returns they are durable, and this node acts on them.
    ///
    /// # Errors
    ///
    /// When a row is not what was expected, or when it cannot be known that they are durable.
    pub async fn commit(&self, changes: Vec<Change>) -> Result<(), CommitError> {
        if let Health::Down { why, .. } = self.health() {
            return Err(CommitError::Unavailable(why));
        }
        let seq = self.0.backend.commit(changes).await?;
        let mut applied = self.0.applied.subscribe();
        let stopped = |_| CommitError::Unavailable("the state is not running".into());
        applied.wait_for(|applied| *applied >= seq).await.map_err(stopped)?;
        Ok(())
    }

    /// Changes whenever rows or health do.
    #[must_use]
    pub fn subscribe(&self) -> watch::Receiver<u64> {
        self.0.revision.subscribe()
    }

    /// Whether the rows can be relied on.
    #[must_use]
    pub fn health(&self) -> Health {
        let contact = self.0.contact.lock().unwrap_or_else(PoisonError::into_inner);
        let since = self.0.clock.elapsed().saturating_sub(contact.confirmed);
        match &contact.lost {
            Some(lost @ Lost::Reset(_)) => Health::Down { since, why: lost.to_string().into() },
            lost if self.0.backend.is_watched() && since > PATIENCE => {
                let why = lost.as_ref().map_or_else(|| "silent".into(), ToString::to_string);
                Health::Down { since, why: why.into() }
            }
            _ => Health::Up,
        }
    }

    /// Follows the backend for ever. To be run once, beside the service.
    pub async fn run(&self, pause: impl AsyncFn(Duration)) {
        loop {
            let after = *self.0.applied.borrow();
            let followed = match self.0.backend.follow(after).await {
                Err(Lost::Behind) => self.reload().await.map(|()| Vec::new()),
                followed => followed,
            };
            match followed {
                Ok(batches) => self.apply(&batches),
                Err(lost) => {
                    self.lose(lost);
                    pause(Duration::from_millis(100)).await;
                }
            }
        }
    }

    async fn reload(&self) -> Result<(), Lost> {
        let snapshot = self.0.backend.load().await?;
        let mut rows = self.0.rows.write().unwrap_or_else(PoisonError::into_inner);
        *rows = snapshot.rows.into_iter().map(|row| ((row.table, Arc::clone(&row.key)), row)).collect();
        for (table, view) in &self.0.views {
            view.reset(&mut rows.values().filter(|row| row.table == *table));
        }
        drop(rows);
        self.confirm();
        self.0.applied.send_replace(snapshot.seq);
        self.0.revision.send_modify(|revision| *revision += 1);
        Ok(())
    }

    fn apply(&self, batches: &[Batch]) {
        self.confirm();
        if batches.is_empty() {
            return;
        }
        let mut rows = self.0.rows.write().unwrap_or_else(PoisonError::into_inner);
        for change in batches.iter().flat_map(|batch| &batch.changes) {
            match change {
                Change::Put(row, _) => drop(rows.insert((row.table, Arc::clone(&row.key)), row.clone())),
                Change::Remove(table, key) => drop(rows.remove(&(*table, Arc::clone(key)))),
            }
            for (_, view) in self.0.views.iter().filter(|(table, _)| *table == change.table()) {
                view.apply(change);
            }
        }
        drop(rows);
        let last = batches.iter().map(|batch| batch.seq).max();
        self.0.applied.send_modify(|applied| *applied = (*applied).max(last.unwrap_or(0)));
        self.0.revision.send_modify(|revision| *revision += 1);
    }

    fn confirm(&self) {
        let mut contact = self.0.contact.lock().unwrap_or_else(PoisonError::into_inner);
        contact.confirmed = self.0.clock.elapsed();
        if contact.lost.take().is_some() {
            tracing::info!("the state store is there again");
            self.0.revision.send_modify(|revision| *revision += 1);
        }
    }

    fn lose(&self, lost: Lost) {
        let mut contact = self.0.contact.lock().unwrap_or_else(PoisonError::into_inner);
        if contact.lost.is_none() {
            tracing::error!(%lost, "the state store is lost");
            self.0.revision.send_modify(|revision| *revision += 1);
        }
        contact.lost = Some(lost);
    }

    fn now(&self) -> u64 {
        since_epoch(self.0.clock.now())
    }
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("State").field("backend", &self.0.backend).finish_non_exhaustive()
    }
}
