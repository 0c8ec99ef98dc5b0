//! What the property suite found, each in its shortest form.

use std::convert::Infallible;

use attach_core::identity::Group;
use attach_core::{Body, Identity};
use attach_quota::{Limit, QuotaLayer, Rate, Scope, Unit};
use http::{Request, Response};
use tower::{Layer, ServiceExt, service_fn};

use crate::support::{HELLO, json, per_minute, serve};

const CHAT: &str = "/v1/chat/completions";

#[tokio::test]
async fn an_error_of_the_upstream_costs_no_tokens_and_no_place_where_places_are_counted_as_well() {
    let mut limits = per_minute(60_000);
    limits.push(Limit::concurrent("one-at-a-time", 1));
    let server = serve(limits, |_| async {
        let mut answer = json("{\"error\":{}}");
        *answer.status_mut() = http::StatusCode::BAD_GATEWAY;
        answer
    })
    .await;
    for _ in 0..3 {
        assert_eq!(server.status(CHAT, HELLO).await, 502);
    }
    server.ledger.until_tokens(0).await;
    assert_eq!(server.ledger.charged("alice", Unit::Concurrent), 0);
    assert_eq!(server.requests(), 3);
}

#[tokio::test]
async fn a_small_burst_makes_no_groups_allowance_the_smaller_one() {
    let allowance = |id: &'static str, rate| {
        Limit::tokens(id, Rate::per_minute(rate)).each(Scope::GroupMember).groups([Group::new("acme", id)])
    };
    let limits = vec![allowance("eng", 60_000).burst(10_000), allowance("staff", 20_000)];
    let answer = |_: Request<Body>| async { Ok::<Response<Body>, Infallible>(json("{}")) };
    let mut alice = Identity::person("acme", "alice");
    alice.groups.extend(["eng", "staff"].map(|name| Group::new("acme", name)));
    let call = Request::post(CHAT).extension(alice).body(Body::from(bytes::Bytes::from(HELLO))).unwrap();
    let answer = QuotaLayer::new(limits).layer(service_fn(answer)).oneshot(call).await.unwrap();
    let policy = answer.headers()["ratelimit-policy"].to_str().unwrap();
    assert!(policy.starts_with("\"eng\"") && !policy.contains("staff"), "{policy}");
}
