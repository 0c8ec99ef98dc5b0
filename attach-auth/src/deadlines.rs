use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::sync::oneshot;

/// When running answers have to end, by the clock that never goes back. This library has no timer: whoever has one
/// calls [`sweep`](Self::sweep).
#[derive(Clone, Default)]
pub(crate) struct Deadlines(Arc<Mutex<Waiting>>);

#[derive(Default)]
struct Waiting {
    next: u64,
    wakers: BTreeMap<(Duration, u64), oneshot::Sender<()>>,
}

/// One answer's deadline.
pub(crate) struct Deadline {
    at: Duration,
    number: u64,
    swept: oneshot::Receiver<()>,
    all: Deadlines,
}

impl Deadlines {
    pub(crate) fn add(&self, at: Duration) -> Deadline {
        let (wake, swept) = oneshot::channel();
        let mut waiting = self.lock();
        let number = waiting.next;
        waiting.next += 1;
        waiting.wakers.insert((at, number), wake);
        Deadline { at, number, swept, all: self.clone() }
    }

    /// Wakes whoever is past its deadline.
    pub(crate) fn sweep(&self, now: Duration) {
        let mut waiting = self.lock();
        let later = waiting.wakers.split_off(&(now + Duration::from_nanos(1), 0));
        let due = std::mem::replace(&mut waiting.wakers, later);
        drop(waiting);
        for wake in due.into_values() {
            // Nobody there: it ended meanwhile.
            let _ = wake.send(());
        }
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Deadline {
    /// Ready once the deadline has passed; also when only `now`, which is the time, says so.
    pub(crate) fn poll(&mut self, now: Duration, cx: &mut Context<'_>) -> Poll<()> {
        if now >= self.at {
            return Poll::Ready(());
        }
        Pin::new(&mut self.swept).poll(cx).map(drop)
    }
}

impl Drop for Deadline {
    fn drop(&mut self) {
        self.all.lock().wakers.remove(&(self.at, self.number));
    }
}

impl fmt::Debug for Deadlines {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Deadlines").field("waiting", &self.lock().wakers.len()).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_sweep_wakes_those_whose_time_has_come_and_forgets_them() {
        let all = Deadlines::default();
        let (mut soon, mut later) = (all.add(SECOND), all.add(SECOND * 2));
        let cx = &mut Context::from_waker(Waker::noop());
        assert!(soon.poll(Duration::ZERO, cx).is_pending() && later.poll(Duration::ZERO, cx).is_pending());
        all.sweep(SECOND);
        assert!(soon.poll(Duration::ZERO, cx).is_ready() && later.poll(Duration::ZERO, cx).is_pending());
        assert_eq!(all.lock().wakers.len(), 1);
        drop(later);
        assert_eq!(all.lock().wakers.len(), 0);
    }
}
