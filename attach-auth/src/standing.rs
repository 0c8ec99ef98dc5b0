use std::sync::Arc;
use std::time::Duration;

use attach_core::body::metered;
use attach_core::usage::Wire;
use attach_core::{BoxError, Exchange, Identity, Outcome, Rejection, ResponseBody};
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, Response};
use http_body::Body;

use crate::challenge::Challenge;
use crate::clock::{Clock, SystemClock};
use crate::deadlines::{Deadline, Deadlines};
use crate::watch::Watch;
use crate::{Denial, Revocations};

/// Whether callers may go on after they were let in.
#[derive(Debug, Clone)]
pub(crate) struct Standing {
    pub(crate) revocations: Option<Revocations>,
    /// How long an answer may outlive the token it was asked for with.
    pub(crate) past_exp: Duration,
    pub(crate) clock: Arc<dyn Clock>,
    deadlines: Deadlines,
}

impl Default for Standing {
    fn default() -> Self {
        Self {
            revocations: None,
            past_exp: Duration::from_secs(5 * 60),
            clock: Arc::new(SystemClock::default()),
            deadlines: Deadlines::default(),
        }
    }
}

impl Standing {
    /// Whether a caller whose credential is good may come in.
    pub(crate) fn check(&self, identity: &Identity) -> Result<(), Denial> {
        self.revocations.as_ref().map_or(Ok(()), |revocations| revocations.check(identity))
    }

    /// Goes on with the answers that run under `before`: one sweep is for all.
    pub(crate) fn succeed(&mut self, before: &Self) {
        self.deadlines = before.deadlines.clone();
        self.clock = Arc::clone(&before.clock);
    }

    /// Wakes answers that have outlived their token for too long.
    pub(crate) fn sweep(&self) {
        self.deadlines.sweep(self.clock.elapsed());
    }

    /// The answer to `identity`, which ends early if the caller loses the right to it; only one that runs on is ever
    /// cut, a unary one goes whole or not at all.
    pub(crate) fn hold<R>(
        &self,
        response: Response<R>,
        identity: Arc<Identity>,
        exchange: &Exchange,
        challenge: &Arc<Challenge>,
    ) -> Response<ResponseBody<R>>
    where
        R: Body<Data = Bytes>,
        R::Error: Into<BoxError>,
    {
        if self.revocations.as_ref().is_some_and(|revocations| revocations.refuses(&identity)) {
            return ended("revoked", challenge).into_response(exchange);
        }
        if !runs_on(&response) {
            return response.map(ResponseBody::inner);
        }
        let deadline = self.deadline(&identity);
        if self.revocations.is_none() && deadline.is_none() {
            return response.map(ResponseBody::inner);
        }
        let watch = Watch::new(self, identity, deadline, exchange.clone(), Arc::clone(challenge));
        // Where nobody further in has re-framed the answer, an event of ours could land in the middle of another.
        let response = match exchange.api().filter(|_| Wire::of(response.headers()).is_some()) {
            Some(api) => metered(response, api, exchange),
            None => response.map(ResponseBody::inner),
        };
        response.map(|body| body.gated(watch, exchange))
    }

    fn deadline(&self, identity: &Identity) -> Option<Deadline> {
        let actor = identity.actor.as_deref().and_then(|actor| actor.expires_at);
        let expires_at = identity.expires_at.into_iter().chain(actor).min()?;
        let left = expires_at.checked_add(self.past_exp)?.duration_since(self.clock.now());
        let at = self.clock.elapsed().checked_add(left.unwrap_or_default())?;
        Some(self.deadlines.add(at))
    }
}

/// What the client is told when an answer is ended.
pub(crate) fn ended(code: &'static str, challenge: &Challenge) -> Rejection {
    Denial::invalid_token(code).into_rejection(challenge).with_outcome(Outcome::Revoked)
}

/// Whether the answer is one that may run for long: a stream of events, or whatever is not JSON and has no length.
fn runs_on<R: Body>(response: &Response<R>) -> bool {
    if matches!(Wire::of(response.headers()), Some(Wire::Sse | Wire::Ndjson)) {
        return !response.body().is_end_stream();
    }
    !is_json(response.headers()) && response.body().size_hint().exact().is_none()
}

/// Also where a content encoding hides it.
fn is_json(headers: &HeaderMap) -> bool {
    let essence =
        headers.get(CONTENT_TYPE).and_then(|value| value.as_bytes().split(|byte| *byte == b';').next());
    essence.is_some_and(|essence| essence.trim_ascii().eq_ignore_ascii_case(b"application/json"))
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::task::Poll;

    use super::*;

    #[tokio::test]
    async fn the_sweep_of_a_successor_ends_what_runs_under_the_one_before() {
        let before = Standing::default();
        let mut deadline = before.deadlines.add(before.clock.elapsed() + Duration::from_millis(1));
        let mut after = Standing::default();
        after.succeed(&before);
        let over = poll_fn(|cx| {
            after.sweep();
            // As its waker would: the time that is passed in says nothing.
            cx.waker().wake_by_ref();
            match deadline.poll(Duration::ZERO, cx) {
                Poll::Ready(()) => Poll::Ready(()),
                Poll::Pending => Poll::Pending,
            }
        });
        tokio::time::timeout(Duration::from_secs(60), over).await.expect("it is woken");
    }
}
