use attach_core::Exchange;
use attach_core::body::{Guard, Step};
use attach_core::usage::Wire;
use bytes::Bytes;

use super::answer::Answer;
use super::refusal;
use super::shown::Shown;

/// Ends a stream that would repeat the credential that its upstream was shown.
struct Withhold(Shown);

/// The stream in `answer`, if it is one, without the credential that was `shown`: an error within a stream is no more to
/// be trusted than one before it. Everything is looked at, in the caller's words: no model is told a credential.
pub(super) fn withheld(answer: Answer, shown: Shown, exchange: &Exchange) -> Answer {
    let is_stream = matches!(Wire::of(answer.headers()), Some(Wire::Sse | Wire::Ndjson));
    if !is_stream || shown.is_none() {
        return answer;
    }
    answer.map(|body| body.gated(Withhold(shown), exchange))
}

impl Guard for Withhold {
    fn frame(&mut self, frame: Bytes, _: bool) -> Step {
        if self.0.is_in(&frame) {
            return Step::End(refusal::repeated());
        }
        Step::Pass(frame)
    }
}
