//! An answer that is read on after its client has left.

use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use attach_core::exchange::Rest;
use attach_core::{Body, Exchange, Outcome};
use attach_quota::{Limit, Rate, Unit};
use bytes::Bytes;
use http::Request;
use http_body::Frame;
use http_body_util::BodyExt;

use crate::support::*;

const CHAT: &str = "/v1/chat/completions";
const REPORT: &str =
    "data: {\"id\":\"c\",\"choices\":[],\"usage\":{\"prompt_tokens\":30,\"completion_tokens\":700}}\n\n";

type Left = Arc<Mutex<Option<Rest>>>;

/// An upstream's body that hands what is needed to read on to the test.
struct Upstream {
    body: Body,
    exchange: Exchange,
    left: Left,
}

impl http_body::Body for Upstream {
    type Data = Bytes;
    type Error = attach_core::BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx).map_err(Into::into)
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        *self.left.lock().unwrap() = self.exchange.take_rest();
    }
}

/// A server whose client left after two tokens, and what is left of the answer.
async fn abandoned(wanted: bool) -> (Server, Left, Exchange) {
    let (left, seen) = (Left::default(), Arc::new(Mutex::new(None)));
    let (leaving, witness) = (Arc::clone(&left), Arc::clone(&seen));
    let mut limits = per_minute(60_000);
    limits.push(Limit::concurrent("places", 1));
    limits.push(Limit::output_tokens("output", Rate::per_minute(60_000)));
    let server = serve(limits, move |mut request: Request<Body>| {
        let exchange = Exchange::of_request(&mut request);
        if wanted {
            exchange.read_on();
        }
        *witness.lock().unwrap() = Some(exchange.clone());
        let (stream, body) = stream();
        stream.send(&(chunk("one") + &chunk("two")));
        let left = Arc::clone(&leaving);
        async move {
            tokio::spawn(async move {
                tokio::time::sleep(Duration::from_secs(60)).await;
                drop(stream);
            });
            typed(SSE, Body::new(Upstream { body, exchange, left }))
        }
    })
    .await;
    let mut answer = server.post(CHAT, HELLO).await;
    answer.body_mut().frame().await.unwrap().unwrap();
    drop(answer);
    server.ledger.until_tokens(INPUT + 2).await;
    let exchange = seen.lock().unwrap().clone().unwrap();
    (server, left, exchange)
}

#[tokio::test]
async fn what_is_reported_after_the_client_has_left_is_charged_once() {
    let (server, left, exchange) = abandoned(true).await;
    assert_eq!(exchange.outcome(), Some(Outcome::Disconnected));
    assert_eq!(server.ledger.charged("alice", Unit::Concurrent), 0, "the place is free at once");
    let mut rest = left.lock().unwrap().take().expect("is read on");
    rest.push(Bytes::from(chunk("three") + REPORT)).unwrap();
    assert_eq!(server.tokens(), INPUT + 2, "until it is over");
    drop(rest);
    assert_eq!(server.tokens(), 730);
    assert_eq!(server.ledger.charged("alice", Unit::OutputTokens), 700);
    assert_eq!((server.requests(), server.ledger.charged("alice", Unit::Concurrent)), (1, 0));
    assert_eq!(exchange.outcome(), Some(Outcome::Disconnected));
}

#[tokio::test]
async fn without_a_report_the_charge_stays_as_it_was() {
    let (server, left, _) = abandoned(true).await;
    let mut rest = left.lock().unwrap().take().expect("is read on");
    rest.push(Bytes::from(chunk("three"))).unwrap();
    drop(rest);
    assert_eq!((server.tokens(), server.requests()), (INPUT + 2, 1));
    assert_eq!(server.ledger.charged("alice", Unit::Concurrent), 0);
}

#[tokio::test]
async fn nobody_reads_on_unless_it_is_wanted() {
    let (server, left, exchange) = abandoned(false).await;
    assert!(left.lock().unwrap().is_none() && !exchange.is_read_on());
    assert_eq!(server.requests(), 1);
}

#[tokio::test]
async fn an_answer_that_is_over_leaves_nothing() {
    let left = Left::default();
    let leaving = Arc::clone(&left);
    let server = serve(per_minute(60_000), move |mut request: Request<Body>| {
        let exchange = Exchange::of_request(&mut request);
        exchange.read_on();
        let body = Body::from(Bytes::from(chunk("one") + REPORT + "data: [DONE]\n\n"));
        let left = Arc::clone(&leaving);
        async move { typed(SSE, Body::new(Upstream { body, exchange, left })) }
    })
    .await;
    assert_eq!(server.status(CHAT, HELLO).await, 200);
    server.ledger.until_tokens(730).await;
    assert!(left.lock().unwrap().is_none());
}
