use std::fmt;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use crate::clock::{Clock, SharedClock};
use crate::offload::LARGE;
use crate::{Job, Offload, Scope};

mod queue;

use self::queue::{Queue, Waiting};

/// An [`Offload`] that is shared fairly: so many jobs run at a time, no caller has more than his share of them, callers
/// who wait take turns.
///
/// What waits is bounded: in time, in bytes, in bytes of one caller. A job beyond that is dropped, which is answered 503
/// with `Retry-After`. Nothing is kept of a caller who has no job. Callers without an identity are one.
///
/// ```
/// use attach_redact::{Job, RedactLayer, Redactor, Shares};
///
/// let shares = Shares::new(4, |job: Job| drop(std::thread::spawn(job))).of_each(2);
/// let layer = RedactLayer::new(Redactor::with_defaults()?).offload(shares);
/// # let _ = layer;
/// # Ok::<(), attach_redact::ConfigError>(())
/// ```
#[derive(Clone)]
#[must_use]
pub struct Shares(Arc<Inner>);

struct Inner {
    offload: Arc<dyn Offload>,
    clock: SharedClock,
    patience: Duration,
    queue: Mutex<Queue>,
}

impl Shares {
    /// How long a job waits unless set: a second.
    pub const DEFAULT_PATIENCE: Duration = Duration::from_secs(1);
    /// How many bytes of bodies may wait unless set: 64 MiB.
    pub const DEFAULT_WAITING: usize = 64 << 20;

    /// At most `jobs` at a time, at least one, on `offload`; each caller's share is half of them, at least one.
    ///
    /// `offload` runs every job at once and in another thread.
    pub fn new(jobs: usize, offload: impl Offload) -> Self {
        let jobs = jobs.max(1);
        Self(Arc::new(Inner {
            offload: Arc::new(offload),
            clock: SharedClock::default(),
            patience: Self::DEFAULT_PATIENCE,
            queue: Mutex::new(Queue::new(jobs, Self::DEFAULT_WAITING)),
        }))
    }

    /// So many jobs of each caller run at a time, at least one.
    pub fn of_each(self, jobs: usize) -> Self {
        self.with(|inner| inner.queue().share = jobs.max(1))
    }

    /// How long a job waits for its turn. One that waits longer is dropped when the next job comes or ends, or when
    /// [`drop_late`](Self::drop_late) is called.
    pub fn patience(self, longest: Duration) -> Self {
        self.with(|inner| inner.patience = longest)
    }

    /// How many bytes of bodies wait at most; a quarter of them can be one caller's. A body counts for at least 64 KiB;
    /// where nothing waits one may, whatever its size.
    pub fn waiting(self, bytes: usize) -> Self {
        self.with(|inner| inner.queue().most = bytes)
    }

    /// Where the time comes from; the machine's monotonic clock unless set.
    pub fn clock(self, clock: impl Clock) -> Self {
        self.with(|inner| inner.clock = SharedClock::new(clock))
    }

    /// Drops the jobs that wait too long. Call it when a job's time is over, from wherever there is a timer.
    pub fn drop_late(&self) {
        self.0.drop_late();
    }

    /// How many callers have a job, running or waiting.
    #[must_use]
    pub fn callers(&self) -> usize {
        self.0.queue().callers()
    }

    /// Only before it is cloned or used.
    fn with(mut self, set: impl FnOnce(&mut Inner)) -> Self {
        if let Some(inner) = Arc::get_mut(&mut self.0) {
            set(inner);
        }
        self
    }
}

impl Offload for Shares {
    fn run(&self, job: Job) {
        self.run_for(&Scope::anonymous(), 0, job);
    }

    fn run_for(&self, whose: &Scope, bytes: usize, job: Job) {
        self.0.drop_late();
        let since = self.0.clock.now();
        let refused = self.0.queue().push(whose, Waiting { since, bytes: bytes.max(LARGE), job });
        // Whoever waits for it may be woken by that, and come back here.
        drop(refused);
        self.0.begin();
    }
}

impl Inner {
    fn queue(&self) -> std::sync::MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn drop_late(&self) {
        let Some(latest) = self.clock.now().checked_sub(self.patience) else { return };
        let late = self.queue().take_late(latest);
        drop(late);
    }

    /// Begins what may run now.
    fn begin(self: &Arc<Self>) {
        loop {
            let Some((whose, job)) = self.queue().next() else { return };
            let place = Place { shares: Arc::downgrade(self), whose };
            self.offload.run(Box::new(move || {
                let _place = place;
                job();
            }));
        }
    }
}

/// A job's place among those that run; given back also if the job panics or is dropped.
struct Place {
    shares: Weak<Inner>,
    whose: Scope,
}

impl Drop for Place {
    fn drop(&mut self) {
        let Some(shares) = self.shares.upgrade() else { return };
        shares.queue().end(&self.whose);
        shares.drop_late();
        shares.begin();
    }
}

/// Names nobody.
impl fmt::Debug for Shares {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shares").field("callers", &self.callers()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
