use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::{Semaphore, SemaphorePermit};

/// Some at a time, a few more in line, nobody beyond that.
#[derive(Debug)]
pub(super) struct Lane {
    slots: Semaphore,
    waiting: AtomicUsize,
    longest: usize,
}

impl Lane {
    pub(super) fn new(slots: usize, longest: usize) -> Self {
        Self { slots: Semaphore::new(slots), waiting: AtomicUsize::new(0), longest }
    }

    /// A slot, in turn; `None` where the line is too long.
    pub(super) async fn enter(&self) -> Option<SemaphorePermit<'_>> {
        if let Ok(permit) = self.slots.try_acquire() {
            return Some(permit);
        }
        let _place = Place::take(self)?;
        self.slots.acquire().await.ok()
    }
}

/// A place in the line; given back also by callers who go away.
struct Place<'l>(&'l Lane);

impl<'l> Place<'l> {
    fn take(lane: &'l Lane) -> Option<Self> {
        let before = lane.waiting.fetch_add(1, Ordering::AcqRel);
        let place = Self(lane);
        (before < lane.longest).then_some(place)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    use super::*;

    #[test]
    fn the_line_is_no_longer_than_it_may_be_and_moves_on() {
        let lane = Lane::new(1, 1);
        let mut cx = Context::from_waker(Waker::noop());
        let Poll::Ready(Some(first)) = pin!(lane.enter()).poll(&mut cx) else { panic!("a slot is free") };
        {
            let mut second = pin!(lane.enter());
            assert!(second.as_mut().poll(&mut cx).is_pending());
            assert!(matches!(pin!(lane.enter()).poll(&mut cx), Poll::Ready(None)), "the line is full");
            drop(first);
            assert!(matches!(second.as_mut().poll(&mut cx), Poll::Ready(Some(_))));
        }
        assert_eq!(lane.waiting.load(Ordering::Acquire), 0);
    }
}
