use std::fmt;
use std::num::NonZeroU32;
use std::time::Duration;

use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};

/// How often something may happen that strangers can provoke.
pub(crate) struct Throttle {
    limiter: DefaultDirectRateLimiter,
    clock: DefaultClock,
}

impl Throttle {
    /// At most `burst` at once, and one more each `period`.
    pub(crate) fn new(burst: u32, period: Duration) -> Self {
        let one = Quota::with_period(period).unwrap_or(Quota::per_second(NonZeroU32::MIN));
        let quota = one.allow_burst(NonZeroU32::new(burst).unwrap_or(NonZeroU32::MIN));
        let clock = DefaultClock::default();
        Self { limiter: RateLimiter::direct_with_clock(quota, clock.clone()), clock }
    }

    /// Takes one; the time until there will be one if there is none.
    pub(crate) fn take(&self) -> Result<(), Duration> {
        self.limiter.check().map_err(|not_until| not_until.wait_time_from(self.clock.now()))
    }
}

impl fmt::Debug for Throttle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Throttle")
    }
}
