use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::window::Window;

/// What is looked back at.
const WINDOW: Duration = Duration::from_secs(10);

/// So many calls may be sent again in a window, however few there were.
const MINIMUM: u64 = 3;

/// One call in so many may be sent again: 20 %, as Envoy's and Linkerd's default.
const ONE_IN: u64 = 5;

/// How many calls that an upstream has failed may be sent to another one.
///
/// Each upstream has its own: whatever one of them does, the others get a fifth of *its* calls more and no more. A
/// budget for all of them together would let one that fails use up what the others need.
#[derive(Debug)]
pub(crate) struct RetryBudget(Mutex<Window>);

impl RetryBudget {
    pub(super) fn new(now: Instant) -> Self {
        Self(Mutex::new(Window::new(WINDOW, now)))
    }

    /// A call has come here that nobody was asked before.
    pub(crate) fn deposit(&self, now: Instant) {
        self.lock().add(false, now);
    }

    /// Whether [`withdraw`](Self::withdraw) would do.
    pub(crate) fn allows(&self, now: Instant) -> bool {
        allows(self.lock().sums(now))
    }

    /// Takes what sending one call again costs, if it is there.
    pub(crate) fn withdraw(&self, now: Instant) -> bool {
        let mut window = self.lock();
        let allowed = allows(window.sums(now));
        if allowed {
            window.add(true, now);
        }
        allowed
    }

    fn lock(&self) -> MutexGuard<'_, Window> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn allows([calls, again]: [u64; 2]) -> bool {
    again < MINIMUM.max(calls / ONE_IN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_calls_in_ten_seconds_may_always_be_sent_again() {
        let now = Instant::now();
        let budget = RetryBudget::new(now);
        let withdrawn = |at| (0..10).filter(|_| budget.withdraw(at)).count();
        assert_eq!(withdrawn(now), 3);
        assert!(!budget.allows(now + Duration::from_secs(9)));
        assert_eq!(withdrawn(now + Duration::from_secs(10)), 3);
    }

    #[test]
    fn of_many_calls_a_fifth_may_be_sent_again() {
        let now = Instant::now();
        let budget = RetryBudget::new(now);
        let mut again = 0;
        for n in 0..10_000 {
            let at = now + Duration::from_millis(n);
            budget.deposit(at);
            again += u32::from(budget.withdraw(at));
        }
        assert!((1_990..=2_003).contains(&again), "{again}");
    }
}
