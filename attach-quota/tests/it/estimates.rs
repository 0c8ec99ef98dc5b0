//! What is set aside for a call, learned from what calls used.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use attach_core::{Body, Identity};
use attach_quota::store::{Charge, Denied, Reserving, Settling, Standing};
use attach_quota::{Limit, QuotaLayer, Rate, Store};
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use tower::{Layer, ServiceExt, service_fn};

use crate::support::{HELLO, INPUT, RESERVED, json, typed};

const CHAT: &str = "/v1/chat/completions";
const MANY: u64 = 1_000_000;

/// Gives everything, and remembers what was reserved.
#[derive(Clone, Default)]
struct Reservations(Arc<Mutex<Vec<u64>>>);

impl Reservations {
    fn last(&self) -> u64 {
        *self.0.lock().unwrap().last().unwrap()
    }
}

impl Store for Reservations {
    fn reserve<'a>(&'a self, charges: &'a mut [Charge]) -> Reserving<'a> {
        for charge in charges.iter_mut() {
            charge.stands(Standing::new(MANY, Duration::ZERO));
            self.0.lock().unwrap().push(charge.reserved());
        }
        Reserving::ready(Ok::<(), Denied>(()))
    }

    fn settle(&self, _: &[Charge], _: Settling) {}
}

/// Sends `times` calls and tells what was reserved for the last.
async fn reserved<F>(layer: QuotaLayer, reservations: &Reservations, times: usize, answer: F) -> u64
where
    F: Fn() -> Response<Body> + Clone + Send + 'static,
{
    let service = layer.layer(service_fn(move |_: Request<Body>| {
        let answer = answer();
        async { Ok::<_, Infallible>(answer) }
    }));
    for _ in 0..times {
        let request = Request::post(CHAT).extension(Identity::person("acme", "alice"));
        let request = request.body(Full::<bytes::Bytes>::from(HELLO)).unwrap();
        let answer = service.clone().oneshot(request).await.unwrap();
        answer.into_body().collect().await.map_err(|_| "a broken body").unwrap();
    }
    reservations.last()
}

fn layer(reservations: &Reservations) -> QuotaLayer {
    QuotaLayer::new(vec![Limit::tokens("tokens", Rate::per_minute(MANY))]).store(reservations.clone())
}

fn using(output: u64) -> impl Fn() -> Response<Body> + Clone + Send + 'static {
    let usage = format!(r#"{{"choices":[],"usage":{{"prompt_tokens":9,"completion_tokens":{output}}}}}"#);
    let usage: &'static str = usage.leak();
    move || json(usage)
}

#[tokio::test]
async fn what_answers_of_a_model_use_is_what_is_set_aside_for_the_next() {
    for (used, expected) in [(1000, 950..=1000), (20, 20..=30)] {
        let reservations = Reservations::default();
        let last = reserved(layer(&reservations), &reservations, 60, using(used)).await - INPUT;
        assert!(expected.contains(&last), "{used}: {last}");
        assert_eq!(reservations.0.lock().unwrap()[0], RESERVED);
    }
}

#[tokio::test]
async fn answers_that_fail_or_report_nothing_teach_nothing() {
    let silent = || json(r#"{"choices":[{"message":{"content":"hello"}}]}"#);
    let failed = || {
        let mut answer = using(1000)();
        *answer.status_mut() = StatusCode::BAD_GATEWAY;
        answer
    };
    let broken = || typed("text/event-stream", Body::from(bytes::Bytes::from(BROKEN)));
    const BROKEN: &str =
        "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":1000}}\n\n";
    let reservations = Reservations::default();
    assert_eq!(reserved(layer(&reservations), &reservations, 20, silent).await, RESERVED);
    assert_eq!(reserved(layer(&reservations), &reservations, 20, failed).await, RESERVED);
    assert_eq!(reserved(layer(&reservations), &reservations, 20, broken).await, RESERVED);
}

#[tokio::test]
async fn a_tokenizer_counts_what_callers_send() {
    let words = |model: &str, text: &str| (model == "m").then(|| text.split_whitespace().count() as u64);
    let reservations = Reservations::default();
    let layer = layer(&reservations).tokenizer(words);
    // "hello there friends!", and four for the message.
    assert_eq!(reserved(layer, &reservations, 1, using(9)).await, 3 + 4 + 256);
}
