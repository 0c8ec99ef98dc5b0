use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::telemetry;

/// So many failures in a row, and the store is down.
const FAILURES: u32 = 3;

const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// Whether the store is asked at all.
#[derive(Debug)]
pub(super) struct Breaker(Mutex<Inner>);

#[derive(Debug)]
struct Inner {
    state: State,
    failures: u32,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum State {
    Untried,
    Up,
    /// Nobody asks before then, and then one.
    Down {
        next: Instant,
        pause: Duration,
    },
}

impl Breaker {
    pub(super) fn new() -> Self {
        Self(Mutex::new(Inner { state: State::Untried, failures: 0 }))
    }

    pub(super) fn is_up(&self) -> bool {
        self.lock().state == State::Up
    }

    /// Whether the store may be asked; of those who are `probing` while it is down, one after each pause.
    pub(super) fn lets_pass(&self, probing: bool) -> bool {
        let mut inner = self.lock();
        let State::Down { next, pause } = inner.state else { return true };
        let now = Instant::now();
        if !probing || now < next {
            return false;
        }
        let pause = (pause * 2).min(LONGEST_PAUSE);
        inner.state = State::Down { next: now + pause, pause };
        true
    }

    /// When to probe.
    pub(super) fn next_probe(&self) -> Option<Instant> {
        match self.lock().state {
            State::Down { next, .. } => Some(next),
            _ => None,
        }
    }

    /// The store answered in time. Whether that is news.
    pub(super) fn succeeded(&self, name: &str) -> bool {
        let mut inner = self.lock();
        inner.failures = 0;
        if inner.state == State::Up {
            return false;
        }
        inner.state = State::Up;
        drop(inner);
        telemetry::came_up(name);
        true
    }

    /// The store did not answer, or too late. Whether that is news.
    pub(super) fn failed(&self, name: &str, why: &str) -> bool {
        let mut inner = self.lock();
        inner.failures = inner.failures.saturating_add(1);
        if inner.failures < FAILURES || matches!(inner.state, State::Down { .. }) {
            return false;
        }
        inner.state = State::Down { next: Instant::now() + FIRST_PAUSE, pause: FIRST_PAUSE };
        drop(inner);
        telemetry::went_down(name, why);
        true
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_failures_in_a_row_open_it_and_one_probe_at_a_time_is_let_through() {
        let breaker = Breaker::new();
        assert!(breaker.succeeded("test") && breaker.is_up());
        assert!(!breaker.failed("test", "") && !breaker.failed("test", ""));
        assert!(!breaker.succeeded("test"), "not in a row");
        assert!(!breaker.failed("test", "") && !breaker.failed("test", "") && breaker.failed("test", ""));
        assert!(!breaker.is_up() && !breaker.lets_pass(false) && !breaker.lets_pass(true));
        std::thread::sleep(FIRST_PAUSE);
        assert!(!breaker.lets_pass(false), "only who probes");
        assert!(breaker.lets_pass(true));
        assert!(!breaker.lets_pass(true), "one at a time");
        assert!(breaker.succeeded("test") && breaker.lets_pass(false));
    }
}
