//! How long looking may take, and when it has taken longer.

use std::time::Duration;

use crate::Fault;
use crate::clock::{Clock, SharedClock};

/// How long the texts of one request may be looked at, if at all bounded.
#[derive(Clone, Default)]
pub(crate) struct Budget {
    clock: SharedClock,
    limit: Option<Duration>,
}

impl Budget {
    pub(crate) fn clock(&mut self, clock: impl Clock) {
        self.clock = SharedClock::new(clock);
    }

    pub(crate) fn limit(&mut self, limit: Duration) {
        self.limit = Some(limit);
    }

    /// The same, with this limit.
    pub(crate) fn with(&self, limit: Duration) -> Self {
        Self { clock: self.clock.clone(), limit: Some(limit) }
    }

    /// The same, with `limit` where none is set.
    pub(crate) fn or(&self, limit: Duration) -> Self {
        self.with(self.limit.unwrap_or(limit))
    }

    /// When it is used up, if work begins now.
    pub(crate) fn start(&self) -> Deadline {
        let end = self.limit.map(|limit| self.clock.now().saturating_add(limit));
        Deadline(end.map(|end| (self.clock.clone(), end)))
    }
}

/// When looking has to have ended.
pub(crate) struct Deadline(Option<(SharedClock, Duration)>);

impl Deadline {
    fn has_passed(&self) -> bool {
        self.0.as_ref().is_some_and(|(clock, end)| clock.now() > *end)
    }

    /// A fault once the deadline has passed.
    pub(crate) fn check(&self) -> Result<(), Fault> {
        if self.has_passed() { Err(Fault::late()) } else { Ok(()) }
    }

    /// A watch over one piece of work.
    pub(crate) fn watch(&self) -> Watch<'_> {
        Watch { deadline: Some(self), ..Watch::default() }
    }
}

/// Looks at the clock once in a while: a look costs more than most steps do.
#[derive(Default)]
pub(crate) struct Watch<'d> {
    deadline: Option<&'d Deadline>,
    steps: u32,
    late: bool,
}

/// Steps between two looks at the clock: some microseconds.
const STEPS: u32 = 512;
/// What it costs to search a place.
pub(crate) const SEARCH: u32 = 16;

impl Watch<'_> {
    /// Takes down that so many steps were made.
    pub(crate) fn spend(&mut self, steps: u32) {
        self.steps = self.steps.saturating_add(steps);
    }

    /// Whether the work is to be broken off: the deadline has passed, as far as is known.
    pub(crate) fn is_late(&mut self) -> bool {
        if self.steps >= STEPS {
            self.steps = 0;
            self.late = self.late || self.deadline.is_some_and(Deadline::has_passed);
        }
        self.late
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    fn budget(readings: &Arc<AtomicU64>) -> Budget {
        let readings = Arc::clone(readings);
        let mut budget = Budget::default();
        budget.clock(move || Duration::from_millis(readings.fetch_add(1, Ordering::Relaxed)));
        budget
    }

    #[test]
    fn the_clock_is_looked_at_once_in_a_while_and_not_again_when_it_is_late() {
        let readings = Arc::default();
        let deadline = budget(&readings).or(Duration::from_millis(2)).start();
        let mut watch = deadline.watch();
        let mut steps = 0;
        while !watch.is_late() {
            watch.spend(1);
            steps += 1;
        }
        assert_eq!((steps, readings.load(Ordering::Relaxed)), (3 * STEPS, 4));
        watch.spend(STEPS);
        assert!(watch.is_late() && readings.load(Ordering::Relaxed) == 4);
        assert!(deadline.check().is_err());
    }

    #[test]
    fn without_a_limit_the_clock_is_not_looked_at() {
        let readings = Arc::default();
        let deadline = budget(&readings).start();
        let mut watch = deadline.watch();
        watch.spend(10 * STEPS);
        assert!(!watch.is_late() && deadline.check().is_ok());
        assert_eq!(readings.load(Ordering::Relaxed), 0);
    }
}
