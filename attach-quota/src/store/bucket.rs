//! One bucket of any window, as it is kept by a store that has its state at hand.

use std::time::Duration;

use super::gcra::Gcra;
use super::{Charge, Standing};
use crate::Clock;
use crate::limit::Window;

/// How soon somebody who found every place taken may ask again.
const PLACE: Duration = Duration::from_secs(1);

/// What is known of a bucket. One that nobody knows is full.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Bucket {
    /// Of a rate: the nanosecond at which it is full again. Else: what is used.
    value: u64,
    /// Of a budget: when its period ends, in seconds since the epoch. [`NEVER`] for a level, 0 for a rate.
    until: u64,
}

const NEVER: u64 = u64::MAX;

/// A moment, by both clocks.
#[derive(Debug, Clone, Copy)]
pub(super) struct Now {
    /// Nanoseconds of the monotonic clock.
    nanos: u64,
    since_epoch: Duration,
}

impl Now {
    pub(super) fn of(clock: &dyn Clock) -> Self {
        let nanos = u64::try_from(clock.now().as_nanos()).unwrap_or(u64::MAX);
        Self { nanos, since_epoch: clock.since_epoch() }
    }

    fn until(self, second: u64) -> Duration {
        Duration::from_secs(second).saturating_sub(self.since_epoch)
    }
}

/// Books `charge` if there is room: the bucket's new state, else how long to wait. Either way the charge knows how the
/// bucket stands.
pub(super) fn admit(charge: &mut Charge, known: Option<Bucket>, now: Now) -> Result<Bucket, Duration> {
    let amount = charge.reserved();
    match charge.window() {
        Window::Rate { rate, burst } => {
            let gcra = Gcra::new(*rate, *burst);
            let full_at = known.map_or(0, |bucket| bucket.value);
            let admitted = gcra.admit(full_at, now.nanos, amount);
            let after = admitted.as_ref().map_or(full_at, |(full_at, _)| *full_at);
            charge.stands(standing(&gcra, after, now));
            let (value, booked) = admitted?;
            charge.booked(booked);
            Ok(Bucket { value, until: 0 })
        }
        Window::Budget(budget) => {
            let (_, until) = budget.bounds(now.since_epoch.as_secs());
            let wait = now.until(until);
            count(charge, known.filter(|bucket| bucket.until == until), until, wait)
        }
        Window::Level(_) => count(charge, known, NEVER, Duration::ZERO),
    }
}

fn count(charge: &mut Charge, known: Option<Bucket>, until: u64, wait: Duration) -> Result<Bucket, Duration> {
    let (used, capacity) = (known.map_or(0, |bucket| bucket.value), charge.window().capacity());
    let after = used.saturating_add(charge.reserved());
    if after > capacity {
        charge.stands(Standing::new(capacity.saturating_sub(used), wait));
        return Err(wait.max(PLACE));
    }
    charge.stands(Standing::new(capacity - after, wait));
    charge.set_mark(until);
    Ok(Bucket { value: after, until })
}

/// The bucket of a budget of which nothing is known yet but what was `used` before, of the period that ends when it is
/// told; `None` if there is nothing to be known.
#[cfg(feature = "sqlite")]
pub(super) fn recall(
    charge: &Charge,
    known: Option<Bucket>,
    now: Now,
    used: impl FnOnce(u64) -> u64,
) -> Option<Bucket> {
    let Window::Budget(budget) = charge.window() else { return None };
    let (_, until) = budget.bounds(now.since_epoch.as_secs());
    if known.is_some_and(|bucket| bucket.until == until) {
        return None;
    }
    Some(Bucket { value: used(until), until }).filter(|bucket| bucket.value > 0)
}

/// The bucket's state once what was spent is booked instead of what was reserved; `None` if nothing is to be kept.
pub(super) fn correct(charge: &Charge, known: Option<Bucket>, now: Now) -> Option<Bucket> {
    let (reserved, spent) = (charge.reserved(), charge.spent());
    match charge.window() {
        Window::Rate { rate, burst } => {
            // Swept, so it was full: a refund changes nothing.
            if known.is_none() && spent < reserved {
                return None;
            }
            let full_at = known.map_or(0, |bucket| bucket.value);
            let value = Gcra::new(*rate, *burst).correct(full_at, now.nanos, reserved, spent);
            Some(Bucket { value, until: 0 })
        }
        // A period that is over is not settled any more.
        _ => match known {
            Some(bucket) if bucket.until != charge.mark() => Some(bucket),
            None if charge.mark() != NEVER => None,
            known => {
                let used = known.map_or(0, |bucket| bucket.value);
                let value = used.saturating_add(spent).saturating_sub(reserved);
                Some(Bucket { value, until: charge.mark() }).filter(|_| value > 0 || charge.mark() != NEVER)
            }
        },
    }
}

/// Notes in `charge` how its bucket stands: how long it would have to wait if it asked now.
pub(super) fn look(charge: &mut Charge, known: Option<Bucket>, now: Now) -> Option<Duration> {
    match charge.window() {
        Window::Rate { rate, burst } => {
            let gcra = Gcra::new(*rate, *burst);
            let full_at = known.map_or(0, |bucket| bucket.value);
            charge.stands(standing(&gcra, full_at, now));
            gcra.admit(full_at, now.nanos, charge.reserved()).err()
        }
        _ => {
            let mut asking = charge.clone();
            let wait = admit(&mut asking, known, now).err();
            let Standing { left, full_in, .. } = asking.standing();
            let left = if wait.is_none() { left.saturating_add(charge.reserved()) } else { left };
            charge.stands(Standing::new(left, full_in));
            wait
        }
    }
}

impl Bucket {
    /// Whether it says nothing that would not be so without it.
    pub(super) fn is_idle(self, now: Now) -> bool {
        match self.until {
            0 => self.value <= now.nanos,
            NEVER => self.value == 0,
            until => until <= now.since_epoch.as_secs(),
        }
    }
}

fn standing(gcra: &Gcra, full_at: u64, now: Now) -> Standing {
    let full_in = Duration::from_nanos(full_at.saturating_sub(now.nanos));
    Standing::new(gcra.left(full_at, now.nanos), full_in)
}
