//! Which of the places that a call could go to it may go to.

use std::cell::RefCell;

use attach_core::Destination;
use attach_core::exchange::Decision;

use super::{Ask, Policy, Verdict, limits, reason};

/// The verdict on a call, and what is left of its destination where there was something to choose from.
///
/// The policy is asked once for each place. The first that is allowed decides; where none is, the first that signing
/// in again would open, else the first that is closed for another reason than being the wrong place, else the first.
/// `None` as the destination left means that it is as it was, or that nothing is.
/// This is the decision of [`PolicyLayer`](super::PolicyLayer), for whoever wants to know it beforehand.
#[must_use]
pub fn decide_route<P: Policy>(
    policy: &P,
    ask: Ask<'_>,
    destination: Option<&Destination>,
) -> (Verdict, Option<Destination>) {
    if let Some(refusal) = limits::refusal(&ask) {
        return (refusal, None);
    }
    let Some(destination) = destination else {
        return (policy.allows(&ask), None);
    };
    match destination.candidates() {
        [] => (on_known_models(policy.allows(&ask)), None),
        [only] => (policy.allows(&ask.with_candidate(Some(only))), None),
        several => {
            let decisive = RefCell::new(None);
            let narrowed = destination.narrow(|candidate| {
                let verdict = policy.allows(&ask.with_candidate(Some(candidate)));
                let allowed = verdict.is_allowed();
                prefer(&mut decisive.borrow_mut(), verdict);
                allowed
            });
            let unchanged = narrowed.as_ref().is_some_and(|left| left.candidates().len() == several.len());
            // There are several, so each was asked about.
            let verdict = decisive.into_inner().unwrap_or_else(|| false.into());
            (verdict, narrowed.filter(|_| !unchanged))
        }
    }
}

/// A model that nobody serves is answered exactly as one that the caller may not use.
fn on_known_models(verdict: Verdict) -> Verdict {
    if verdict.is_allowed() { Decision::new(false, reason::UNKNOWN_MODEL).into() } else { verdict }
}

fn prefer(decisive: &mut Option<Verdict>, verdict: Verdict) {
    let rank = |verdict: &Verdict| {
        let elsewhere = verdict.decision.reason == reason::DESTINATION_NOT_ALLOWED;
        (verdict.is_allowed(), verdict.step_up.is_some(), !elsewhere)
    };
    if decisive.as_ref().is_none_or(|known| rank(&verdict) > rank(known)) {
        *decisive = Some(verdict);
    }
}
