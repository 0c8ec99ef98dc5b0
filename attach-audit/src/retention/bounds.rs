use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::Keep;

/// The bounds of a retention that is at work. Clones are the same.
#[derive(Debug, Clone, Default)]
pub struct Bounds(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    wish: Mutex<Wish>,
    told: Condvar,
}

#[derive(Debug, Default)]
struct Wish {
    over: bool,
    set: Option<(Keep, f64)>,
    /// Nobody has asked since.
    news: bool,
}

impl Bounds {
    /// From the next round on, which begins at once, the log is kept as `keep` says, and there is word when more than
    /// `disk_alert` (0 to 1) of its disk is used. Never waits for the round that runs.
    pub fn set(&self, keep: Keep, disk_alert: f64) {
        let mut wish = self.lock();
        if wish.set != Some((keep, disk_alert)) {
            (wish.set, wish.news) = (Some((keep, disk_alert)), true);
            self.0.told.notify_all();
        }
    }

    /// What was set since it was asked last.
    pub(super) fn changed(&self) -> Option<(Keep, f64)> {
        let mut wish = self.lock();
        std::mem::take(&mut wish.news).then_some(wish.set).flatten()
    }

    pub(super) fn end(&self) {
        self.lock().over = true;
        self.0.told.notify_all();
    }

    pub(super) fn is_over(&self) -> bool {
        self.lock().over
    }

    /// Until there is something to do.
    pub(super) fn wait(&self, at_most: Duration) {
        let idle = |wish: &mut Wish| !wish.over && !wish.news;
        drop(self.0.told.wait_timeout_while(self.lock(), at_most, idle));
    }

    fn lock(&self) -> MutexGuard<'_, Wish> {
        self.0.wish.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
