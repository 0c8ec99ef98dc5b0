//! The model's buckets: exact to a millionth of a millionth of a nanosecond, and in no hurry.

use std::collections::HashMap;

use attach_quota::Period;

use super::book::Place;
use super::scene::WindowPlan;

/// Parts of a nanosecond.
pub(super) const FINE: i128 = 1 << 40;

/// What somebody waits who finds every place taken.
const SECOND: i128 = 1_000_000_000 * FINE;

/// A moment: nanoseconds of the store's clock, and seconds since the epoch at its zero.
#[derive(Debug, Clone, Copy)]
pub(super) struct Now {
    pub(super) nanos: u64,
    pub(super) epoch: u64,
}

#[derive(Debug, Default)]
pub(super) struct Buckets(HashMap<Place, Bucket>);

#[derive(Debug, Default)]
pub(super) struct Bucket {
    /// Of a rate: when it is full again, in parts of a nanosecond.
    full_at: i128,
    /// Of budgets and levels.
    used: i128,
    /// Of a budget: when its period ends.
    ends: u64,
    /// Of a rate: how many nanoseconds may have been rounded off or up.
    pub(super) rounded: i128,
    /// Everything that was booked: when, and how much of a rate's time.
    booked: Vec<(i128, i128)>,
}

impl Now {
    fn fine(self) -> i128 {
        i128::from(self.nanos) * FINE
    }

    fn seconds(self) -> u64 {
        self.epoch + self.nanos / 1_000_000_000
    }

    fn until(self, second: u64) -> i128 {
        i128::from(second - self.epoch) * SECOND - self.fine()
    }
}

impl Buckets {
    pub(super) fn at(&mut self, place: &Place) -> &mut Bucket {
        self.0.entry(place.clone()).or_default()
    }
}

impl Bucket {
    /// How long `amount` has to wait, in parts of a nanosecond: not at all if that is not positive.
    pub(super) fn wait(&self, window: WindowPlan, amount: u64, now: Now) -> i128 {
        let lacks_room = |used: i128| used + i128::from(amount) > i128::from(window.capacity());
        match window {
            WindowPlan::Rate(..) => {
                self.full_at.max(now.fine()) + time(window, amount)
                    - time(window, window.capacity())
                    - now.fine()
            }
            WindowPlan::Budget(..) if lacks_room(self.used_in(ends(window, now))) => {
                now.until(ends(window, now)).max(SECOND)
            }
            WindowPlan::Level(_) if lacks_room(self.used) => SECOND,
            _ => 0,
        }
    }

    pub(super) fn book(&mut self, window: WindowPlan, amount: u64, now: Now) {
        (self.used, self.ends) = (self.used_in(ends(window, now)), ends(window, now));
        self.change(window, ends(window, now), i128::from(amount), now);
    }

    /// Books `change` of a reservation that was made in the period that ends at `reserved_until`.
    pub(super) fn change(&mut self, window: WindowPlan, reserved_until: u64, change: i128, now: Now) {
        if let WindowPlan::Rate(amount, period, _) = window {
            if change > 0 {
                self.full_at = self.full_at.max(now.fine());
            }
            let time = change.signum() * time(window, change.unsigned_abs().try_into().expect("64 bits"));
            self.full_at += time;
            self.booked.push((now.fine(), time));
            self.step(amount, period);
        } else if reserved_until == self.ends {
            self.used += change;
            assert!(self.used >= 0, "more was given back than booked");
        }
    }

    /// Rates that are a whole number of nanoseconds for each unit are exact; others are rounded at each step.
    pub(super) fn step(&mut self, amount: u64, period: u64) {
        self.rounded += i128::from(!(period * 1_000_000_000).is_multiple_of(amount));
    }

    /// The bound: over any stretch of time that ends now, the bucket gave no more than it holds and what flowed in.
    pub(super) fn holds(&self, window: WindowPlan, now: Now) -> Result<(), String> {
        let WindowPlan::Rate(..) = window else {
            let (used, capacity) = (self.used, i128::from(window.capacity()));
            return if used <= capacity { Ok(()) } else { Err(format!("{used} used of {capacity}")) };
        };
        let mut net = 0;
        for (since, time_booked) in self.booked.iter().rev() {
            net += time_booked;
            let room = time(window, window.capacity()) + now.fine() - since + self.rounded * FINE;
            if net > room {
                return Err(format!("{} ns of it too much since {since}", (net - room) / FINE));
            }
        }
        Ok(())
    }

    /// What is left, and when it is full again, in nanoseconds (both as a store says it, but for rounding).
    pub(super) fn standing(&self, window: WindowPlan, now: Now) -> (i128, i128) {
        let left = |used: i128| (i128::from(window.capacity()) - used).max(0);
        match window {
            WindowPlan::Rate(amount, period, _) => {
                let ahead = (self.full_at - now.fine()).max(0);
                let free = (time(window, window.capacity()) - ahead).max(0);
                (free * i128::from(amount) / (i128::from(period) * SECOND), ahead / FINE)
            }
            WindowPlan::Budget(..) => {
                let ends = ends(window, now);
                (left(self.used_in(ends)), now.until(ends) / FINE)
            }
            WindowPlan::Level(_) => (left(self.used), 0),
        }
    }

    fn used_in(&self, ends: u64) -> i128 {
        if self.ends == ends { self.used } else { 0 }
    }
}

fn time(window: WindowPlan, amount: u64) -> i128 {
    let WindowPlan::Rate(rate, period, _) = window else { return 0 };
    i128::from(amount) * i128::from(period) * SECOND / i128::from(rate)
}

/// When the period around `now` ends, in seconds since the epoch; 0 for what has no periods.
pub(super) fn ends(window: WindowPlan, now: Now) -> u64 {
    const DAY: u64 = 86_400;
    let WindowPlan::Budget(_, period, tokyo) = window else { return 0 };
    let ahead = if tokyo { 9 * 3600 } else { 0 };
    let day = (now.seconds() + ahead) / DAY;
    let next = match period {
        Period::Day => day + 1,
        // The epoch began on a Thursday.
        Period::Week => day - (day + 3) % 7 + 7,
        _ => next_month(day),
    };
    next * DAY - ahead
}

/// The first day of the month after that of `day`.
fn next_month(day: u64) -> u64 {
    // 2026-01-01, less a day for those ahead of Greenwich.
    let mut first = 20_454;
    for year in 2026_u64.. {
        let february = if year % 4 == 0 { 29 } else { 28 };
        for length in [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] {
            first += length;
            if first > day {
                return first;
            }
        }
    }
    unreachable!("years do not end")
}
