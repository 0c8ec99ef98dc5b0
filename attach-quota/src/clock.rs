use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

/// Where the time comes from. Any `Fn() -> Duration` is a clock, which is what a test passes.
///
/// A reading is the time since a moment of the clock's choosing; it never goes back and never comes near the 584
/// years that fit in 64 bits of nanoseconds.
pub trait Clock: Send + Sync + 'static {
    /// The time since the clock's zero.
    fn now(&self) -> Duration;

    /// The time since the epoch, by which budgets know the day: [`now`](Self::now) unless a clock knows better.
    fn since_epoch(&self) -> Duration {
        self.now()
    }
}

impl<F: Fn() -> Duration + Send + Sync + 'static> Clock for F {
    fn now(&self) -> Duration {
        self()
    }
}

/// The machine's clocks: the monotonic one, counted from when this value was made, and the calendar's.
#[derive(Debug, Clone, Copy)]
pub struct SystemClock(Instant);

impl Default for SystemClock {
    fn default() -> Self {
        Self(Instant::now())
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Duration {
        self.0.elapsed()
    }

    fn since_epoch(&self) -> Duration {
        SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default()
    }
}

/// One clock for several.
#[derive(Clone)]
pub(crate) struct SharedClock(Arc<dyn Clock>);

impl SharedClock {
    pub(crate) fn new(clock: impl Clock) -> Self {
        Self(Arc::new(clock))
    }
}

impl Clock for SharedClock {
    fn now(&self) -> Duration {
        self.0.now()
    }

    fn since_epoch(&self) -> Duration {
        self.0.since_epoch()
    }
}
