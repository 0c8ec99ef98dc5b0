use std::sync::Arc;

use attach_core::Exchange;
use attach_core::body::{Guard, Step};
use attach_core::usage::Wire;
use bytes::Bytes;

use super::answer::Answer;
use super::credential::Credential;
use super::place::Place;
use super::refusal;

/// Ends a stream that would repeat the credential that its upstream was shown.
struct Withhold(Arc<Credential>);

/// The stream in `answer`, if it is one, without the credential of `place`: an error within a stream is no more to be
/// trusted than one before it. Everything is looked at, in the caller's words: no model is told a credential.
pub(super) fn withheld(answer: Answer, place: &Place, exchange: &Exchange) -> Answer {
    let credential = Arc::clone(&place.keys.now());
    let is_stream = matches!(Wire::of(answer.headers()), Some(Wire::Sse | Wire::Ndjson));
    if !is_stream || credential.is_empty() {
        return answer;
    }
    answer.map(|body| body.gated(Withhold(credential), exchange))
}

impl Guard for Withhold {
    fn frame(&mut self, frame: Bytes, _: bool) -> Step {
        if self.0.is_in(&frame) {
            return Step::End(refusal::repeated());
        }
        Step::Pass(frame)
    }
}
