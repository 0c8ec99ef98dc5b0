//! The end of an answer waits until its charge is as durable as the store makes it.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use attach_core::Body;
use attach_quota::store::{Charge, Flushed, MemoryStore, Reserving, Settling};
use attach_quota::{Limit, QuotaLayer, Rate, Store, Unit};
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use tokio::sync::watch;
use tower::{Layer, ServiceExt, service_fn};

use crate::support::{HELLO, SSE, chunk, json, stream, typed};

/// A store whose disk takes its time.
#[derive(Clone)]
struct Slow(Arc<Inner>);

struct Inner {
    memory: MemoryStore,
    settled: AtomicU64,
    /// What is settled of requests, and what of it is durable.
    requests: AtomicU64,
    tokens: AtomicU64,
    places: AtomicU64,
    durable: watch::Sender<u64>,
}

impl Slow {
    fn new() -> Self {
        let memory = MemoryStore::on(|| Duration::ZERO);
        let [settled, requests, tokens, places] = [0; 4].map(AtomicU64::new);
        Self(Arc::new(Inner { memory, settled, requests, tokens, places, durable: watch::Sender::new(0) }))
    }

    fn is_durable(&self) -> bool {
        *self.0.durable.borrow() >= self.0.settled.load(Ordering::SeqCst)
    }

    fn requests(&self) -> u64 {
        self.0.requests.load(Ordering::SeqCst)
    }

    fn tokens(&self) -> u64 {
        self.0.tokens.load(Ordering::SeqCst)
    }
}

impl Store for Slow {
    fn reserve<'a>(&'a self, charges: &'a mut [Charge]) -> Reserving<'a> {
        let held = charges.iter().filter(|charge| charge.limit().unit() == Unit::Concurrent).count();
        self.0.places.fetch_add(held as u64, Ordering::SeqCst);
        self.0.memory.reserve(charges)
    }

    fn settle(&self, charges: &[Charge], settling: Settling) {
        self.0.memory.settle(charges, settling);
        for charge in charges {
            let count = match charge.limit().unit() {
                Unit::Requests => &self.0.requests,
                Unit::Concurrent => {
                    let freed = charge.reserved() - charge.spent();
                    self.0.places.fetch_sub(freed, Ordering::SeqCst);
                    continue;
                }
                _ => &self.0.tokens,
            };
            if charge.used() == charge.used_before() {
                continue;
            }
            count.fetch_add(charge.used() - charge.used_before(), Ordering::SeqCst);
            let number = self.0.settled.fetch_add(1, Ordering::SeqCst) + 1;
            let inner = Arc::clone(&self.0);
            tokio::spawn(async move {
                tokio::time::sleep(Duration::from_millis(30)).await;
                inner.durable.send_if_modified(|durable| {
                    *durable = number.max(*durable);
                    true
                });
            });
        }
    }

    fn flushed(&self) -> Option<Flushed> {
        let settled = self.0.settled.load(Ordering::SeqCst);
        let mut durable = self.0.durable.subscribe();
        if *durable.borrow() >= settled {
            return None;
        }
        Some(Box::pin(async move {
            durable.wait_for(|durable| *durable >= settled).await.unwrap();
        }))
    }
}

fn requests() -> Limit {
    Limit::requests("requests", Rate::per_minute(100))
}

fn tokens() -> Limit {
    Limit::tokens("tokens", Rate::per_minute(100_000))
}

/// Makes one call; its charge has to be durable when the answer is there to its last byte.
async fn call(limits: Vec<Limit>, path: &str, answer: fn() -> Response<Body>) -> Slow {
    let store = Slow::new();
    let layer = QuotaLayer::by(limits, |_| Some("alice")).store(store.clone());
    let service =
        layer.layer(service_fn(move |_: Request<Body>| async move { Ok::<_, Infallible>(answer()) }));
    let request = Request::post(path).body(Full::new(Bytes::from(HELLO))).unwrap();
    let answer = service.oneshot(request).await.unwrap();
    if http_body::Body::is_end_stream(answer.body()) {
        // A server writes such a head and does not ask again.
        assert!(store.is_durable(), "the head of an empty answer is its end");
    }
    let mut body = answer.into_body();
    while let Some(frame) = body.frame().await {
        frame.unwrap();
        if http_body::Body::is_end_stream(&body) {
            assert!(store.is_durable(), "nothing follows this frame");
        }
    }
    assert!(store.is_durable());
    store
}

const CHAT: &str = "/v1/chat/completions";
const USAGE: &str = r#"{"choices":[],"usage":{"prompt_tokens":5,"completion_tokens":7}}"#;

#[tokio::test]
async fn a_whole_answer_ends_when_its_charge_is_durable() {
    for limits in [vec![tokens()], vec![tokens(), requests()]] {
        assert_eq!(call(limits, CHAT, || json(USAGE)).await.tokens(), 12);
    }
}

#[tokio::test]
async fn a_streamed_answer_ends_when_its_charge_is_durable() {
    let answer = || {
        let (writer, body) = stream();
        writer.send(&chunk("hello"));
        writer.send("data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n");
        writer.send("data: {\"choices\":[],\"usage\":{\"prompt_tokens\":5,\"completion_tokens\":7}}\n\n");
        writer.send("data: [DONE]\n\n");
        typed(SSE, body)
    };
    let store = call(vec![tokens(), requests()], CHAT, answer).await;
    assert_eq!((store.tokens(), store.requests()), (12, 1));
}

#[tokio::test]
async fn an_answer_that_is_only_counted_ends_when_its_charge_is_durable() {
    assert_eq!(call(vec![requests()], CHAT, || json(USAGE)).await.requests(), 1);
    let streamed = || {
        let (writer, body) = stream();
        writer.send(&chunk("hello"));
        typed(SSE, body)
    };
    assert_eq!(call(vec![requests()], CHAT, streamed).await.requests(), 1);
    assert_eq!(call(vec![requests()], "/else/where", || json("{}")).await.requests(), 1);
}

#[tokio::test]
async fn an_error_answer_ends_when_its_charge_is_durable_and_gives_its_place_back_once() {
    let answer = || Response::builder().status(500).body(Body::from(Bytes::from("{}"))).unwrap();
    let limits = vec![tokens(), requests(), Limit::concurrent("places", 8)];
    let store = call(limits, CHAT, answer).await;
    assert_eq!((store.tokens(), store.requests()), (0, 1));
    assert_eq!(store.0.places.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn an_empty_answer_begins_when_its_charge_is_durable() {
    let empty = || Response::builder().status(204).body(Body::default()).unwrap();
    assert_eq!(call(vec![requests()], "/else/where", empty).await.requests(), 1);
    assert_eq!(call(vec![tokens(), requests()], CHAT, empty).await.requests(), 1);
    let refused = || Response::builder().status(502).body(Body::default()).unwrap();
    let limits = vec![tokens(), requests(), Limit::concurrent("places", 8)];
    let store = call(limits, CHAT, refused).await;
    assert_eq!((store.tokens(), store.requests()), (0, 1));
    assert_eq!(store.0.places.load(Ordering::SeqCst), 0);
}
