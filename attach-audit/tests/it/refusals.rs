//! Who is refused before anybody knows them is counted apart.

use attach_audit::{Audit, Memory};
use attach_core::{Exchange, Rejection};
use axum::Router;
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use http::StatusCode;

use crate::support::{Wire, alice, eventually, parsed, peer, serve};

async fn refuse(mut request: Request, _: Next) -> Response {
    let exchange = Exchange::of_request(&mut request);
    Rejection::new(StatusCode::UNAUTHORIZED, "invalid_token", "no")
        .with_reason("the signature does not verify")
        .into_response::<axum::body::Body>(&exchange)
        .into_response()
}

async fn forbid(mut request: Request, _: Next) -> Response {
    let exchange = Exchange::of_request(&mut request);
    Rejection::new(StatusCode::FORBIDDEN, "model_not_available", "no")
        .into_response::<axum::body::Body>(&exchange)
        .into_response()
}

#[tokio::test]
async fn a_refusal_is_on_record_before_it_is_answered() {
    let records = Memory::manual();
    let audit = Audit::new(records.clone());
    let router = Router::new()
        .route("/v1/messages", post(async || ""))
        .layer(from_fn(refuse))
        .layer(audit.layer())
        .layer(from_fn(peer));
    let mut client = Wire::post(serve(router).await, "/v1/messages").await;
    eventually("the record is there", || records.held() == 1).await;
    assert!(client.lacks("401").await);
    records.release();
    client.until("401").await;
    let reject = &parsed(&records)[0];
    assert_eq!((&reject["kind"], &reject["end"]), (&"reject".into(), &"rejected".into()));
    assert_eq!(reject["decision"]["reason"], "invalid_token");
    assert_eq!(reject["decision"]["detail"], "the signature does not verify");
    assert_eq!((&reject["src"]["ip"], &reject["actor"]["kind"]), (&"10.0.0.9".into(), &"anonymous".into()));
    assert_eq!((&reject["route"]["path"], &reject["src"]["ua"]), (&"/v1/messages".into(), &"it".into()));
}

#[tokio::test]
async fn a_flood_of_refusals_folds_and_takes_no_place_of_the_signed_in() {
    let records = Memory::new();
    let audit = Audit::new(records.clone()).slots(1);
    let router = Router::new()
        .route("/v1/messages", post(async || ""))
        .layer(from_fn(refuse))
        .layer(audit.layer())
        .layer(from_fn(peer));
    let addr = serve(router).await;
    let floods = (0..50).map(|_| {
        tokio::spawn(async move { Wire::post(addr, "/v1/messages").await.until("401").await.len() })
    });
    for flood in floods.collect::<Vec<_>>() {
        flood.await.expect("refused");
    }
    audit.close().await;
    let records = parsed(&records);
    let counted: u64 =
        records.iter().filter(|r| r["kind"] == "reject").map(|r| r["fold"]["n"].as_u64().unwrap_or(1)).sum();
    assert_eq!(counted, 50);
    assert!(records.len() <= 8, "{} records", records.len());
}

#[tokio::test]
async fn somebody_known_who_is_refused_has_a_record_of_their_own_each_time() {
    let records = Memory::new();
    let audit = Audit::new(records.clone());
    let router = Router::new()
        .route("/v1/messages", post(async || ""))
        .layer(from_fn(forbid))
        .layer(from_fn(alice))
        .layer(audit.layer());
    let addr = serve(router).await;
    for _ in 0..3 {
        Wire::post(addr, "/v1/messages").await.until("model_not_available").await;
    }
    let records = parsed(&records);
    assert_eq!(records.len(), 3);
    assert!(records.iter().all(|r| r["kind"] == "reject" && r["actor"]["sub"] == "00u-alice"), "{records:?}");
}
