use std::time::Duration;

use crate::Clock;
use crate::limit::Window;

/// Who waits for a place is remembered for one to two of these.
const MINUTE: Duration = Duration::from_secs(60);

/// A moment, as the window of a limit sees it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Moment {
    /// Which of the stretches of time that are counted one by one; later ones have higher numbers.
    pub(super) stretch: u64,
    /// What the stretch before still counts: so much of so much.
    pub(super) fading: (u64, u64),
    /// What is held is held, whatever the time.
    pub(super) holds: bool,
    /// When nothing that was noted now counts any more, by the monotonic clock.
    pub(super) over_at: Duration,
}

impl Moment {
    /// Now. What a rate gave counts for its period, sliding: the last stretch in full, and of the one before the part
    /// that is not longer ago than a period, as if it had been used evenly. Of a budget its own period counts.
    pub(super) fn of(window: &Window, clock: &dyn Clock) -> Self {
        let now = clock.now();
        match window {
            Window::Rate { rate, .. } => {
                let (stretch, fading) = stretch(now, rate.period());
                Self { stretch, fading, holds: false, over_at: now.saturating_add(rate.period() * 2) }
            }
            Window::Budget(budget) => {
                let since_epoch = clock.since_epoch();
                let (_, until) = budget.bounds(since_epoch.as_secs());
                let rest = Duration::from_secs(until).saturating_sub(since_epoch);
                Self { stretch: until, fading: (0, 1), holds: false, over_at: now.saturating_add(rest) }
            }
            Window::Level(_) => {
                let (stretch, _) = stretch(now, MINUTE);
                Self { stretch, fading: (0, 1), holds: true, over_at: now.saturating_add(MINUTE * 2) }
            }
        }
    }
}

fn stretch(now: Duration, period: Duration) -> (u64, (u64, u64)) {
    let nanos = |duration: Duration| u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
    let (now, period) = (nanos(now), nanos(period).max(1));
    (now / period, (period - now % period, period))
}
