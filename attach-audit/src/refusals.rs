//! Refusals of callers nobody knows: a pool of their own, in which floods fold into counted records.
//!
//! Per second, the first refusal of each (code, source) has a record of its own, which its answer waits for; further
//! ones are counted and written as one record when the second is over. A source is an IPv4 address or an IPv6 /64.
//! Beyond a number of distinct sources, and beyond a number of records on their way, all is counted under its code
//! alone. So a flood costs a bounded number of bytes a second, and none of the places of the signed-in.

use std::collections::HashMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime};

use tokio::sync::Semaphore;

use crate::metrics::RefusalMetrics;
use crate::record::{Address, Fold};
use crate::sink::{Ack, Slot};
use crate::{Kind, Mode, Record, Sink};

/// Distinct (code, source) pairs that are told apart within a second.
const DISTINCT: usize = 64;
/// Refusals with a record of their own on its way.
const IN_FLIGHT: usize = 256;
const WINDOW: Duration = Duration::from_secs(1);

/// What to do with a refusal.
pub(crate) enum Admission {
    /// Write a record of its own, in this place of the queue.
    Write(Slot),
    /// It was counted.
    Counted,
}

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Key {
    what: What,
    code: &'static str,
    /// `None`: all sources that are not told apart.
    source: Option<Address>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum What {
    Refused,
    Lost,
}

/// A handle on the pool; the last one ends the pool's thread.
#[derive(Clone)]
pub(crate) struct Refusals(Arc<Handle>);

struct Handle {
    pool: Arc<Pool>,
    flusher: Mutex<Option<JoinHandle<()>>>,
}

struct Pool {
    sink: Arc<dyn Sink>,
    slots: Arc<Semaphore>,
    counts: Mutex<Counts>,
    wake: Condvar,
    metrics: RefusalMetrics,
}

struct Counts {
    since: Instant,
    tallies: HashMap<Key, Tally>,
    /// The thread waits for the first count.
    idle: bool,
    closed: bool,
}

struct Tally {
    n: u64,
    first: SystemTime,
    last: SystemTime,
    status: u16,
    mode: Mode,
}

impl Refusals {
    pub(crate) fn new(sink: Arc<dyn Sink>) -> Self {
        let counts = Counts { since: Instant::now(), tallies: HashMap::new(), idle: false, closed: false };
        let slots = Arc::new(Semaphore::new(IN_FLIGHT));
        let pool = Pool {
            sink,
            slots,
            counts: Mutex::new(counts),
            wake: Condvar::new(),
            metrics: RefusalMetrics::new(),
        };
        Self(Arc::new(Handle { pool: Arc::new(pool), flusher: Mutex::default() }))
    }

    /// Decides whether this refusal gets a record of its own; if not, it has been counted.
    pub(crate) fn admit(
        &self,
        code: &'static str,
        source: Option<Address>,
        status: u16,
        mode: Mode,
    ) -> Admission {
        let pool = &self.0.pool;
        let key = Key { what: What::Refused, code, source };
        let mut counts = pool.lock();
        counts.turn();
        if !counts.tallies.contains_key(&key)
            && counts.tallies.len() < DISTINCT
            && let Ok(slot) = Arc::clone(&pool.slots).try_acquire_owned()
        {
            counts.tallies.insert(key, Tally::none(status, mode));
            return Admission::Write(slot);
        }
        drop(counts);
        self.add(key, status, mode);
        Admission::Counted
    }

    /// Counts a refusal without a record of its own.
    pub(crate) fn count(&self, code: &'static str, source: Option<Address>, status: u16, mode: Mode) {
        self.add(Key { what: What::Refused, code, source }, status, mode);
    }

    /// Counts an answer that went out without a record, which only [`Mode::Relaxed`] allows.
    pub(crate) fn lost(&self, why: &'static str) {
        self.add(Key { what: What::Lost, code: why, source: None }, 0, Mode::Relaxed);
    }

    /// Writes what was counted so far.
    pub(crate) fn flush(&self) {
        self.0.pool.flush();
    }

    fn add(&self, key: Key, status: u16, mode: Mode) {
        self.0.pool.metrics.folded(key.code);
        let mut counts = self.0.pool.lock();
        counts.add(key, status, mode);
        if std::mem::replace(&mut counts.idle, false) {
            self.0.pool.wake.notify_one();
        }
        drop(counts);
        self.0.start();
    }
}

impl Handle {
    /// The thread starts with the first count: most services never fold anything.
    fn start(&self) {
        let mut flusher = self.flusher.lock().unwrap_or_else(PoisonError::into_inner);
        if flusher.is_some() {
            return;
        }
        let pool = Arc::clone(&self.pool);
        match std::thread::Builder::new().name("attach-audit-fold".into()).spawn(move || pool.run()) {
            Ok(thread) => *flusher = Some(thread),
            Err(error) => {
                tracing::error!(%error, "no thread to write counted refusals; tried again with the next");
            }
        }
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.pool.lock().closed = true;
        self.pool.wake.notify_all();
        let flusher = self.flusher.get_mut().unwrap_or_else(PoisonError::into_inner).take();
        if flusher.is_some_and(|flusher| flusher.join().is_err()) {
            tracing::error!("the thread that writes counted refusals panicked");
        }
        self.pool.flush();
    }
}

impl Pool {
    /// Writes a second after the first count, as long as there is something to write.
    fn run(&self) {
        let mut counts = self.lock();
        while !counts.closed {
            counts.idle = !counts.is_due();
            if counts.idle {
                counts = self.wake.wait(counts).unwrap_or_else(PoisonError::into_inner);
                continue;
            }
            drop(self.wake.wait_timeout_while(counts, WINDOW, |counts| !counts.closed));
            self.flush();
            counts = self.lock();
        }
    }

    fn flush(&self) {
        if !self.sink.is_ready() {
            return;
        }
        let due: Vec<_> = self.lock().tallies.extract_if(|_, tally| tally.n > 0).collect();
        for (key, tally) in due {
            let kind = if key.what == What::Lost { Kind::Gap } else { Kind::Reject };
            let record = Record::system(kind, |members| tally.fill(&key, members));
            self.sink.append(&record, Ack::unawaited(None));
        }
    }

    fn lock(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Counts {
    fn is_due(&self) -> bool {
        self.tallies.values().any(|tally| tally.n > 0)
    }

    /// Forgets, once the second is over, who has had a record of their own; what was counted stays to be written.
    fn turn(&mut self) {
        if self.since.elapsed() >= WINDOW {
            self.since = Instant::now();
            self.tallies.retain(|_, tally| tally.n > 0);
        }
    }

    fn add(&mut self, key: Key, status: u16, mode: Mode) {
        let known = self.tallies.contains_key(&key) || self.tallies.len() < DISTINCT;
        let key = if known { key } else { Key { source: None, ..key } };
        let tally = self.tallies.entry(key).or_insert_with(|| Tally::none(status, mode));
        let now = SystemTime::now();
        if tally.n == 0 {
            tally.first = now;
        }
        tally.n = tally.n.saturating_add(1);
        tally.last = now;
    }
}

impl Tally {
    fn none(status: u16, mode: Mode) -> Self {
        let now = SystemTime::now();
        Self { n: 0, first: now, last: now, status, mode }
    }

    fn fill(&self, key: &Key, members: &mut crate::record::Members<'_>) {
        members.fold = Some(Fold { n: self.n, first: self.first.into(), last: self.last.into() });
        members.decision.reason = Some(key.code);
        members.mode = Some(self.mode);
        if key.what == What::Refused {
            members.actor.kind = "anonymous";
            members.src.ip = key.source;
            members.decision.result = if self.status >= 500 { "error" } else { "deny" };
            members.decision.http_status = (self.status != 0).then_some(self.status);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;
    use crate::Memory;

    fn source(n: u8) -> Option<Address> {
        Some(Address::One([10, 0, 0, n].into()))
    }

    #[test]
    fn the_first_of_a_second_is_written_and_the_rest_counted() {
        let records = Memory::new();
        let refusals = Refusals::new(Arc::new(records.clone()));
        let written = (0..1000)
            .filter(|_| {
                matches!(refusals.admit("invalid_token", source(1), 401, Mode::Strict), Admission::Write(_))
            })
            .count();
        assert_eq!(written, 1);
        refusals.flush();
        let lines = records.lines();
        assert_eq!(lines.len(), 1, "{lines:?}");
        assert!(lines[0].contains(r#""fold":{"n":999,"#), "{lines:?}");
        assert!(lines[0].contains(r#""src":{"ip":"10.0.0.1"}"#), "{lines:?}");
    }

    #[test]
    fn beyond_the_cap_sources_are_not_told_apart() {
        let records = Memory::new();
        let refusals = Refusals::new(Arc::new(records.clone()));
        let written = (0..=255)
            .filter(|&n| {
                matches!(refusals.admit("invalid_token", source(n), 401, Mode::Strict), Admission::Write(_))
            })
            .count();
        assert_eq!(written, DISTINCT);
        refusals.flush();
        let lines = records.lines();
        assert_eq!(lines.len(), 1);
        assert!(lines[0].contains(r#""fold":{"n":192,"#) && lines[0].contains(r#""src":{}"#), "{lines:?}");
    }

    #[test]
    fn counts_wait_for_a_sink_that_is_down() {
        struct Down(AtomicBool, Memory);
        impl Sink for Down {
            fn append(&self, record: &Record<'_>, ack: Ack) {
                self.1.append(record, ack);
            }
            fn is_ready(&self) -> bool {
                self.0.load(Ordering::Relaxed)
            }
        }
        let records = Memory::new();
        let sink = Arc::new(Down(AtomicBool::new(false), records.clone()));
        let refusals = Refusals::new(Arc::clone(&sink) as Arc<dyn Sink>);
        refusals.count("audit_unavailable", source(1), 503, Mode::Strict);
        refusals.flush();
        assert!(records.lines().is_empty());
        sink.0.store(true, Ordering::Relaxed);
        refusals.flush();
        assert_eq!(records.lines().len(), 1);
    }
}
