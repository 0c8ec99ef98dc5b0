use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use uuid::Uuid;

use super::Options;
use crate::record::Effect;
use crate::{Ack, Record, Timestamp};

/// From this many records on the writer does not linger.
const GROUP: usize = 256;
/// Records kept for a disk that fails; further ones are lost, and counted.
const KEPT: usize = 65_536;

/// What stands between the requests and the writer: one buffer that records are formatted into.
pub(super) struct Queue {
    state: Mutex<State>,
    wake: Condvar,
    ready: AtomicBool,
    linger: Duration,
}

struct State {
    batch: Batch,
    writer: Writer,
    closed: bool,
}

/// What the writer is doing: it is woken only if that changes something.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Writer {
    Busy,
    Idle,
    /// Waits for company for a record that nobody waits for.
    Lingering,
}

/// Records in the order they came.
#[derive(Default)]
pub(super) struct Batch {
    /// The members of all entries, one after another.
    pub(super) text: Vec<u8>,
    pub(super) entries: Vec<Entry>,
    /// Records there was no room for.
    pub(super) lost: u64,
}

pub(super) struct Entry {
    pub(super) id: Uuid,
    pub(super) at: Timestamp,
    /// Where its members end in the text.
    pub(super) end: usize,
    pub(super) effect: Effect,
    pub(super) since: Instant,
    pub(super) ack: Ack,
}

impl Batch {
    pub(super) fn push(&mut self, record: &Record<'_>, ack: Ack) {
        let start = self.entries.last().map_or(0, |entry| entry.end);
        // A record whose formatting panicked may have left its beginning.
        self.text.truncate(start);
        record.write_members(&mut self.text);
        self.entries.push(Entry {
            id: record.id(),
            // Taken under the queue's lock, so that it goes forward with the sequence number.
            at: Timestamp::now(),
            end: self.text.len(),
            effect: record.effect(),
            since: Instant::now(),
            ack,
        });
    }

    /// Appends another batch, which came later.
    pub(super) fn append(&mut self, later: &mut Self) {
        let shift = self.text.len();
        self.text.append(&mut later.text);
        self.entries.extend(later.entries.drain(..).map(|entry| Entry { end: entry.end + shift, ..entry }));
        self.lost += std::mem::take(&mut later.lost);
    }

    pub(super) fn clear(&mut self) {
        self.text.clear();
        self.entries.clear();
        self.lost = 0;
    }

    fn is_urgent(&self) -> bool {
        self.entries.len() >= GROUP || self.entries.iter().any(|entry| entry.ack.is_awaited())
    }
}

impl Queue {
    pub(super) fn new(options: &Options) -> Self {
        let state = State { batch: Batch::default(), writer: Writer::Busy, closed: false };
        Self {
            state: Mutex::new(state),
            wake: Condvar::new(),
            ready: AtomicBool::new(true),
            linger: options.linger,
        }
    }

    /// Takes a record; `last` closes the queue behind it.
    pub(super) fn push(&self, record: &Record<'_>, ack: Ack, last: bool) {
        let mut state = self.lock();
        if state.closed {
            drop(state);
            return ack.failed("the log is closed");
        }
        if state.batch.entries.len() >= KEPT {
            state.batch.lost += 1;
            drop(state);
            return ack.failed("the log's queue is full");
        }
        let awaited = ack.is_awaited();
        state.batch.push(record, ack);
        if last {
            state.closed = true;
            self.set_ready(false);
        }
        let urgent = awaited || last || state.batch.entries.len() >= GROUP;
        let wake = match state.writer {
            Writer::Busy => false,
            Writer::Idle => true,
            Writer::Lingering => urgent,
        };
        if wake {
            state.writer = Writer::Busy;
            drop(state);
            self.wake.notify_one();
        }
    }

    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.wake.notify_one();
    }

    pub(super) fn is_ready(&self) -> bool {
        self.ready.load(Ordering::Acquire)
    }

    pub(super) fn set_ready(&self, ready: bool) {
        self.ready.store(ready, Ordering::Release);
    }

    /// Waits for records and takes all there are, in exchange for an empty batch; false when closed and empty.
    pub(super) fn take(&self, empty: &mut Batch) -> bool {
        let mut state = self.lock();
        while state.batch.entries.is_empty() {
            if state.closed {
                return false;
            }
            state.writer = Writer::Idle;
            state = self.wake.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        if !state.closed && !state.batch.is_urgent() {
            state.writer = Writer::Lingering;
            let (lingered, _) = self
                .wake
                .wait_timeout_while(state, self.linger, |state| !state.closed && !state.batch.is_urgent())
                .unwrap_or_else(PoisonError::into_inner);
            state = lingered;
        }
        state.writer = Writer::Busy;
        std::mem::swap(&mut state.batch, empty);
        true
    }

    /// Waits `pause`, then adds what came meanwhile to `kept`. False when closed.
    pub(super) fn pause(&self, pause: Duration, kept: &mut Batch) -> bool {
        let state = self.lock();
        let (mut state, _) = self
            .wake
            .wait_timeout_while(state, pause, |state| !state.closed)
            .unwrap_or_else(PoisonError::into_inner);
        let room = KEPT.saturating_sub(kept.entries.len());
        if state.batch.entries.len() <= room {
            kept.append(&mut state.batch);
        }
        !state.closed
    }

    /// Closes the queue and takes what is left.
    pub(super) fn abandon(&self) -> Batch {
        let mut state = self.lock();
        state.closed = true;
        std::mem::take(&mut state.batch)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
