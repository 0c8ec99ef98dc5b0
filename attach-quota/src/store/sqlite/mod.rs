use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;

use tokio::sync::oneshot;

mod clock;
mod database;
mod error;
mod file;
mod ledger;
#[cfg(test)]
mod tests;
mod writer;

use self::clock::Onward;
use self::database::Database;
pub use self::error::OpenError;
use self::ledger::{Account, Entry, Ledger};
use self::writer::Writer;
use super::digest::digest;
use super::{Charge, Denied, Flushed, MemoryStore, Reserving, Settling, Store};
use crate::limit::{WhenDown, Window};
use crate::{Clock, SystemClock};

/// Budgets of one node that survive restarts, in `quota.db` in a directory; rates and places are in memory.
///
/// Admission is decided in memory. What is settled of budgets is written by one thread of its own, and all that is
/// settled during one write shares the next (`synchronous=FULL`); the last byte of an answer waits for it. What a
/// process had reserved and not settled ends with it.
///
/// One process at a time holds the file: a second one is refused. A file that cannot be read, or that has become empty,
/// is an error and never "nothing used". It names nobody: buckets go by a digest.
///
/// While the disk cannot be written, answers end without waiting, limits whose [`WhenDown`] is closed (those on money,
/// unless set) let nobody in, and the others count in memory. Everything is written once that works again.
///
/// The calendar never goes back: a clock that is set back counts to the latest period that was seen, also by an earlier
/// process.
///
/// Clones share the counts. The file is let go soon after the last clone is gone; before its process ends, a service
/// waits for [`flushed`](Store::flushed).
#[derive(Clone)]
pub struct SqliteStore(Arc<Shared>);

struct Shared {
    directory: PathBuf,
    clock: Onward,
    memory: MemoryStore,
    ledger: Arc<Ledger>,
}

impl SqliteStore {
    /// Opens the file in `directory`; makes both where there is nothing yet, for this user only.
    ///
    /// # Errors
    ///
    /// When the file cannot be opened, is damaged, is not ours, or is held by another process.
    pub async fn open(directory: impl AsRef<Path>) -> Result<Self, OpenError> {
        Self::open_on(directory, SystemClock::default()).await
    }

    /// The same on `clock`, which is what tests want.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open).
    pub async fn open_on(directory: impl AsRef<Path>, clock: impl Clock) -> Result<Self, OpenError> {
        let directory = directory.as_ref().to_owned();
        let clock = Onward::new(clock);
        let (opened, wait) = oneshot::channel();
        let work = {
            let (directory, clock) = (directory.clone(), clock.clone());
            move || match start(&directory, clock) {
                Ok(writer) => {
                    if opened.send(Ok(Arc::clone(&writer.ledger))).is_ok() {
                        writer.run();
                    }
                }
                Err(error) => drop(opened.send(Err(error))),
            }
        };
        let thread = thread::Builder::new().name("attach-quota".into()).spawn(work);
        thread.map_err(OpenError::io(&directory))?;
        let gone = |_| OpenError::new(&directory, "the thread that opens it is gone");
        let ledger = wait.await.map_err(gone)??;
        let memory = MemoryStore::on(clock.clone());
        Ok(Self(Arc::new(Shared { directory, clock, memory, ledger })))
    }
}

/// Opens the file, on the thread that will write it.
fn start(directory: &Path, clock: Onward) -> Result<Writer, OpenError> {
    let (database, found) = Database::open(directory)?;
    let behind = clock.has_seen(found.seen);
    if behind > 60 {
        tracing::warn!(seconds = behind, "the clock is behind the time at which budgets were last written");
    }
    let ledger = Arc::new(Ledger::new(found.used));
    ledger.sweep(clock.second());
    Ok(Writer { database, ledger, clock })
}

impl Shared {
    /// Budgets that are not in memory yet are taken from what was on the disk.
    fn recall(&self, charges: &[Charge]) {
        for charge in charges.iter().filter(|charge| is_budget(charge)) {
            self.memory.recall(charge, |until| self.ledger.used(account(charge, until)));
        }
    }

    /// Whether one of `charges` is for a limit that is closed while its counts cannot be written.
    fn is_closed(&self, charges: &[Charge]) -> bool {
        let closed = |charge: &Charge| {
            is_budget(charge) && !charge.is_shadow() && charge.limit().when_down() == WhenDown::Closed
        };
        charges.iter().any(closed) && self.ledger.is_down()
    }
}

fn is_budget(charge: &Charge) -> bool {
    matches!(charge.window(), Window::Budget(_))
}

fn account(charge: &Charge, until: u64) -> Account {
    Account { bucket: digest(charge.key(), charge.limit().unit()), until }
}

impl Store for SqliteStore {
    fn reserve<'a>(&'a self, charges: &'a mut [Charge]) -> Reserving<'a> {
        if self.0.is_closed(charges) {
            return Reserving::ready(Err(Denied::Unavailable));
        }
        self.0.recall(charges);
        self.0.memory.reserve(charges)
    }

    fn settle(&self, charges: &[Charge], settling: Settling) {
        self.0.memory.settle(charges, settling);
        let entry = |charge: &Charge| Entry {
            // The memory's mark of a budget is the end of its period.
            account: account(charge, charge.mark()),
            before: charge.used_before(),
            after: charge.used(),
        };
        // Also of a period that is over: the write notes how late it is.
        let changed = |charge: &&Charge| is_budget(charge) && charge.used() != charge.used_before();
        let entries: Vec<_> = charges.iter().filter(changed).map(entry).collect();
        if !entries.is_empty() {
            self.0.ledger.book(&entries, self.0.clock.second());
        }
    }

    fn look<'a>(&'a self, charges: &'a mut [Charge]) -> Reserving<'a> {
        self.0.recall(charges);
        self.0.memory.look(charges)
    }

    fn flushed(&self) -> Option<Flushed> {
        self.0.ledger.flushed()
    }

    fn sweep(&self) {
        self.0.memory.sweep();
        self.0.ledger.sweep(self.0.clock.second());
    }
}

/// Whoever opens the file next finds everything in it that was settled.
impl Drop for Shared {
    fn drop(&mut self) {
        self.ledger.close();
    }
}

impl fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteStore").field("directory", &self.0.directory).finish_non_exhaustive()
    }
}
