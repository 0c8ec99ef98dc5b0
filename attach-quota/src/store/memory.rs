use std::collections::HashMap;
use std::fmt;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::bucket::{self, Bucket, Now};
use super::{Charge, Denied, Reserving, Settling, Store};
use crate::{Clock, SystemClock};

const SHARDS: usize = 64;

/// Below this many buckets, a shard is not worth sweeping.
const FEW: usize = 1024;

/// Counts kept in this process: exact, and gone with it.
///
/// A bucket takes some 50 bytes, and only those that are not full need to be kept. A shard sweeps itself when it has
/// doubled since its last sweep, so memory stays within twice what is in use, at a cost that does not grow with the
/// number of keys; [`Store::sweep`] gives back what a quiet service no longer needs.
///
/// A reservation under several limits is booked one limit after the other and taken back if one refuses, so a
/// concurrent request of the same caller may be refused in that moment; it never passes when it should not.
pub struct MemoryStore {
    clock: Box<dyn Clock>,
    shards: Box<[Mutex<Shard>]>,
}

#[derive(Default)]
struct Shard {
    /// Absent means full.
    buckets: HashMap<Fingerprint, Bucket, BuildHasherDefault<AlreadyHashed>>,
    sweep_at: usize,
}

/// A key's fingerprint in halves, which a map packs tighter than the whole.
type Fingerprint = [u64; 2];

impl MemoryStore {
    /// An empty store on the machine's monotonic clock.
    #[must_use]
    pub fn new() -> Self {
        Self::on(SystemClock::default())
    }

    /// An empty store on `clock`.
    #[must_use]
    pub fn on(clock: impl Clock) -> Self {
        let shards = std::iter::repeat_with(Mutex::default).take(SHARDS).collect();
        Self { clock: Box::new(clock), shards }
    }

    /// How many buckets are kept.
    #[must_use]
    pub fn len(&self) -> usize {
        self.shards.iter().map(|shard| lock(shard).buckets.len()).sum()
    }

    /// Whether no bucket is kept.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Takes over what was `used` of a budget, asked for by the end of its period, unless that is known here already.
    #[cfg(feature = "sqlite")]
    pub(super) fn recall(&self, charge: &Charge, used: impl FnOnce(u64) -> u64) {
        let now = self.now();
        let (fingerprint, mut shard) = self.bucket(charge);
        let known = shard.buckets.get(&fingerprint).copied();
        if let Some(recalled) = bucket::recall(charge, known, now, used) {
            shard.insert(fingerprint, recalled, now);
        }
    }

    fn now(&self) -> Now {
        Now::of(&*self.clock)
    }

    /// One half chooses the shard, the other the place in its map.
    fn bucket(&self, charge: &Charge) -> (Fingerprint, MutexGuard<'_, Shard>) {
        let whole = charge.key().fingerprint();
        let halves = [(whole >> 64) as u64, whole as u64];
        (halves, lock(&self.shards[halves[0] as usize % SHARDS]))
    }

    fn book(&self, charges: &mut [Charge]) -> Result<(), Denied> {
        let now = self.now();
        for index in 0..charges.len() {
            if let Err(wait) = self.admit(&mut charges[index], now) {
                if charges[index].is_shadow() {
                    charges[index].pass_over();
                    continue;
                }
                for charge in &mut charges[..index] {
                    charge.spend(0);
                    self.correct(charge, now);
                }
                return Err(self.refusal(charges, (index, wait), now));
            }
        }
        Ok(())
    }

    fn admit(&self, charge: &mut Charge, now: Now) -> Result<(), Duration> {
        let (fingerprint, mut shard) = self.bucket(charge);
        let known = shard.buckets.get_mut(&fingerprint);
        let admitted = bucket::admit(charge, known.as_deref().copied(), now)?;
        match known {
            Some(bucket) => *bucket = admitted,
            None => shard.insert(fingerprint, admitted, now),
        }
        Ok(())
    }

    fn correct(&self, charge: &Charge, now: Now) {
        if charge.reserved() == charge.spent() {
            return;
        }
        let (fingerprint, mut shard) = self.bucket(charge);
        let known = shard.buckets.get_mut(&fingerprint);
        let corrected = bucket::correct(charge, known.as_deref().copied(), now);
        match (known, corrected) {
            (Some(bucket), Some(corrected)) => *bucket = corrected,
            (Some(_), None) => drop(shard.buckets.remove(&fingerprint)),
            (None, Some(corrected)) => shard.insert(fingerprint, corrected, now),
            (None, None) => {}
        }
    }

    /// How all buckets stand, and the limit that takes longest to give way.
    fn refusal(&self, charges: &mut [Charge], bit: (usize, Duration), now: Now) -> Denied {
        let mut longest = bit;
        for (index, charge) in charges.iter_mut().enumerate() {
            match self.stand(charge, now) {
                Some(wait) if wait > longest.1 && !charge.is_shadow() => longest = (index, wait),
                _ => {}
            }
        }
        Denied::Limit { index: longest.0, retry_after: longest.1 }
    }

    fn stand(&self, charge: &mut Charge, now: Now) -> Option<Duration> {
        let (fingerprint, shard) = self.bucket(charge);
        let known = shard.buckets.get(&fingerprint).copied();
        drop(shard);
        bucket::look(charge, known, now)
    }
}

impl Store for MemoryStore {
    fn reserve<'a>(&'a self, charges: &'a mut [Charge]) -> Reserving<'a> {
        Reserving::ready(self.book(charges))
    }

    fn settle(&self, charges: &[Charge], _: Settling) {
        let now = self.now();
        for charge in charges {
            self.correct(charge, now);
        }
    }

    fn look<'a>(&'a self, charges: &'a mut [Charge]) -> Reserving<'a> {
        let now = self.now();
        for charge in charges {
            self.stand(charge, now);
        }
        Reserving::ready(Ok(()))
    }

    fn sweep(&self) {
        let now = self.now();
        for shard in &self.shards {
            lock(shard).sweep(now);
        }
    }

    fn buckets(&self) -> Option<usize> {
        Some(self.len())
    }
}

impl Shard {
    fn insert(&mut self, fingerprint: Fingerprint, bucket: Bucket, now: Now) {
        if self.buckets.len() >= self.sweep_at.max(FEW) {
            self.sweep(now);
        }
        self.buckets.insert(fingerprint, bucket);
    }

    /// What is full needs no memory, even if a reservation is open: a later debt counts from then on.
    fn sweep(&mut self, now: Now) {
        self.buckets.retain(|_, bucket| !bucket.is_idle(now));
        self.sweep_at = self.buckets.len().saturating_mul(2);
        self.buckets.shrink_to(self.sweep_at);
    }
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore").field("buckets", &self.len()).finish_non_exhaustive()
    }
}

/// A shard is whole between any two statements, so a poisoned lock is used on.
fn lock(shard: &Mutex<Shard>) -> MutexGuard<'_, Shard> {
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Takes half of a fingerprint for its hash.
#[derive(Default)]
struct AlreadyHashed(u64);

impl Hasher for AlreadyHashed {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        if let Some(last) = bytes.last_chunk() {
            self.0 = u64::from_ne_bytes(*last);
        }
    }
}
