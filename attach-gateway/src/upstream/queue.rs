use std::collections::VecDeque;

use attach_core::destination::Candidate;
use attach_core::{Destination, Payload, Rejection};
use tokio::time::Instant;

use super::health::{Admitted, Shut};
use super::place::{Place, Upstreams};
use super::{refusal, retention};
use crate::resolve::Adjustments;
use crate::telemetry::Telemetry;
use crate::translate::Plan;

/// The candidates that have not been asked, in the order in which they are.
pub(super) struct Queue<'a> {
    left: VecDeque<(&'a Candidate, &'a Place)>,
    /// Those whose probes fail: asked only where none of the others can be.
    down: VecDeque<(&'a Candidate, &'a Place)>,
    payload: &'a Payload,
    adjustments: Option<&'a Adjustments>,
    telemetry: &'a Telemetry,
    /// Why some could not be asked.
    shut: Option<Shut>,
    refused: Option<Rejection>,
}

/// A candidate that may be asked now.
pub(super) struct Chosen<'a> {
    pub(super) candidate: &'a Candidate,
    pub(super) place: &'a Place,
    pub(super) plan: Plan,
    /// Parameters of the caller's that are not as the caller said.
    pub(super) overridden: Vec<&'static str>,
    pub(super) admitted: Admitted<'a>,
}

impl<'a> Queue<'a> {
    /// Those that want to be left alone come last: where there is nobody else, what they say is what the caller hears.
    pub(super) fn new(
        upstreams: &'a Upstreams,
        telemetry: &'a Telemetry,
        destination: &'a Destination,
        (payload, adjustments): (&'a Payload, Option<&'a Adjustments>),
    ) -> Self {
        let now = Instant::now();
        let known = |candidate: &'a Candidate| Some((candidate, upstreams.place(&candidate.upstream)?));
        let known = destination.candidates().iter().filter_map(known);
        let (down, known): (VecDeque<_>, VecDeque<_>) =
            known.partition(|(_, place)| place.health.probed.is_down());
        let known = known.into_iter();
        let (paused, mut left): (VecDeque<_>, VecDeque<_>) =
            known.partition(|(candidate, place)| place.health.pauses.paused(&candidate.model, now));
        if !left.is_empty() {
            paused.iter().for_each(|(_, place)| telemetry.skipped(&place.upstream.name, "paused"));
        }
        left.extend(paused);
        if !left.is_empty() {
            down.iter().for_each(|(_, place)| telemetry.skipped(&place.upstream.name, "down"));
        }
        Self { left, down, payload, adjustments, telemetry, shut: None, refused: None }
    }

    /// The first one, whether it can be asked or not.
    pub(super) fn first(&self) -> Option<&'a Place> {
        self.left.front().or_else(|| self.down.front()).map(|(_, place)| *place)
    }

    /// The next one that can be asked.
    ///
    /// Those that are down are tried rather than the call refused, because a probe may be wrong. Where another one was asked
    /// its answer stands: nobody waits for them besides.
    pub(super) fn next(&mut self) -> Option<Chosen<'a>> {
        let next = self.next_left();
        let down = std::mem::take(&mut self.down);
        if next.is_some() || down.is_empty() {
            return next;
        }
        self.left = down;
        self.next_left()
    }

    fn next_left(&mut self) -> Option<Chosen<'a>> {
        while let Some((candidate, place)) = self.left.pop_front() {
            let (plan, overridden) = match self.plan(candidate, place) {
                Ok(Some(planned)) => planned,
                Ok(None) => continue,
                Err(rejection) => {
                    self.refused.get_or_insert(rejection);
                    continue;
                }
            };
            match place.health.admit(self.telemetry, Instant::now()) {
                Ok(admitted) => return Some(Chosen { candidate, place, plan, overridden, admitted }),
                Err(shut) => self.pass_over(place, shut),
            }
        }
        None
    }

    /// Whether all have been asked or passed over.
    pub(super) fn is_empty(&self) -> bool {
        self.left.is_empty()
    }

    /// Why nobody was asked at all.
    pub(super) fn nobody(&mut self) -> Rejection {
        let shut = self.shut.map(refusal::unavailable);
        shut.or_else(|| self.refused.take()).unwrap_or_else(refusal::not_translated)
    }

    fn plan(
        &self,
        candidate: &Candidate,
        place: &Place,
    ) -> Result<Option<(Plan, Vec<&'static str>)>, Rejection> {
        let apply = |all: &Adjustments| all.apply(self.payload, candidate, &place.upstream);
        let adjusted = self.adjustments.map(apply).transpose()?.flatten();
        let payload = adjusted.as_ref().map_or(self.payload, |adjusted| &adjusted.payload);
        let plan = if candidate.labels.zero_retention {
            not_kept(payload, candidate, place)?
        } else {
            Plan::new(payload, &candidate.model, &place.upstream)?
        };
        Ok(plan.map(|plan| (plan, adjusted.map_or_else(Vec::new, |adjusted| adjusted.overridden))))
    }

    fn pass_over(&mut self, place: &Place, shut: Shut) {
        let reason = match shut {
            Shut::Open(_) => "open",
            Shut::Full => "full",
        };
        self.telemetry.skipped(&place.upstream.name, reason);
        // Whichever opens first is worth waiting for.
        self.shut = Some(match (self.shut, shut) {
            (Some(Shut::Open(known)), Shut::Open(wait)) => Shut::Open(known.min(wait)),
            (Some(Shut::Full), _) | (_, Shut::Full) => Shut::Full,
            (None, shut) => shut,
        });
    }
}

/// The same with the provider's switch set.
fn not_kept(payload: &Payload, candidate: &Candidate, place: &Place) -> Result<Option<Plan>, Rejection> {
    let by = place.upstream.retention;
    if place.upstream.takes(payload.call().api) {
        let switched = retention::in_call(payload, by)?;
        return Plan::new(switched.as_ref().unwrap_or(payload), &candidate.model, &place.upstream);
    }
    let plan = Plan::new(payload, &candidate.model, &place.upstream)?;
    Ok(plan.map(|plan| retention::in_plan(plan, by)))
}
