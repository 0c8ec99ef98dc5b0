//! Which candidate is asked next. Once one has begun an answer that is passed on, no other one is asked.

use std::time::Duration;

use attach_core::{Payload, Rejection};
use http::HeaderMap;
use tokio::time::Instant;

use super::attempt::Standing;
use super::health::retry_after;
use super::place::Place;
use super::queue::{Chosen, Queue};
use super::refusal;
use crate::telemetry::Telemetry;

/// The candidates of a call, and what has come of those that were asked.
pub(super) struct Failover<'a> {
    queue: Queue<'a>,
    telemetry: &'a Telemetry,
    /// Whether the call does nothing but cost money, so that it may be done again where it may have been done.
    repeatable: bool,
    /// One that failed was left for another one.
    failed: bool,
    /// One that had too many calls was left, and what it said of when to come back.
    overloaded: Option<Option<Duration>>,
}

impl<'a> Failover<'a> {
    pub(super) fn new(queue: Queue<'a>, payload: &Payload, telemetry: &'a Telemetry) -> Self {
        let call = payload.call();
        // A tool that the provider runs, or a thing that it keeps, is there twice if the call is.
        let repeatable = call.hosted_tools.is_empty() && call.state.is_empty();
        Self { queue, telemetry, repeatable, failed: false, overloaded: None }
    }

    /// The first one.
    ///
    /// # Errors
    ///
    /// When nobody can be asked.
    pub(super) fn first(&mut self) -> Result<Chosen<'a>, Rejection> {
        let Some(chosen) = self.queue.next() else { return Err(self.queue.nobody()) };
        chosen.place.health.budget.deposit(Instant::now());
        Ok(chosen)
    }

    /// The one after another, to which nothing could be sent: that has cost nobody anything.
    pub(super) fn after_silence(&mut self) -> Option<Chosen<'a>> {
        self.queue.next()
    }

    /// The one after `place`, which answered with `headers`; `None` if its answer is to be passed on.
    ///
    /// A call that failed is done again once at most, one that was refused as too many until the list is over; both
    /// within the budget of the upstream that is left.
    pub(super) fn after_answer(
        &mut self,
        standing: Standing,
        place: &Place,
        headers: &HeaderMap,
    ) -> Option<Chosen<'a>> {
        let again = match standing {
            Standing::Overloaded => true,
            Standing::Failed => self.repeatable && !self.failed,
            Standing::Well | Standing::Other => false,
        };
        if !again || self.queue.is_empty() {
            return None;
        }
        let budget = &place.health.budget;
        if !budget.allows(Instant::now()) {
            self.telemetry.skipped(&place.upstream.name, "budget");
            return None;
        }
        let chosen = self.queue.next().filter(|_| budget.withdraw(Instant::now()))?;
        match standing {
            Standing::Overloaded => self.overloaded = Some(retry_after(headers)),
            _ => self.failed = true,
        }
        Some(chosen)
    }

    /// What the caller is told where the last one could not be reached: what the one before it said, if that helps.
    pub(super) fn unreachable(&self, why: &str) -> Rejection {
        self.overloaded.map_or_else(|| refusal::unreachable(why), refusal::rate_limited)
    }
}
