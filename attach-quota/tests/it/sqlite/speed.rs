//! What the disk costs. Prints, and judges nothing:
//! `cargo test --release -p attach-quota --features sqlite --test it -- --ignored sqlite::speed --nocapture`

use std::convert::Infallible;
use std::time::{Duration, Instant};

use attach_core::Body;
use attach_quota::store::MemoryStore;
use attach_quota::{Budget, Limit, Period, QuotaLayer, Store};
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use tower::{Layer, ServiceExt, service_fn};

use super::support::{Directory, NOW, open};
use crate::support::{HELLO, json};

const FOR: Duration = Duration::from_secs(5);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a measurement"]
async fn calls_under_two_budgets() {
    let directory = Directory::new();
    let disk = open(directory.path()).await.unwrap();
    for at_a_time in [1, 64] {
        measure("memory", MemoryStore::on(|| NOW), at_a_time).await;
        measure("sqlite", disk.clone(), at_a_time).await;
    }
}

async fn measure(name: &str, store: impl Store, at_a_time: usize) {
    let limits = vec![
        Limit::tokens("tokens", Budget::new(u64::MAX / 4, Period::Month)),
        Limit::requests("requests", Budget::new(u64::MAX / 4, Period::Month)),
    ];
    let caller =
        |parts: &http::request::Parts| Some(parts.headers.get("x-caller")?.to_str().ok()?.to_owned());
    let layer = QuotaLayer::by(limits, caller).store(store);
    let (begun, mut tasks) = (Instant::now(), Vec::new());
    for caller in 0..at_a_time {
        let layer = layer.clone();
        tasks.push(tokio::spawn(async move { call_for_a_while(&layer, caller, begun).await }));
    }
    let mut times = Vec::new();
    for task in tasks {
        times.extend(task.await.unwrap());
    }
    times.sort_unstable();
    let per_second = times.len() as u64 / begun.elapsed().as_secs().max(1);
    let at = |share: usize| times[(times.len() - 1) * share / 100];
    println!("{name}, {at_a_time} at a time: {per_second}/s, median {:?}, p99 {:?}", at(50), at(99));
}

/// How long each call took, to the end of its answer.
async fn call_for_a_while(layer: &QuotaLayer, caller: usize, begun: Instant) -> Vec<Duration> {
    const ANSWER: &str = r#"{"choices":[],"usage":{"prompt_tokens":5,"completion_tokens":7}}"#;
    let service =
        layer.layer(service_fn(|_: Request<Body>| async { Ok::<Response<Body>, Infallible>(json(ANSWER)) }));
    let mut times = Vec::new();
    while begun.elapsed() < FOR {
        let request = Request::post("/v1/chat/completions")
            .header("x-caller", caller)
            .body(Full::new(Bytes::from(HELLO)))
            .unwrap();
        let start = Instant::now();
        let answer = service.clone().oneshot(request).await.unwrap();
        answer.into_body().collect().await.unwrap();
        times.push(start.elapsed());
    }
    times
}
