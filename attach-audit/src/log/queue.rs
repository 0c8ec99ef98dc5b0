use std::cell::Cell;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use uuid::Uuid;

use super::Options;
use super::batch::{Batch, Waiting};
use super::config::InForce;
use crate::record::Effect;
use crate::{Ack, Kind, Record, Timestamp};

/// From this many records on the writer does not linger.
const GROUP: usize = 256;
/// Records kept for a disk that fails; further ones are lost, and counted.
const KEPT: usize = 65_536;
/// A thread's buffer above this size is not kept.
const SCRATCH: usize = 64 << 10;

thread_local! {
    /// Where a thread formats its records before it takes the lock.
    static FORMATTED: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// What stands between the requests, the writer and the watchdog.
pub(super) struct Queue {
    state: Mutex<State>,
    /// Wakes the writer.
    wake: Condvar,
    /// Wakes the watchdog, and who waits for the writer's end.
    pub(super) watch: Condvar,
    ready: AtomicBool,
    /// The configuration in force.
    pub(super) config: InForce,
    linger: Duration,
    pub(super) patience: Duration,
}

pub(super) struct State {
    batch: Batch,
    /// Who waits for the records of `batch`, in the same order.
    pub(super) waiting: Vec<Waiting>,
    /// Who waits for what the writer has, in the same order.
    pub(super) flight: Vec<Waiting>,
    /// Since when the writer has it.
    pub(super) began: Option<Instant>,
    writer: Writer,
    /// Set while new requests are refused.
    pub(super) outage: Option<Outage>,
    closed: bool,
    /// The writer has ended.
    pub(super) gone: bool,
    /// The watchdog will look again by itself.
    pub(super) watched: bool,
    /// Something came since the watchdog looked.
    pub(super) busy: bool,
}

/// What the writer is doing: it is woken only if that changes something.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Writer {
    Busy,
    Idle,
    /// Waits for company for a record that nobody waits for.
    Lingering,
}

/// What the writer is to do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Take {
    Records,
    /// Nothing came until the time it asked to be woken at.
    Due,
    /// The queue is closed and empty.
    Ended,
}

/// A time without a working disk, of which a `gap` record has to tell.
#[derive(Clone, Copy)]
pub(super) struct Outage {
    pub(super) since: Timestamp,
    /// Records that were given up on, as far as no `gap` record tells of them.
    pub(super) refused: u64,
}

impl Outage {
    pub(super) fn begin() -> Self {
        Self { since: Timestamp::now(), refused: 0 }
    }
}

impl Queue {
    pub(super) fn new(options: &Options) -> Self {
        let state = State {
            batch: Batch::default(),
            waiting: Vec::new(),
            flight: Vec::new(),
            began: None,
            writer: Writer::Busy,
            outage: None,
            closed: false,
            gone: false,
            watched: true,
            busy: false,
        };
        Self {
            state: Mutex::new(state),
            wake: Condvar::new(),
            watch: Condvar::new(),
            ready: AtomicBool::new(true),
            config: InForce::new(&options.config_hash),
            linger: options.linger,
            patience: options.patience,
        }
    }

    /// Takes a record; `last` closes the queue behind it.
    pub(super) fn push(&self, record: &Record<'_>, ack: Ack, last: bool) {
        self.push_with(record, &[], ack, last);
    }

    /// Takes a record and the line of content it refers to.
    pub(super) fn push_with(&self, record: &Record<'_>, content: &[u8], ack: Ack, last: bool) {
        // A thread that is ending has no buffer any more, and one that is formatting already has lent it.
        let mut members = FORMATTED.try_with(Cell::take).unwrap_or_default();
        record.write_members(&mut members);
        self.add(
            (record.id(), record.kind(), record.effect(), record.config().cloned()),
            [&members, content],
            ack,
            last,
        );
        members.clear();
        members.shrink_to(SCRATCH);
        let _ = FORMATTED.try_with(|buffer| buffer.set(members));
    }

    pub(super) fn add(
        &self,
        (id, kind, effect, config): (Uuid, Kind, Effect, Option<Arc<str>>),
        [members, content]: [&[u8]; 2],
        ack: Ack,
        last: bool,
    ) {
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
        // The time is taken under the lock, so that it goes forward with the sequence number.
        let at = Timestamp::now();
        state.batch.push((id, kind, config), effect, members, at);
        state.batch.content.extend_from_slice(content);
        state.waiting.push(Waiting { since: at.steady().unwrap_or_else(Instant::now), ack });
        if last {
            state.batch.last = true;
            state.closed = true;
            self.publish(&state);
        }
        let urgent = awaited || last || state.waiting.len() >= GROUP;
        let wake = match state.writer {
            Writer::Busy => false,
            Writer::Idle => true,
            Writer::Lingering => urgent,
        };
        if wake {
            state.writer = Writer::Busy;
        }
        state.busy = true;
        let watched = std::mem::replace(&mut state.watched, true);
        drop(state);
        if wake {
            self.wake.notify_one();
        }
        if !watched {
            self.watch.notify_all();
        }
    }

    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.wake.notify_one();
    }

    /// Records that were taken and are not durable yet.
    pub(super) fn depth(&self) -> usize {
        let state = self.lock();
        state.waiting.len() + state.flight.len()
    }

    pub(super) fn is_ready(&self) -> bool {
        self.ready.load(Ordering::Acquire)
    }

    /// To be called under the lock, by whoever begins or ends an outage or closes the queue.
    pub(super) fn publish(&self, state: &State) {
        self.ready.store(state.outage.is_none() && !state.closed, Ordering::Release);
    }

    /// Waits for records and takes all there are, in exchange for an empty batch; not beyond `due`. The last record of
    /// the log comes by itself, so that all before it are durable by then.
    pub(super) fn take(&self, empty: &mut Batch, due: Option<Instant>) -> Take {
        let mut state = self.lock();
        while state.batch.entries.is_empty() {
            if state.closed {
                return Take::Ended;
            }
            state.writer = Writer::Idle;
            let now = Instant::now();
            state = match due {
                Some(due) if due <= now => return self.write_alone(state, now),
                Some(due) => {
                    self.wake.wait_timeout(state, due - now).unwrap_or_else(PoisonError::into_inner).0
                }
                None => self.wake.wait(state).unwrap_or_else(PoisonError::into_inner),
            };
        }
        if !state.closed && !state.is_urgent() {
            state.writer = Writer::Lingering;
            let (lingered, _) = self
                .wake
                .wait_timeout_while(state, self.linger, |state| !state.closed && !state.is_urgent())
                .unwrap_or_else(PoisonError::into_inner);
            state = lingered;
        }
        let state = &mut *state;
        state.writer = Writer::Busy;
        state.began = Some(Instant::now());
        std::mem::swap(&mut state.batch, empty);
        std::mem::swap(&mut state.waiting, &mut state.flight);
        if empty.last && empty.entries.len() > 1 {
            state.batch = empty.split_last();
            state.waiting.extend(state.flight.pop());
        }
        Take::Records
    }

    /// The writer writes something of its own: the watchdog, which may be asleep, has to know.
    fn write_alone(&self, mut state: MutexGuard<'_, State>, now: Instant) -> Take {
        state.writer = Writer::Busy;
        state.began = Some(now);
        state.busy = true;
        if !std::mem::replace(&mut state.watched, true) {
            self.watch.notify_all();
        }
        Take::Due
    }

    /// What the writer had is durable: who waits for it, in exchange for an empty list; and whether there is an
    /// outage to be ended.
    pub(super) fn land(&self, empty: &mut Vec<Waiting>) -> bool {
        let mut state = self.lock();
        state.began = None;
        std::mem::swap(&mut state.flight, empty);
        state.outage.is_some()
    }

    /// From now on requests are refused.
    pub(super) fn fail(&self) {
        let mut state = self.lock();
        state.outage.get_or_insert_with(Outage::begin);
        self.publish(&state);
        drop(state);
        self.watch.notify_all();
    }

    /// Waits `pause`, then adds what came meanwhile to `kept`. What a `gap` record has to say, and whether the
    /// queue is open.
    pub(super) fn pause(&self, pause: Duration, kept: &mut Batch) -> (Outage, bool) {
        let state = self.lock();
        let (mut state, _) = self
            .wake
            .wait_timeout_while(state, pause, |state| !state.closed)
            .unwrap_or_else(PoisonError::into_inner);
        let state = &mut *state;
        let room = KEPT.saturating_sub(kept.entries.len());
        if state.batch.entries.len() <= room {
            kept.append(&mut state.batch);
            state.flight.append(&mut state.waiting);
        }
        (*state.outage.get_or_insert_with(Outage::begin), !state.closed)
    }

    /// A `gap` record that tells of `refused` is durable. Whether that was all: then requests are taken again.
    pub(super) fn resume(&self, refused: u64) -> bool {
        let mut state = self.lock();
        let rest = state.outage.map_or(0, |outage| outage.refused.saturating_sub(refused));
        state.outage = (rest > 0).then(|| Outage { refused: rest, ..Outage::begin() });
        self.publish(&state);
        rest == 0
    }

    /// Closes the queue and fails whatever is in it; how many records that were.
    pub(super) fn abandon(&self, reason: &str) -> usize {
        let mut state = self.lock();
        state.closed = true;
        self.publish(&state);
        state.batch.clear();
        let mut left = std::mem::take(&mut state.flight);
        left.append(&mut state.waiting);
        drop(state);
        let n = left.len();
        left.into_iter().for_each(|waiting| waiting.ack.failed(reason));
        n
    }

    /// The writer has ended.
    pub(super) fn gone(&self) {
        self.lock().gone = true;
        self.watch.notify_all();
    }

    /// Waits until the writer has ended; false if it has not by then.
    pub(super) fn wait_gone(&self, at_most: Duration) -> bool {
        let waited = self.watch.wait_timeout_while(self.lock(), at_most, |state| !state.gone);
        waited.unwrap_or_else(PoisonError::into_inner).0.gone
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn is_urgent(&self) -> bool {
        self.waiting.len() >= GROUP || self.waiting.iter().any(|waiting| waiting.ack.is_awaited())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record() -> Record<'static> {
        Record::system(Kind::Gap, |_| ())
    }

    #[tokio::test]
    async fn who_waits_is_told_in_time_even_if_there_is_no_room_left() {
        let queue = Arc::new(Queue::new(&Options::new("n").patience(Duration::from_millis(50))));
        let watching = Arc::clone(&queue);
        let watchdog = std::thread::spawn(move || watching.watch());
        let mut kept = Batch::default();
        for _ in 0..KEPT {
            queue.push(&record(), Ack::unawaited(None), false);
        }
        assert_eq!(queue.take(&mut kept, None), Take::Records);
        queue.fail();

        let (ack, told) = Ack::awaited(None);
        queue.push(&record(), ack, false);
        queue.pause(Duration::ZERO, &mut kept);
        assert_eq!((kept.entries.len(), queue.lock().waiting.len()), (KEPT, 1), "it did not fit");
        assert!(told.await.is_err());
        assert_eq!(queue.pause(Duration::ZERO, &mut kept).0.refused, 1);

        queue.gone();
        watchdog.join().expect("it ends with the writer");
    }

    #[test]
    fn the_last_record_comes_by_itself() {
        let queue = Queue::new(&Options::new("n"));
        for last in [false, false, true] {
            queue.push(&record(), Ack::unawaited(None), last);
        }
        let mut batch = Batch::default();
        for (records, last) in [(2, false), (1, true)] {
            assert_eq!(queue.take(&mut batch, None), Take::Records);
            assert_eq!((batch.entries.len(), batch.last), (records, last));
            assert_eq!(batch.entries.last().map(|entry| entry.end), Some(batch.text.len()));
            let mut told = Vec::new();
            queue.land(&mut told);
            assert_eq!(told.len(), records);
            batch.clear();
        }
        assert_eq!(queue.take(&mut batch, None), Take::Ended);
    }

    #[test]
    fn a_record_without_room_is_counted() {
        let queue = Queue::new(&Options::new("n"));
        for _ in 0..KEPT + 3 {
            queue.push(&record(), Ack::unawaited(None), false);
        }
        let mut batch = Batch::default();
        assert_eq!(queue.take(&mut batch, None), Take::Records);
        assert_eq!((batch.entries.len(), batch.lost), (KEPT, 3));
    }
}
