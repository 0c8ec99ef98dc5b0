//! One bucket, by governor's GCRA (ITU-T I.371), with what governor lacks: refunds, debts, and exact large rates.
//!
//! The state of a bucket is the moment at which it will be full again ("theoretical arrival time"), in nanoseconds
//! of the store's clock; anything up to now means full. It is kept in time, not in tokens, so that it keeps its
//! meaning when somebody's rate changes.

use std::cell::Cell;
use std::num::NonZeroU32;
use std::time::Duration;

use governor::clock::Clock;
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::{NotKeyed, StateStore};
use governor::{Quota, RateLimiter};

use crate::limit::Rate;

/// The furthest that a bucket may be from full, in ticks and in nanoseconds: 36 years. Debts saturate here.
const FAR: u64 = 1 << 60;

/// A limit in governor's terms.
///
/// Governor wants a whole number of nanoseconds for each unit, which for seven million a minute is 0.005 % off and
/// for a billion 1.4 %. So it is given ticks that are a little shorter than nanoseconds where they have to be, such
/// that a unit is a whole number of ticks. It also counts in 32 bits; beyond that, a cell is several units, and what
/// it rounds up is given back.
#[derive(Debug)]
pub(super) struct Gcra {
    quota: Quota,
    /// Ticks for one unit.
    tick_per_unit: u64,
    /// Units in one cell of governor's.
    unit_per_cell: u64,
    /// `ticks / nanos` are as many ticks as nanoseconds.
    ticks: u128,
    nanos: u128,
}

impl Gcra {
    pub(super) fn new(rate: Rate, burst: u64) -> Self {
        let (rate, period) = (rate.amount(), rate.period().as_secs() * 1_000_000_000);
        let tick_per_unit = period.div_ceil(rate);
        let capacity = burst.min(FAR / tick_per_unit).max(1);
        let unit_per_cell = capacity.div_ceil(u64::from(u32::MAX));
        let cells = u32::try_from(capacity / unit_per_cell).ok().and_then(NonZeroU32::new);
        let per_cell = Duration::from_nanos(tick_per_unit * unit_per_cell);
        let quota = Quota::with_period(per_cell).unwrap_or(Quota::per_hour(NonZeroU32::MIN));
        Self {
            quota: quota.allow_burst(cells.unwrap_or(NonZeroU32::MIN)),
            tick_per_unit,
            unit_per_cell,
            ticks: u128::from(tick_per_unit) * u128::from(rate),
            nanos: u128::from(period),
        }
    }

    /// Whether `amount` passes: the bucket's new state and what was booked, else how long to wait.
    pub(super) fn admit(&self, full_at: u64, now: u64, amount: u64) -> Result<(u64, u64), Duration> {
        let cells = u32::try_from(amount.div_ceil(self.unit_per_cell)).unwrap_or(u32::MAX);
        let cells = NonZeroU32::new(cells).unwrap_or(NonZeroU32::MIN).min(self.quota.burst_size());
        // A limiter is made for each decision and its zero is now, so nothing adds up to more than 64 bits hold.
        let bucket = Bucket(Cell::new(self.to_ticks(full_at.saturating_sub(now))));
        let limiter = RateLimiter::<_, _, _, NoOpMiddleware<Nanos>>::new(self.quota, bucket, AtZero);
        match limiter.check_n(cells) {
            Ok(Ok(())) => {
                let ahead = self.to_nanos(limiter.into_state_store().0.get());
                let (full_at, rounded) = (now.saturating_add(ahead), self.units(cells));
                let booked = amount.clamp(1, rounded);
                Ok((self.correct(full_at, now, rounded, booked), booked))
            }
            Ok(Err(refusal)) => Err(self.wait(refusal.wait_time_from(AtZero.now()))),
            Err(_) => Err(self.wait(self.quota.burst_size_replenished_in())),
        }
    }

    /// The bucket's new state when `spent` is booked instead of `reserved`.
    pub(super) fn correct(&self, full_at: u64, now: u64, reserved: u64, spent: u64) -> u64 {
        let ticks = spent.abs_diff(reserved).saturating_mul(self.tick_per_unit).min(FAR);
        if spent > reserved {
            let debt = full_at.max(now).saturating_add(self.to_nanos(ticks));
            debt.min(now.saturating_add(FAR))
        } else {
            full_at.saturating_sub(nanoseconds(self.up_to_nanos(u128::from(ticks))))
        }
    }

    /// What is left in the bucket.
    pub(super) fn left(&self, full_at: u64, now: u64) -> u64 {
        let size = self.tick_per_unit * self.units(self.quota.burst_size());
        size.saturating_sub(self.to_ticks(full_at.saturating_sub(now))) / self.tick_per_unit
    }

    fn units(&self, cells: NonZeroU32) -> u64 {
        u64::from(cells.get()) * self.unit_per_cell
    }

    fn wait(&self, ticks: Duration) -> Duration {
        Duration::from_nanos(nanoseconds(self.up_to_nanos(ticks.as_nanos())))
    }

    /// Rounded up; nanoseconds made of ticks come back as no more ticks than they were. What a step is off is less than
    /// a nanosecond, either way.
    fn to_ticks(&self, nanos: u64) -> u64 {
        let nanos = nanos.min(FAR);
        if self.ticks == self.nanos {
            return nanos;
        }
        let ticks = (u128::from(nanos) * self.ticks).div_ceil(self.nanos);
        u64::try_from(ticks).map_or(FAR, |ticks| ticks.min(FAR))
    }

    /// Rounded down.
    fn to_nanos(&self, ticks: u64) -> u64 {
        if self.ticks == self.nanos {
            return ticks;
        }
        nanoseconds(u128::from(ticks) * self.nanos / self.ticks)
    }

    fn up_to_nanos(&self, ticks: u128) -> u128 {
        if self.ticks == self.nanos {
            return ticks;
        }
        (ticks * self.nanos).div_ceil(self.ticks)
    }
}

fn nanoseconds(count: u128) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

/// The ticks until a bucket is full, where governor can put the new figure.
struct Bucket(Cell<u64>);

impl StateStore for Bucket {
    type Key = NotKeyed;

    fn measure_and_replace<T, F, E>(&self, _: &NotKeyed, decide: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        let (outcome, ahead) = decide(Some(Nanos::new(self.0.get())))?;
        self.0.set(ahead.as_u64());
        Ok(outcome)
    }
}

/// A clock that stands at zero.
#[derive(Debug, Clone)]
struct AtZero;

impl Clock for AtZero {
    type Instant = Nanos;

    fn now(&self) -> Nanos {
        Nanos::new(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Rate;

    const SECOND: u64 = 1_000_000_000;

    fn of(rate: Rate) -> Gcra {
        Gcra::new(rate, rate.amount())
    }

    #[test]
    fn a_refund_is_given_and_a_debt_is_waited_for() {
        let gcra = of(Rate::per_minute(60_000));
        let (full_at, booked) = gcra.admit(0, SECOND, 4000).expect("an idle bucket");
        assert_eq!((booked, gcra.left(full_at, SECOND)), (4000, 56_000));
        let refunded = gcra.correct(full_at, SECOND, 4000, 500);
        assert_eq!(gcra.left(refunded, SECOND), 59_500);
        let indebted = gcra.correct(refunded, SECOND, 500, 120_000);
        assert_eq!(gcra.left(indebted, SECOND), 0);
        assert_eq!(gcra.admit(indebted, SECOND, 500), Err(Duration::from_millis(60_500)));
        assert!(gcra.admit(indebted, SECOND + 60_500_000_000, 500).is_ok());
    }

    #[test]
    fn a_late_refund_never_gives_more_than_the_bucket_holds() {
        let gcra = of(Rate::per_minute(60));
        let (full_at, _) = gcra.admit(0, SECOND, 60).expect("an idle bucket");
        let later = 3600 * SECOND;
        let refunded = gcra.correct(full_at, later, 60, 0);
        assert_eq!(gcra.left(refunded, later), 60);
        assert!(gcra.admit(refunded, later, 60).is_ok());
    }

    #[test]
    fn after_the_wait_it_said_the_same_amount_passes() {
        for rate in [7, 60, 999_983, 7_000_000, 1_600_000_000] {
            let gcra = of(Rate::per_minute(rate));
            let (full_at, _) = gcra.admit(0, SECOND, rate).expect("an idle bucket");
            let wait = gcra.admit(full_at, SECOND, 3).expect_err("an empty bucket");
            let then = SECOND + u64::try_from(wait.as_nanos()).expect("a short wait");
            assert!(gcra.admit(full_at, then, 3).is_ok(), "{rate}");
            assert!(gcra.admit(full_at, then - 2, 3).is_err(), "{rate}");
        }
    }

    #[test]
    fn a_rate_that_is_no_whole_number_of_nanoseconds_is_exact_all_the_same() {
        for rate in [7, 999_983, 7_000_000, 1_600_000_000, 100_000_000_007] {
            let gcra = of(Rate::per_minute(rate));
            let empty = gcra.correct(0, SECOND, 0, rate);
            let hours = gcra.correct(0, SECOND, 0, rate * 60 * 24);
            assert_eq!(gcra.left(empty, SECOND), 0);
            assert!(empty.abs_diff(61 * SECOND) <= 1, "{rate}: {empty}");
            assert!(hours.abs_diff(86_401 * SECOND) <= 1, "{rate}: {hours}");
        }
    }

    #[test]
    fn exactly_the_burst_passes_at_once() {
        for (rate, burst) in [(7, 7), (7, 3), (999_983, 1000), (60_000, 60_000)] {
            let gcra = Gcra::new(Rate::per_minute(rate), burst);
            let mut full_at = 0;
            for _ in 0..burst {
                full_at = gcra.admit(full_at, SECOND, 1).expect("within the burst").0;
            }
            assert!(gcra.admit(full_at, SECOND, 1).is_err(), "{rate} {burst}");
        }
    }

    #[test]
    fn absurd_figures_saturate() {
        for rate in [Rate::per_hour(1), Rate::per_second(u64::MAX), Rate::per_hour(u64::MAX)] {
            let gcra = Gcra::new(rate, u64::MAX);
            let (full_at, booked) = gcra.admit(0, SECOND, u64::MAX).expect("an idle bucket");
            let debt = gcra.correct(full_at, SECOND, booked, u64::MAX);
            let more = gcra.correct(debt, SECOND, 0, u64::MAX);
            assert!(more <= SECOND + FAR);
            assert!(gcra.correct(SECOND, SECOND, u64::MAX, 0) <= SECOND);
        }
    }
}
