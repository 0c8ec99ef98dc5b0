use std::time::{Duration, Instant};

/// Where the time comes from. Any `Fn() -> Duration` is a clock, which is what a test passes.
///
/// A reading is the time since a moment of the clock's choosing; it never goes back and never comes near the 584
/// years that fit in 64 bits of nanoseconds.
pub trait Clock: Send + Sync + 'static {
    /// The time since the clock's zero.
    fn now(&self) -> Duration;
}

impl<F: Fn() -> Duration + Send + Sync + 'static> Clock for F {
    fn now(&self) -> Duration {
        self()
    }
}

/// The machine's monotonic clock, counted from when this value was made.
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
}
