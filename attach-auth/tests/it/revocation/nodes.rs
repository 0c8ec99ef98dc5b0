//! Facts on many nodes.

use std::time::{Duration, Instant};

use attach_auth::revocation::Effect;
use attach_auth::state::Redis;
use axum::body::Body;
use http::Request;
use tower::ServiceExt;

use super::{Facts, user};
use crate::support::RedisServer;

async fn status(facts: &Facts, name: &str) -> u16 {
    let request = Request::get("/v1/models").header("authorization", format!("Bearer {name}"));
    let router = axum::Router::new().fallback(|| async { "hello" }).layer(facts.layer());
    let response = router.oneshot(request.body(Body::empty()).expect("a request")).await;
    response.expect("infallible").status().as_u16()
}

#[tokio::test]
async fn who_is_revoked_on_one_node_is_refused_by_the_other_within_a_second() {
    let Some(server) = RedisServer::start(&[]).await else { return };
    let backend = || Redis::new(&server.url(), "acme").expect("a URL");
    let (one, other) = (Facts::of(backend()).await, Facts::of(backend()).await);
    let mut times = Vec::new();
    for number in 0..100 {
        let name = format!("user{number}");
        assert_eq!(status(&other, &name).await, 200);
        one.record(user(&name), Effect::Disabled).await;
        let start = Instant::now();
        while status(&other, &name).await != 401 {
            tokio::task::yield_now().await;
        }
        times.push(start.elapsed());
        assert_eq!(status(&one, &name).await, 401);
    }
    times.sort();
    println!("acknowledged to first 401 elsewhere: p50 {:?}, p99 {:?}", times[50], times[98]);
    assert!(times[99] < Duration::from_secs(1));
}

#[tokio::test]
async fn an_emptied_store_lets_no_revoked_caller_in() {
    let Some(server) = RedisServer::start(&[]).await else { return };
    let backend = || Redis::new(&server.url(), "acme").expect("a URL");
    let nodes = [Facts::of(backend()).await, Facts::of(backend()).await];
    nodes[0].record(user("alice"), Effect::Disabled).await;
    while status(&nodes[1], "alice").await != 401 {
        tokio::task::yield_now().await;
    }
    server.command(&["FLUSHALL"]).await;
    let start = Instant::now();
    while start.elapsed() < Duration::from_millis(1500) {
        for node in &nodes {
            assert_eq!(status(node, "alice").await, 401);
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    for node in &nodes {
        assert_eq!(status(node, "bob").await, 503);
    }
}
