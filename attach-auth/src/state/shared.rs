use std::fmt;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Duration;

use tokio::sync::watch;

use super::backend::{Backend, Batch, Lost};
use super::health::{Contact, Health};
use super::rows::Rows;
use super::{Change, CommitError, Row, Table};
use crate::clock::{Clock, SystemClock, since_epoch};

/// How long to wait before a backend that was lost is asked again.
const PAUSE: Duration = Duration::from_millis(100);

/// The rows, in memory and up to date.
///
/// Cheap to clone; clones share the rows. [`run`](Self::run) has to be running, once, for as long as the state is used.
#[derive(Clone)]
pub struct State(Arc<Inner>);

struct Inner {
    backend: Arc<dyn Backend>,
    clock: Arc<dyn Clock>,
    replica: RwLock<Replica>,
    views: Vec<(Table, Arc<dyn View>)>,
    /// Counts what anybody might have to look at again: commits, and changes of health.
    revision: watch::Sender<u64>,
    contact: Contact,
}

#[derive(Default)]
struct Replica {
    rows: Rows,
    /// Every commit up to this one is in the rows.
    applied: u64,
}

/// A typed index over one table, kept up to date with it.
///
/// Called under a lock of the state's, in order, and must not call the state.
pub trait View: Send + Sync + 'static {
    /// These are all rows of the table.
    fn reset(&self, rows: &mut dyn Iterator<Item = &Row>);

    /// One row was written or removed. A row that is over is removed some time later, with the next commit: until
    /// then a view that has to be exact looks at the row's [end](Row::expires_at) itself.
    fn apply(&self, change: &Change);
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
        let contact = Contact::new(clock.elapsed(), backend.is_watched());
        let state = Self(Arc::new(Inner {
            backend: Arc::new(backend),
            clock,
            replica: RwLock::default(),
            views,
            revision: watch::Sender::new(0),
            contact,
        }));
        state.reload().await?;
        Ok(state)
    }

    /// A row, unless it is over.
    #[must_use]
    pub fn get(&self, table: Table, key: &str) -> Option<Row> {
        self.read().rows.get(table, key, self.now()).cloned()
    }

    /// The rows of a table whose keys begin with `prefix`, in the order of their keys.
    #[must_use]
    pub fn scan(&self, table: Table, prefix: &str) -> Vec<Row> {
        self.read().rows.scan(table, prefix, self.now()).cloned().collect()
    }

    /// Every row, for a backend that has to be filled again.
    #[must_use]
    pub fn rows(&self) -> Vec<Row> {
        let now = self.now();
        self.read().rows.all().filter(|row| !row.is_over(now)).cloned().collect()
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
        let seq = self.0.backend.commit(changes.clone()).await?;
        // Mostly nobody else committed meanwhile, and there is nothing to wait for.
        self.apply(&[Batch { seq, changes }]);
        self.reach(seq).await
    }

    /// Changes whenever rows or health do.
    #[must_use]
    pub fn subscribe(&self) -> watch::Receiver<u64> {
        self.0.revision.subscribe()
    }

    /// Whether the rows can be relied on.
    #[must_use]
    pub fn health(&self) -> Health {
        self.0.contact.health(|| self.0.clock.elapsed())
    }

    /// Follows the backend for ever. To be run once, beside the service.
    pub async fn run(&self, pause: impl AsyncFn(Duration)) {
        loop {
            let after = self.read().applied;
            let followed = match self.0.backend.follow(after).await {
                Ok(batches) if self.apply(&batches) => Ok(()),
                Ok(_) | Err(Lost::Behind) => self.reload().await,
                Err(lost) => Err(lost),
            };
            match followed {
                Ok(()) => self.note(Contact::confirm),
                Err(lost) => {
                    self.note(|contact, _| contact.lose(lost));
                    pause(PAUSE).await;
                }
            }
        }
    }

    async fn reload(&self) -> Result<(), Lost> {
        let snapshot = self.0.backend.load().await?;
        let mut replica = self.write();
        replica.rows = snapshot.rows.into_iter().collect();
        replica.applied = snapshot.seq;
        for (table, view) in &self.0.views {
            view.reset(&mut replica.rows.of(*table));
        }
        drop(replica);
        self.0.revision.send_modify(|revision| *revision += 1);
        Ok(())
    }

    /// Applies the batches that come next; `false` if one is missing before them.
    fn apply(&self, batches: &[Batch]) -> bool {
        let mut replica = self.write();
        let before = replica.applied;
        for batch in batches {
            if batch.seq > replica.applied + 1 {
                break;
            }
            if batch.seq == replica.applied + 1 {
                replica.applied = batch.seq;
                batch.changes.iter().for_each(|change| self.change(&mut replica.rows, change));
            }
        }
        let (after, last) = (replica.applied, batches.last().map_or(0, |batch| batch.seq));
        if after > before {
            for change in replica.rows.prune(self.now()) {
                self.show(&change);
            }
            drop(replica);
            self.0.revision.send_modify(|revision| *revision += 1);
        }
        after >= last
    }

    fn change(&self, rows: &mut Rows, change: &Change) {
        rows.apply(change);
        self.show(change);
    }

    fn show(&self, change: &Change) {
        let views = self.0.views.iter().filter(|(table, _)| *table == change.table());
        views.for_each(|(_, view)| view.apply(change));
    }

    /// Waits until the commit `seq` is in the rows here.
    async fn reach(&self, seq: u64) -> Result<(), CommitError> {
        let mut revision = self.subscribe();
        while self.read().applied < seq {
            if let Health::Down { why, .. } = self.health() {
                return Err(CommitError::Unavailable(why));
            }
            let stopped = |_| CommitError::Unavailable("the state is gone".into());
            revision.changed().await.map_err(stopped)?;
        }
        Ok(())
    }

    /// Notes something about the backend, and says so to everybody if the health is another now.
    fn note(&self, with: impl FnOnce(&Contact, Duration)) {
        let now = self.0.clock.elapsed();
        with(&self.0.contact, now);
        if self.0.contact.has_turned(now) {
            self.0.revision.send_modify(|revision| *revision += 1);
        }
    }

    fn read(&self) -> RwLockReadGuard<'_, Replica> {
        self.0.replica.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Replica> {
        self.0.replica.write().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn now(&self) -> u64 {
        since_epoch(self.0.clock.now())
    }
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("State").field("backend", &self.0.backend).finish_non_exhaustive()
    }
}
