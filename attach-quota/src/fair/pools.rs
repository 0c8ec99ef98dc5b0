use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::moment::Moment;
use super::pool::Pool;
use crate::Clock;
use crate::clock::SharedClock;
use crate::store::Charge;

/// So many buckets are watched; what is drawn from others is not judged.
const WATCHED: usize = 1 << 10;

/// Who draws how much from which bucket.
pub(super) struct Pools {
    clock: SharedClock,
    /// By the bucket's fingerprint.
    pools: Mutex<HashMap<u128, Pool>>,
}

/// What charges draw, as long as it is not certain.
pub(super) struct Draws<'a> {
    pools: &'a Pools,
    drawn: Vec<Drawn>,
}

#[derive(Clone, Copy)]
pub(super) struct Drawn {
    /// Which of the charges.
    pub(super) index: usize,
    /// With it the caller has had more than an equal share.
    pub(super) too_much: bool,
    bucket: u128,
    who: u64,
    amount: u64,
}

impl Pools {
    pub(super) fn new(clock: SharedClock) -> Self {
        Self { clock, pools: Mutex::default() }
    }

    /// Notes what is to be reserved, so that calls at the same moment know of one another.
    pub(super) fn draw(&self, charges: &[Charge]) -> Draws<'_> {
        let mut pools = self.lock();
        let mut draw = |(index, charge): (usize, &Charge)| {
            let (bucket, who, amount) = (charge.key().fingerprint(), charge.drawer()?, charge.reserved());
            if pools.len() >= WATCHED && !pools.contains_key(&bucket) {
                self.forget(&mut pools);
                (pools.len() < WATCHED).then_some(())?;
            }
            let at = Moment::of(charge.window(), &self.clock);
            let too_much = pools.entry(bucket).or_default().draw(who, amount, charge.window().amount(), &at);
            Some(Drawn { index, too_much: too_much && !charge.is_further(), bucket, who, amount })
        };
        let drawn = charges.iter().enumerate().filter_map(&mut draw).collect();
        Draws { pools: self, drawn }
    }

    /// Notes what is settled.
    pub(super) fn settle(&self, charges: &[Charge]) {
        let changed = |charge: &&Charge| charge.reserved() != charge.spent();
        for charge in charges.iter().filter(changed) {
            if let Some(who) = charge.drawer() {
                self.correct(charge.key().fingerprint(), who, charge.reserved(), charge.spent());
            }
        }
    }

    /// Forgets buckets from which nobody has drawn for long.
    pub(super) fn sweep(&self) {
        self.forget(&mut self.lock());
    }

    fn forget(&self, pools: &mut HashMap<u128, Pool>) {
        let now = self.clock.now();
        pools.retain(|_, pool| !pool.is_over(now));
    }

    fn correct(&self, bucket: u128, who: u64, noted: u64, real: u64) {
        if let Some(pool) = self.lock().get_mut(&bucket) {
            pool.correct(who, noted, real);
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<u128, Pool>> {
        self.pools.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Draws<'_> {
    /// Those by which somebody has more than an equal share.
    pub(super) fn too_much(&self) -> impl Iterator<Item = usize> {
        self.drawn.iter().filter(|drawn| drawn.too_much).map(|drawn| drawn.index)
    }

    /// It is certain: what was booked for `charges` is drawn.
    pub(super) fn book(mut self, charges: &[Charge]) {
        for drawn in std::mem::take(&mut self.drawn) {
            let booked = charges.get(drawn.index).map_or(0, Charge::reserved);
            if booked != drawn.amount {
                self.pools.correct(drawn.bucket, drawn.who, drawn.amount, booked);
            }
        }
    }
}

/// Nothing was booked. That they wanted something stays noted.
impl Drop for Draws<'_> {
    fn drop(&mut self) {
        for drawn in &self.drawn {
            self.pools.correct(drawn.bucket, drawn.who, drawn.amount, 0);
        }
    }
}
