use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{Notify, watch};

use super::delta::Delta;

/// So many changes go at once, so that nobody else waits long for Redis.
const PARCEL: usize = 200;

/// How long Redis remembers that a reservation must not be booked any more: no command is on its way for longer.
const LATE: Duration = Duration::from_secs(60);

/// What Redis is to be told, in order, exactly once.
///
/// Parcels are numbered, and Redis remembers the last number: one that is sent again because its answer was lost does
/// nothing. What waits is added up: one entry for each bucket, and one for each reservation that Redis knows.
#[derive(Debug)]
pub(super) struct Outbox {
    inner: Mutex<Inner>,
    work: Notify,
    told: watch::Sender<u64>,
    zero: Instant,
}

#[derive(Debug, Default)]
struct Inner {
    cancelled: Vec<u64>,
    debts: HashMap<String, Delta>,
    changes: HashMap<u64, Change>,
    /// How many times something was put in.
    put: u64,
    sending: VecDeque<Arc<Parcel>>,
    number: u64,
    tombs: VecDeque<(Instant, u64)>,
}

/// What happened to a reservation that Redis has.
#[derive(Debug, Clone, Default)]
pub(super) struct Change {
    /// What is booked again first, if Redis does not have it any more.
    pub(super) held: Vec<(String, u64)>,
    /// What Redis keeps of it; empty if nothing.
    pub(super) record: String,
    pub(super) deltas: Vec<(String, Delta)>,
}

/// What goes in one script.
#[derive(Debug, Default)]
pub(super) struct Parcel {
    pub(super) number: u64,
    pub(super) cancelled: Vec<u64>,
    pub(super) debts: Vec<(String, Delta)>,
    pub(super) changes: Vec<(u64, Change)>,
    /// With this, all is told that was put in up to then.
    upto: Option<u64>,
}

impl Outbox {
    pub(super) fn new() -> Self {
        let (inner, work, told) = (Mutex::default(), Notify::new(), watch::Sender::new(0));
        Self { inner, work, told, zero: Instant::now() }
    }

    /// Microseconds on the clock that [`Delta`]s are measured with.
    pub(super) fn now(&self) -> f64 {
        self.zero.elapsed().as_micros() as f64
    }

    /// The reservation is to be taken back, or not to be booked when it arrives.
    pub(super) fn cancel(&self, number: u64) {
        self.put(|inner| {
            inner.cancelled.push(number);
            inner.tombs.push_back((Instant::now(), number));
        });
    }

    pub(super) fn debts(&self, deltas: Vec<(String, Delta)>) {
        if !deltas.is_empty() {
            self.put(|inner| deltas.into_iter().for_each(|(name, delta)| add(&mut inner.debts, name, delta)));
        }
    }

    pub(super) fn change(&self, number: u64, change: Change) {
        self.put(|inner| match inner.changes.get_mut(&number) {
            None => drop(inner.changes.insert(number, change)),
            Some(earlier) => earlier.then(change),
        });
    }

    /// Forgets reservations that cannot come any more.
    pub(super) fn bury(&self) {
        let mut inner = self.lock();
        let late = inner.tombs.iter().take_while(|(since, _)| since.elapsed() > LATE).count();
        let late: Vec<_> = inner.tombs.drain(..late).collect();
        drop(inner);
        late.into_iter().for_each(|(_, number)| self.change(number, Change::default()));
    }

    /// The next parcel, again and again until it is [`sent`](Self::sent).
    pub(super) fn next(&self) -> Option<Arc<Parcel>> {
        let mut inner = self.lock();
        if inner.sending.is_empty() {
            inner.pack();
        }
        inner.sending.front().cloned()
    }

    pub(super) fn sent(&self, parcel: &Parcel) {
        let mut inner = self.lock();
        inner.sending.retain(|other| other.number != parcel.number);
        drop(inner);
        if let Some(upto) = parcel.upto {
            self.told.send_replace(upto);
        }
    }

    /// Ready when there is something to send.
    pub(super) async fn ready(&self) {
        while self.len() == 0 {
            self.work.notified().await;
        }
    }

    /// How many entries wait.
    pub(super) fn len(&self) -> usize {
        let inner = self.lock();
        let sending: usize = inner.sending.iter().map(|parcel| parcel.len()).sum();
        sending + inner.cancelled.len() + inner.debts.len() + inner.changes.len()
    }

    /// Until what was put in so far is told; `None` if it is.
    pub(super) fn told(&self) -> Option<(u64, watch::Receiver<u64>)> {
        let (put, told) = (self.lock().put, self.told.subscribe());
        let late = *told.borrow() < put;
        late.then_some((put, told))
    }

    fn put(&self, put: impl FnOnce(&mut Inner)) {
        let mut inner = self.lock();
        put(&mut inner);
        inner.put += 1;
        drop(inner);
        self.work.notify_one();
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn pack(&mut self) {
        let mut cancelled = std::mem::take(&mut self.cancelled).into_iter();
        let mut debts = std::mem::take(&mut self.debts).into_iter();
        let mut changes = std::mem::take(&mut self.changes).into_iter();
        loop {
            let mut parcel = Parcel {
                number: self.number + 1,
                cancelled: cancelled.by_ref().take(PARCEL).collect(),
                debts: debts.by_ref().take(PARCEL).collect(),
                changes: changes.by_ref().take(PARCEL).collect(),
                upto: None,
            };
            if parcel.len() == 0 {
                return;
            }
            let rest = cancelled.len() + debts.len() + changes.len();
            parcel.upto = (rest == 0).then_some(self.put);
            self.number += 1;
            self.sending.push_back(Arc::new(parcel));
        }
    }
}

impl Change {
    /// What Redis has is what it had before the first; what it keeps is what the last says.
    fn then(&mut self, next: Self) {
        self.record = next.record;
        for (name, delta) in next.deltas {
            match self.deltas.iter_mut().find(|(other, _)| *other == name) {
                Some((_, earlier)) => *earlier = earlier.then(delta),
                None => self.deltas.push((name, delta)),
            }
        }
    }
}

impl Parcel {
    fn len(&self) -> usize {
        self.cancelled.len() + self.debts.len() + self.changes.len()
    }

    /// As the script reads it. `now` is what a floor is told in relation to.
    pub(super) fn arguments(&self, now: f64) -> Vec<String> {
        let mut out = vec![self.number.to_string(), self.cancelled.len().to_string()];
        out.extend(self.cancelled.iter().map(u64::to_string));
        out.push(self.debts.len().to_string());
        let delta = |(name, delta): &(String, Delta)| {
            let after = delta.floor.map_or_else(|| "-".into(), |floor| (floor - now).to_string());
            [name.clone(), delta.amount.to_string(), after]
        };
        out.extend(self.debts.iter().flat_map(delta));
        out.push(self.changes.len().to_string());
        for (number, change) in &self.changes {
            out.extend([number.to_string(), change.record.clone(), change.held.len().to_string()]);
            out.extend(change.held.iter().flat_map(|(name, held)| [name.clone(), held.to_string()]));
            out.push(change.deltas.len().to_string());
            out.extend(change.deltas.iter().flat_map(delta));
        }
        out
    }
}

fn add(debts: &mut HashMap<String, Delta>, name: String, delta: Delta) {
    debts.entry(name).and_modify(|earlier| *earlier = earlier.then(delta)).or_insert(delta);
}
