//! Deciding without Redis.

use std::sync::atomic::Ordering;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use super::super::{Charge, Denied, Standing, Store};
use super::slot::Asking;
use super::table::Part;
use super::{RedisStore, telemetry};
use crate::limit::{WhenDown, Window};

impl RedisStore {
    /// Every limit does what it is to do without the store. A shadow charge denies nothing then either.
    pub(super) fn reserve_alone(&self, charges: &mut [Charge]) -> Result<(), Denied> {
        let by = |charge: &Charge| match charge.limit().when_down() {
            WhenDown::Closed if charge.is_shadow() => WhenDown::Open,
            by => by,
        };
        for charge in charges.iter() {
            telemetry::decided(charge.limit().id(), by(charge));
        }
        if charges.iter().any(|charge| by(charge) == WhenDown::Closed) {
            return Err(Denied::Unavailable);
        }
        let local = |charge: &Charge| by(charge) == WhenDown::Local;
        let indices: Vec<_> =
            (0..charges.len()).filter(|index| charges.get(*index).is_some_and(local)).collect();
        let mut shares: Vec<_> = charges.iter().filter(|one| local(one)).map(|one| self.share(one)).collect();
        let decision = self.reserve_here(&mut shares);
        for charge in charges.iter_mut().filter(|one| !local(one)) {
            charge.stands(Standing::new(charge.window().capacity(), Duration::ZERO).degraded());
        }
        for (index, share) in indices.iter().zip(&shares) {
            if let Some(charge) = charges.get_mut(*index) {
                charge.stands(share.standing().degraded());
            }
        }
        if let Err(denied) = decision {
            return Err(in_terms_of(denied, &indices));
        }
        self.open_alone(charges, &indices, shares);
        Ok(())
    }

    fn open_alone(&self, charges: &mut [Charge], indices: &[usize], shares: Vec<Charge>) {
        let shared = &*self.shared;
        let now = shared.offset.now();
        let mut shares = indices.iter().zip(shares).peekable();
        let mut parts = Vec::with_capacity(charges.len());
        for (index, charge) in charges.iter_mut().enumerate() {
            let asking = Asking::of(charge, now);
            asking.tell(charge);
            let share = shares.next_if(|(of, _)| **of == index).map(|(_, share)| share);
            match &share {
                Some(share) if share.is_passed_over() => charge.pass_over(),
                Some(share) if share.reserved() != charge.reserved() => charge.booked(share.reserved()),
                _ => {}
            }
            parts.push(Part::degraded(asking.slot, charge.reserved(), share));
        }
        shared.table.open(shared.table.number(), charges, parts, false);
    }

    /// The charge to this node's share of the limit.
    fn share(&self, charge: &Charge) -> Charge {
        let nodes = self.shared.nodes.load(Ordering::Relaxed).max(1);
        let part = |whole: u64| (whole / nodes).max(1);
        let window = match charge.window() {
            Window::Rate { rate, burst } => {
                Window::Rate { rate: rate.with_amount(part(rate.amount())), burst: part(*burst) }
            }
            other => other.with_amount(part(other.amount())),
        };
        Charge::new(charge.shared_limit(), window, charge.key().clone(), charge.reserved())
    }

    fn reserve_here(&self, shares: &mut [Charge]) -> Result<(), Denied> {
        let mut reserving = self.shared.memory.reserve(shares);
        match Future::poll(std::pin::Pin::new(&mut reserving), &mut Context::from_waker(Waker::noop())) {
            Poll::Ready(decision) => decision,
            // Memory never waits.
            Poll::Pending => Err(Denied::Unavailable),
        }
    }
}

fn in_terms_of(denied: Denied, indices: &[usize]) -> Denied {
    match denied {
        Denied::Limit { index, retry_after } => {
            Denied::Limit { index: indices.get(index).copied().unwrap_or_default(), retry_after }
        }
        other => other,
    }
}
