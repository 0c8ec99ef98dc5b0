//! How an upstream is doing: whether it is called, how often, and how often it is called again. What is known here stays
//! as long as the upstream does, over reloads of the configuration too.

mod breaker;
mod budget;
mod pause;
mod probed;
mod ticket;
mod window;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

use self::breaker::Breaker;
pub(crate) use self::breaker::Phase;
use self::budget::RetryBudget;
pub(super) use self::pause::{Pauses, retry_after};
use self::probed::Probed;
pub(super) use self::ticket::Ticket;
use crate::config::Upstream;
use crate::telemetry::Telemetry;

/// The state of one upstream.
#[derive(Debug)]
pub(crate) struct Health {
    name: Arc<str>,
    breaker: Option<Breaker>,
    slots: Option<Arc<Semaphore>>,
    pub(super) budget: RetryBudget,
    pub(super) pauses: Pauses,
    pub(super) probed: Probed,
}

/// Why an upstream is not called now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shut {
    /// It has failed; for so long.
    Open(Duration),
    /// It has as many calls as it may have.
    Full,
}

/// Leave to call an upstream once.
#[derive(Debug)]
pub(super) struct Admitted<'a> {
    pub(super) ticket: Ticket<'a>,
    /// Given back when the answer is over.
    pub(super) slot: Option<OwnedSemaphorePermit>,
}

impl Health {
    pub(super) fn new(upstream: &Upstream) -> Self {
        let now = Instant::now();
        let slots = |most: usize| Arc::new(Semaphore::new(most.min(Semaphore::MAX_PERMITS)));
        Self {
            name: Arc::clone(&upstream.name),
            breaker: upstream.breaker.map(|settings| Breaker::new(settings, now)),
            slots: upstream.max_in_flight.map(slots),
            budget: RetryBudget::new(now),
            pauses: Pauses::default(),
            probed: Probed::default(),
        }
    }

    /// Whether its breaker lets calls through; `None` if it has none.
    pub(crate) fn phase(&self) -> Option<Phase> {
        self.breaker.as_ref().map(Breaker::phase)
    }

    /// Takes a place among the calls that run, and the breaker's leave.
    pub(super) fn admit<'a>(&'a self, telemetry: &'a Telemetry, now: Instant) -> Result<Admitted<'a>, Shut> {
        let slot = match &self.slots {
            Some(slots) => Some(Arc::clone(slots).try_acquire_owned().map_err(|_| Shut::Full)?),
            None => None,
        };
        let ticket = Ticket::take(self, telemetry, now).map_err(Shut::Open)?;
        Ok(Admitted { ticket, slot })
    }
}
