use std::time::Duration;

use super::pools::Pools;
use crate::clock::SharedClock;
use crate::limit::Window;
use crate::store::{Charge, Denied, Flushed, Reserving, Settling, Standing, Store};

/// What is kept of a pool for those who have had less than their share: one of so many parts.
const KEPT: u64 = 4;

/// When a place is free, nobody knows.
const PLACE: Duration = Duration::from_secs(1);

/// A store that refuses who had more than their share of a pool before others find nothing in it.
pub(super) struct FairStore<S> {
    store: S,
    pools: Pools,
}

impl<S: Store> FairStore<S> {
    pub(super) fn new(store: S, clock: SharedClock) -> Self {
        Self { store, pools: Pools::new(clock) }
    }

    async fn reserve_fairly(&self, charges: &mut [Charge]) -> Result<(), Denied> {
        let draws = self.pools.draw(charges);
        // Whoever will be refused should not take away from the others even for a moment, so it is asked first.
        if draws.too_much().next().is_some() && self.store.look(charges).await.is_ok() {
            let enforced = |index: &usize| charges.get(*index).is_some_and(|charge| !charge.is_shadow());
            let denials = draws.too_much().filter(enforced).filter_map(|index| {
                let charge = charges.get(index)?;
                denied(charge, index, charge.standing().left)
            });
            if let Some(denied) = longest(denials) {
                return Err(denied);
            }
        }
        self.store.reserve(charges).await?;
        let mut denials = Vec::new();
        for index in draws.too_much() {
            let Some(charge) = charges.get_mut(index).filter(|charge| !charge.is_passed_over()) else {
                continue;
            };
            let left = charge.standing().left.saturating_add(charge.reserved());
            match denied(charge, index, left) {
                Some(_) if charge.is_shadow() => self.pass_over(charge, left),
                denied => denials.extend(denied),
            }
        }
        if let Some(denied) = longest(denials.into_iter()) {
            self.take_back(charges);
            return Err(denied);
        }
        draws.book(charges);
        Ok(())
    }

    fn pass_over(&self, charge: &mut Charge, left: u64) {
        charge.spend(0);
        self.store.settle(std::slice::from_ref(charge), Settling::Running);
        charge.pass_over();
        charge.stands(Standing { left, ..charge.standing() });
    }

    fn take_back(&self, charges: &mut [Charge]) {
        for charge in charges.iter_mut() {
            charge.stands(Standing {
                left: charge.standing().left.saturating_add(charge.reserved()),
                ..charge.standing()
            });
            charge.spend(0);
        }
        self.store.settle(charges, Settling::Last);
    }
}

/// Whether the pool of `charge`, with `left` in it, would have less than what is kept.
fn denied(charge: &Charge, index: usize, left: u64) -> Option<Denied> {
    let capacity = charge.window().capacity();
    // A pool that is full is enough for everything.
    let needed = charge.reserved().saturating_add(capacity / KEPT).min(capacity);
    if left >= needed || charge.standing().degraded {
        return None;
    }
    let retry_after = match charge.window() {
        Window::Rate { rate, .. } => {
            let nanos = (rate.period().as_nanos() * u128::from(needed - left))
                .div_ceil(u128::from(rate.amount().max(1)));
            Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
        }
        Window::Budget(_) => charge.standing().full_in,
        Window::Level(_) => PLACE,
    };
    Some(Denied::Share { index, retry_after })
}

fn longest(denials: impl Iterator<Item = Denied>) -> Option<Denied> {
    denials.max_by_key(|denied| match denied {
        Denied::Share { retry_after, .. } | Denied::Limit { retry_after, .. } => *retry_after,
        Denied::Unavailable => Duration::ZERO,
    })
}

impl<S: Store> Store for FairStore<S> {
    fn reserve<'a>(&'a self, charges: &'a mut [Charge]) -> Reserving<'a> {
        if charges.iter().all(|charge| charge.drawer().is_none()) {
            return self.store.reserve(charges);
        }
        Reserving::later(self.reserve_fairly(charges))
    }

    fn settle(&self, charges: &[Charge], settling: Settling) {
        self.pools.settle(charges);
        self.store.settle(charges, settling);
    }

    fn look<'a>(&'a self, charges: &'a mut [Charge]) -> Reserving<'a> {
        self.store.look(charges)
    }

    fn flushed(&self) -> Option<Flushed> {
        self.store.flushed()
    }

    fn sweep(&self) {
        self.pools.sweep();
        self.store.sweep();
    }

    fn buckets(&self) -> Option<usize> {
        self.store.buckets()
    }
}
