use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::SystemTime;

use attach_core::destination::Candidate;
use attach_core::exchange::Route;
use attach_core::fetch::error_chain;
use attach_core::{Body, Destination, Exchange, Payload, Rejection, ResponseBody};
use attach_quota::Prices;
use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue};
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{HeaderMap, Method, Request, Response, Uri};
use hyper::body::Incoming;
use tower::Service;

use super::answer::{Answer, answer};
use super::headers::{self, Pseudonym};
use super::place::{Place, Upstreams};
use super::refusal;
use super::way::Way;
use crate::front::Caller;
use crate::telemetry::{Attempt, Telemetry, trace_id};
use crate::translate::Plan;

/// The innermost service: sends the call to the first candidate that can be reached.
#[derive(Clone)]
pub(crate) struct Dispatch {
    upstreams: Arc<Upstreams>,
    prices: Arc<Prices>,
    pseudonym: Arc<Pseudonym>,
    telemetry: Telemetry,
}

/// Why one candidate brought no answer.
enum Miss {
    /// Nothing was sent: the next candidate may be tried.
    Connect(Box<str>),
    /// Something may have been sent: nothing else is tried.
    Broke(Box<str>),
    Timeout,
}

impl Dispatch {
    pub(crate) fn new(
        upstreams: Arc<Upstreams>,
        prices: Prices,
        pseudonym: Pseudonym,
        telemetry: Telemetry,
    ) -> Self {
        Self { upstreams, prices: Arc::new(prices), pseudonym: Arc::new(pseudonym), telemetry }
    }

    async fn dispatch(self, mut request: Request<Body>) -> Answer {
        let exchange = Exchange::of_request(&mut request);
        match self.try_all(request, &exchange).await {
            Ok(answer) => answer,
            Err(rejection) => rejection.into_response(&exchange),
        }
    }

    async fn try_all(&self, request: Request<Body>, exchange: &Exchange) -> Result<Answer, Rejection> {
        let (parts, _) = request.into_parts();
        let missing = |what: &str| Rejection::misconfigured(format!("no {what} reached the dispatcher"));
        let payload = parts.extensions.get::<Payload>().ok_or_else(|| missing("payload"))?;
        let destination = parts.extensions.get::<Destination>().ok_or_else(|| missing("destination"))?;
        let caller = parts.extensions.get::<Caller>();
        let mut last = None;
        let mut attempts = 0;
        for candidate in destination.candidates() {
            let Some(place) = self.upstreams.place(&candidate.upstream) else { continue };
            if let Some(bytes) = Plan::answer_here(payload, &place.upstream) {
                return Ok(here(bytes));
            }
            let Some(plan) = Plan::new(payload, &candidate.model, &place.upstream)? else { continue };
            attempts += 1;
            let headers = self.headers(&parts.headers, place, &plan, caller, exchange);
            let mut way = self.set_out(exchange, candidate, place, attempts);
            let sent = send(place, &plan, headers, (&mut way.attempt, &parts.headers)).await;
            match way.note(sent) {
                Ok(response) => return Ok(answer(response, place, plan, way).await),
                Err(Miss::Connect(why)) => {
                    let id = exchange.id();
                    let trace_id = trace_id(exchange);
                    tracing::warn!(%id, trace_id, upstream = %candidate.upstream, %why, "cannot reach the upstream");
                    last = Some(refusal::unreachable(&why));
                }
                Err(Miss::Broke(why)) => return Err(refusal::broke().with_reason(why)),
                Err(Miss::Timeout) => return Err(refusal::timeout()),
            }
        }
        Err(last.unwrap_or_else(refusal::not_translated))
    }

    /// Puts down where the call goes now, and what it costs there.
    fn set_out(&self, exchange: &Exchange, to: &Candidate, place: &Place, attempts: u32) -> Way {
        let mut route = Route::new(Arc::clone(&to.upstream), Arc::clone(&to.model));
        route.attempts = attempts;
        route.provider = Some(place.upstream.kind.provider());
        exchange.facts(|facts| {
            let asked = facts.model.as_deref().unwrap_or_default();
            facts.costs = self.prices.costs(asked, Some(&route), SystemTime::now());
            facts.route = Some(route);
        });
        let which = (&*to.model, attempts);
        Way::begin(exchange, Attempt::begin(&self.telemetry, exchange, &place.upstream, which))
    }

    fn headers(
        &self,
        from: &HeaderMap,
        place: &Place,
        plan: &Plan,
        caller: Option<&Caller>,
        exchange: &Exchange,
    ) -> HeaderMap {
        let caller = caller.map(|caller| (caller, &*self.pseudonym));
        headers::request(from, place, plan.dialect(), caller, exchange.id())
    }
}

fn here(bytes: Bytes) -> Answer {
    let mut answer = Response::new(ResponseBody::full(bytes));
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    answer
}

async fn send(
    place: &Place,
    plan: &Plan,
    mut headers: HeaderMap,
    (attempt, from): (&mut Attempt, &HeaderMap),
) -> Result<Response<Incoming>, Miss> {
    attempt.propagate(&mut headers, &place.upstream, from);
    let uri = place.uri(plan.operation(), plan.model());
    let uri = uri.ok_or_else(|| Miss::Broke("no such operation".into()))?;
    let mut request = Request::new(plan.body());
    *request.method_mut() = Method::POST;
    *request.uri_mut() = uri;
    *request.headers_mut() = headers;
    // An answer that is not streamed begins when it is finished.
    let timeouts = &place.upstream.timeouts;
    let limit = if plan.is_streamed() { timeouts.first_byte } else { timeouts.total };
    let answer = tokio::time::timeout(limit, place.ask(request, plan.dialect()));
    match answer.await {
        Err(_) => {
            attempt.failed("timeout");
            Err(Miss::Timeout)
        }
        Ok(Ok(response)) => {
            attempt.answered(response.status());
            Ok(response)
        }
        Ok(Err(error)) if error.is_connect() => {
            attempt.failed("connect");
            Err(Miss::Connect(error_chain(&error).into()))
        }
        Ok(Err(error)) => {
            attempt.failed("broke");
            Err(Miss::Broke(error_chain(&error).into()))
        }
    }
}

/// The upstream's base with the operation's path behind it.
pub(super) fn uri(base: &Uri, path: &str) -> Result<Uri, http::Error> {
    let prefix = base.path().trim_end_matches('/');
    let path: PathAndQuery =
        if prefix.is_empty() { path.parse()? } else { format!("{prefix}{path}").parse()? };
    let scheme = base.scheme().cloned().unwrap_or(Scheme::HTTP);
    let authority = base.authority().cloned().unwrap_or_else(|| Authority::from_static("localhost"));
    Uri::builder().scheme(scheme).authority(authority).path_and_query(path).build()
}

impl Service<Request<Body>> for Dispatch {
    type Response = Answer;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Answer, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let dispatch = self.clone();
        Box::pin(async move { Ok(dispatch.dispatch(request).await) })
    }
}

impl fmt::Debug for Dispatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dispatch").field("upstreams", &self.upstreams).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_prefix_is_kept() {
        let base = "https://host.example/azure/openai".parse().unwrap();
        assert_eq!(uri(&base, "/v1/messages").unwrap(), "https://host.example/azure/openai/v1/messages");
        let base = "http://localhost:11434".parse().unwrap();
        assert_eq!(uri(&base, "/api/chat").unwrap(), "http://localhost:11434/api/chat");
    }
}
