use std::collections::HashMap;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

use crate::store::Flushed;

/// A bucket in a period, which is told by its end in seconds since the epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Account {
    pub(super) bucket: u128,
    pub(super) until: u64,
}

/// A change of what is settled.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry {
    pub(super) account: Account,
    pub(super) before: u64,
    pub(super) after: u64,
}

/// Rows that are to be written together.
#[derive(Debug)]
pub(super) struct Batch {
    rows: Vec<(Account, u64)>,
    /// The number of the last settlement in it.
    last: u64,
}

/// What is settled: all of it, what of it is not on the disk yet, and who waits for that.
///
/// Settlements are numbered. `passed` is the number up to which nobody has to wait: they are on the disk, or that has
/// failed.
pub(super) struct Ledger {
    state: Mutex<State>,
    /// There is something to do for the writer.
    work: Condvar,
    passed: watch::Sender<u64>,
}

#[derive(Default)]
struct State {
    rows: HashMap<Account, Row>,
    /// The rows that differ from the disk's, each once.
    dirty: Vec<Account>,
    /// Something was settled of a period that was over: no row, but the disk is to know the time.
    late: bool,
    settled: u64,
    down: bool,
    closed: bool,
    /// The first end of a period among the rows.
    first_end: Option<u64>,
}

#[derive(Default)]
struct Row {
    used: u64,
    dirty: bool,
}

impl Batch {
    pub(super) fn rows(&self) -> &[(Account, u64)] {
        &self.rows
    }
}

impl Ledger {
    /// With what is on the disk.
    pub(super) fn new(used: Vec<(Account, u64)>) -> Self {
        let rows: HashMap<_, _> =
            used.into_iter().map(|(account, used)| (account, Row { used, dirty: false })).collect();
        let first_end = rows.keys().map(|account| account.until).min();
        let state = Mutex::new(State { rows, first_end, ..State::default() });
        Self { state, work: Condvar::new(), passed: watch::Sender::new(0) }
    }

    /// What is settled on an account.
    pub(super) fn used(&self, account: Account) -> u64 {
        self.lock().rows.get(&account).map_or(0, |row| row.used)
    }

    /// Books one settlement; `now` is in seconds since the epoch.
    pub(super) fn book(&self, entries: &[Entry], now: u64) {
        let mut state = self.lock();
        state.sweep(now);
        for entry in entries {
            let until = entry.account.until;
            if until <= now {
                state.late = true;
                continue;
            }
            state.first_end = Some(state.first_end.map_or(until, |end| end.min(until)));
            let row = state.rows.entry(entry.account).or_default();
            row.used = row.used.saturating_add(entry.after).saturating_sub(entry.before);
            if !std::mem::replace(&mut row.dirty, true) {
                state.dirty.push(entry.account);
            }
        }
        state.settled += 1;
        drop(state);
        self.work.notify_one();
    }

    /// When everything booked so far has passed; `None` if it has, or if nobody can say when it will.
    pub(super) fn flushed(&self) -> Option<Flushed> {
        let state = self.lock();
        let (settled, down) = (state.settled, state.down);
        drop(state);
        if down || *self.passed.borrow() >= settled {
            return None;
        }
        let mut passed = self.passed.subscribe();
        Some(Box::pin(async move {
            // An error means that the ledger is gone, and with it whoever could write.
            let _ = passed.wait_for(|passed| *passed >= settled).await;
        }))
    }

    /// Whether the disk cannot be written.
    pub(super) fn is_down(&self) -> bool {
        self.lock().down
    }

    /// Forgets the periods that are over.
    pub(super) fn sweep(&self, now: u64) {
        self.lock().sweep(now);
    }

    /// How many accounts there are.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.lock().rows.len()
    }

    /// Nothing more will be booked.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.work.notify_one();
    }
}

/// What the writer does.
impl Ledger {
    /// Waits until something is to be written, or is to be tried again, and takes all of it; `None` once there will be no
    /// more.
    pub(super) fn take(&self) -> Option<Batch> {
        let idle = |state: &mut State| {
            let nothing = state.dirty.is_empty() && !state.late;
            nothing && !state.closed && !state.down
        };
        let mut state = self.work.wait_while(self.lock(), idle).unwrap_or_else(PoisonError::into_inner);
        let late = std::mem::take(&mut state.late);
        let dirty = std::mem::take(&mut state.dirty);
        if dirty.is_empty() && !late && state.closed {
            return None;
        }
        let mut rows = Vec::with_capacity(dirty.len());
        for account in dirty {
            // Not there any more: its period is over.
            let Some(row) = state.rows.get_mut(&account) else { continue };
            row.dirty = false;
            rows.push((account, row.used));
        }
        Some(Batch { rows, last: state.settled })
    }

    /// `batch` is on the disk. Whether it could not be written before.
    pub(super) fn written(&self, batch: &Batch) -> bool {
        let was_down = std::mem::take(&mut self.lock().down);
        self.pass(batch.last);
        was_down
    }

    /// `batch` may be on the disk or not: it is to be written again. Whether that is new.
    pub(super) fn failed(&self, batch: &Batch) -> bool {
        let mut state = self.lock();
        for (account, _) in &batch.rows {
            match state.rows.get_mut(account) {
                Some(row) if !row.dirty => row.dirty = true,
                _ => continue,
            }
            state.dirty.push(*account);
        }
        self.give_up(state)
    }

    /// Nobody writes any more.
    pub(super) fn abandoned(&self) {
        self.give_up(self.lock());
    }

    /// Whether nothing more will be booked.
    pub(super) fn is_closed(&self) -> bool {
        self.lock().closed
    }

    /// Waits, or until there is nothing to wait for.
    pub(super) fn pause(&self, time: Duration) {
        let open = |state: &mut State| !state.closed;
        drop(self.work.wait_timeout_while(self.lock(), time, open));
    }

    /// Lets go whoever waits. Whether they were not told before.
    fn give_up(&self, mut state: MutexGuard<'_, State>) -> bool {
        let is_new = !std::mem::replace(&mut state.down, true);
        let settled = state.settled;
        drop(state);
        self.pass(settled);
        is_new
    }

    fn pass(&self, number: u64) {
        self.passed.send_if_modified(|passed| {
            let later = number > *passed;
            *passed = number.max(*passed);
            later
        });
    }

    /// The state is whole between any two statements, so a poisoned lock is used on.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Looks at the rows only when a period among them is over, which is once a day or so.
    fn sweep(&mut self, now: u64) {
        if self.first_end.is_none_or(|end| now < end) {
            return;
        }
        self.rows.retain(|account, _| account.until > now);
        self.rows.shrink_to(self.rows.len().saturating_mul(2));
        self.first_end = self.rows.keys().map(|account| account.until).min();
    }
}

#[cfg(test)]
mod tests;
