use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::Clock;

/// A clock whose calendar never goes back, not even over a restart: a period that is over stays so, and nobody uses its
/// budget, or the next one's, a second time.
#[derive(Clone)]
pub(super) struct Onward(Arc<Inner>);

struct Inner {
    clock: Box<dyn Clock>,
    /// The latest second since the epoch that was seen.
    seen: AtomicU64,
}

impl Onward {
    pub(super) fn new(clock: impl Clock) -> Self {
        Self(Arc::new(Inner { clock: Box::new(clock), seen: AtomicU64::new(0) }))
    }

    /// Seconds since the epoch.
    pub(super) fn second(&self) -> u64 {
        self.since_epoch().as_secs()
    }

    /// What another process has seen; how many seconds the clock is behind that.
    pub(super) fn has_seen(&self, second: u64) -> u64 {
        self.0.seen.fetch_max(second, Ordering::Relaxed);
        second.saturating_sub(self.0.clock.since_epoch().as_secs())
    }
}

impl Clock for Onward {
    fn now(&self) -> Duration {
        self.0.clock.now()
    }

    fn since_epoch(&self) -> Duration {
        let now = self.0.clock.since_epoch();
        let seen = self.0.seen.load(Ordering::Relaxed);
        if now.as_secs() > seen {
            self.0.seen.fetch_max(now.as_secs(), Ordering::Relaxed);
        }
        now.max(Duration::from_secs(seen))
    }
}
