use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::SystemTime;

use attach_core::destination::Candidate;
use attach_core::exchange::Route;
use attach_core::{Body, Destination, Exchange, Payload, Rejection, ResponseBody};
use attach_quota::Prices;
use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue};
use http::request::Parts;
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{HeaderMap, Request, Response, Uri};
use tower::Service;

use super::answer::{Answer, answer};
use super::attempt::{Miss, Standing, send};
use super::failover::Failover;
use super::headers::{self, Pseudonym};
use super::health::Admitted;
use super::place::{Place, Upstreams};
use super::queue::{Chosen, Queue};
use super::refusal;
use super::way::Way;
use crate::front::Caller;
use crate::resolve::Adjustments;
use crate::telemetry::{Attempt, Telemetry, trace_id};
use crate::translate::Plan;

/// The record's field with the parameters that were not as the caller said.
const OVERRIDDEN: &str = "parameters_overridden";

/// The innermost service: sends the call to the first candidate that answers it.
#[derive(Clone)]
pub(crate) struct Dispatch(Arc<Ways>);

/// What every request is sent with.
struct Ways {
    upstreams: Arc<Upstreams>,
    prices: Prices,
    pseudonym: Pseudonym,
    telemetry: Telemetry,
}

impl Dispatch {
    pub(crate) fn new(
        upstreams: Arc<Upstreams>,
        prices: Prices,
        pseudonym: Pseudonym,
        telemetry: Telemetry,
    ) -> Self {
        Self(Arc::new(Ways { upstreams, prices, pseudonym, telemetry }))
    }
}

impl Ways {
    async fn try_all(&self, parts: &Parts, exchange: &Exchange) -> Result<Answer, Rejection> {
        let missing = |what: &str| Rejection::misconfigured(format!("no {what} reached the dispatcher"));
        let payload = parts.extensions.get::<Payload>().ok_or_else(|| missing("payload"))?;
        let destination = parts.extensions.get::<Destination>().ok_or_else(|| missing("destination"))?;
        let caller = parts.extensions.get::<Caller>();
        let called = (payload, parts.extensions.get::<Adjustments>());
        let queue = Queue::new(&self.upstreams, &self.telemetry, destination, called);
        if let Some(bytes) = queue.first().and_then(|place| Plan::answer_here(payload, &place.upstream)) {
            return Ok(here(bytes));
        }
        let mut failover = Failover::new(queue, payload, &self.telemetry);
        let mut chosen = failover.first()?;
        let mut attempts = 0;
        loop {
            attempts += 1;
            let Chosen { candidate, place, plan, overridden, admitted: Admitted { ticket, slot } } = chosen;
            if attempts > 1 || !overridden.is_empty() {
                record(&overridden, exchange);
            }
            let headers = self.headers(&parts.headers, place, &plan, caller, exchange);
            let mut way = self.set_out(exchange, candidate, place, attempts).hold(slot);
            let sent = send(place, &plan, headers, (&mut way.attempt, &parts.headers)).await;
            let next = match way.note(sent) {
                Ok(response) => {
                    let standing = Standing::of(response.status());
                    ticket.settle(standing == Standing::Well, exchange.id());
                    place.note(&candidate.model, standing, response.headers());
                    match failover.after_answer(standing, place, response.headers()) {
                        Some(next) => next,
                        None => return Ok(answer(response, place, plan, way).await),
                    }
                }
                Err(miss) => {
                    ticket.settle(false, exchange.id());
                    self.missed(miss, &candidate.upstream, &mut failover, exchange)?
                }
            };
            chosen = next;
        }
    }

    /// Who is asked next where there was no answer.
    fn missed<'a>(
        &self,
        miss: Miss,
        upstream: &str,
        failover: &mut Failover<'a>,
        exchange: &Exchange,
    ) -> Result<Chosen<'a>, Rejection> {
        match miss {
            Miss::Connect(why) => {
                let (id, trace_id) = (exchange.id(), trace_id(exchange));
                tracing::warn!(%id, trace_id, %upstream, %why, "cannot reach the upstream");
                failover.after_silence().ok_or_else(|| failover.unreachable(&why))
            }
            Miss::Broke(why) => Err(refusal::broke().with_reason(why)),
            Miss::Timeout => Err(refusal::timeout()),
        }
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
        let caller = caller.map(|caller| (caller, &self.pseudonym));
        headers::request(from, place, plan.dialect(), caller, exchange.id())
    }
}

/// What the caller said and the operator overrode stands in the record.
fn record(overridden: &[&'static str], exchange: &Exchange) {
    exchange.facts(|facts| {
        facts.custom.retain(|(name, _)| *name != OVERRIDDEN);
        if !overridden.is_empty() {
            facts.custom.push((OVERRIDDEN, overridden.join(",").into()));
        }
    });
}

fn here(bytes: Bytes) -> Answer {
    let mut answer = Response::new(ResponseBody::full(bytes));
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    answer
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
        let (ways, (mut parts, _)) = (Arc::clone(&self.0), request.into_parts());
        let exchange = Exchange::of(&mut parts);
        Box::pin(async move {
            let answer = ways.try_all(&parts, &exchange).await;
            Ok(answer.unwrap_or_else(|rejection| rejection.into_response(&exchange)))
        })
    }
}

impl fmt::Debug for Dispatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dispatch").field("upstreams", &self.0.upstreams).finish_non_exhaustive()
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
