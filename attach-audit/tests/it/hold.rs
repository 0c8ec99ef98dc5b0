//! The frame that completes an answer waits for its record, and no other does.

use attach_audit::{Audit, Memory, Mode};
use attach_core::body::metered;
use attach_core::{Api, Exchange};
use axum::Router;
use axum::extract::Request;
use axum::middleware::from_fn;
use axum::routing::any;
use bytes::Bytes;
use http::Response;

use crate::support::{Fed, Feed, Wire, alice, kinds, parsed, serve};

const CHUNK: &str = "data: {\"id\":\"1\",\"object\":\"chat.completion.chunk\",\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"hi\"}}]}\n\n";
const DONE: &str = "data: [DONE]\n\n";

/// A service that answers with `fed`, metered as a gateway does it if it is a stream.
async fn served(audit: &Audit, fed: Fed, content_type: &'static str) -> std::net::SocketAddr {
    let fed = std::sync::Arc::new(std::sync::Mutex::new(Some(fed)));
    let handler = move |mut request: Request| {
        let fed = fed.lock().expect("unpoisoned").take().expect("one request");
        let exchange = Exchange::of_request(&mut request);
        let mut response = Response::new(fed);
        response.headers_mut().insert("content-type", http::HeaderValue::from_static(content_type));
        let response = metered(response, Api::OpenAiChat, &exchange).map(axum::body::Body::new);
        async move { response }
    };
    let router = Router::new()
        .route("/v1/chat/completions", any(handler))
        .layer(audit.intent_layer())
        .layer(from_fn(alice))
        .layer(audit.layer());
    serve(router).await
}

fn feed(feed: &Feed, text: &str) {
    feed.send(Ok(Bytes::copy_from_slice(text.as_bytes()))).expect("somebody reads");
}

#[tokio::test]
async fn only_the_completing_event_of_a_stream_waits() {
    let records = Memory::manual();
    let audit = Audit::new(records.clone());
    let (source, fed) = Fed::new(None);
    let addr = served(&audit, fed, "text/event-stream").await;

    let mut client = Wire::post(addr, "/v1/chat/completions").await;
    crate::support::eventually("the intent is there", || records.held() == 1).await;
    assert!(client.lacks("HTTP/1.1").await, "nothing is answered before the intent is durable");
    records.release();

    feed(&source, CHUNK);
    client.until("\"hi\"").await;
    feed(&source, DONE);
    assert!(client.lacks("[DONE]").await, "the completing event went before its record");
    assert_eq!(kinds(&parsed(&records)), ["intent", "outcome"]);
    assert_eq!(parsed(&records)[1]["end"], "complete");
    records.release();
    client.until("[DONE]").await;
}

#[tokio::test]
async fn the_frame_that_reaches_the_content_length_waits() {
    let records = Memory::manual();
    let audit = Audit::new(records.clone()).mode(Mode::Single);
    let (source, fed) = Fed::new(Some(10));
    let addr = served(&audit, fed, "application/octet-stream").await;

    let mut client = Wire::post(addr, "/v1/chat/completions").await;
    feed(&source, "01234");
    client.until("01234").await;
    feed(&source, "56789");
    assert!(client.lacks("56789").await);
    assert_eq!(kinds(&parsed(&records)), ["outcome"]);
    assert_eq!(parsed(&records)[0]["mode"], "single");
    records.release();
    client.until("56789").await;
}

#[tokio::test]
async fn an_answer_whose_record_fails_does_not_complete() {
    let records = Memory::manual();
    let audit = Audit::new(records.clone()).mode(Mode::Single);
    let (source, fed) = Fed::new(None);
    let addr = served(&audit, fed, "text/event-stream").await;

    let mut client = Wire::post(addr, "/v1/chat/completions").await;
    feed(&source, CHUNK);
    client.until("\"hi\"").await;
    feed(&source, DONE);
    crate::support::eventually("the outcome is there", || records.held() == 1).await;
    records.fail();
    let seen = client.until("audit_unavailable").await;
    assert!(seen.contains("audit_unavailable"), "{seen}");
}

#[tokio::test]
async fn an_empty_answer_waits_as_a_whole() {
    let records = Memory::manual();
    let audit = Audit::new(records.clone()).mode(Mode::Single);
    let router =
        Router::new().route("/empty", any(async || http::StatusCode::NO_CONTENT)).layer(audit.layer());
    let addr = serve(router).await;

    let mut client = Wire::send(addr, "GET /empty HTTP/1.1\r\nhost: t\r\n\r\n").await;
    assert!(client.lacks("204").await);
    records.release();
    client.until("204").await;
}

#[tokio::test]
async fn a_head_request_is_complete_though_its_body_is_never_read() {
    let records = Memory::new();
    let audit = Audit::new(records.clone()).mode(Mode::Single);
    let router = Router::new().route("/", any(async || "hello")).layer(audit.layer());
    let addr = serve(router).await;

    Wire::send(addr, "HEAD / HTTP/1.1\r\nhost: t\r\n\r\n").await.until("200").await;
    assert_eq!(parsed(&records)[0]["end"], "complete");
}

#[tokio::test]
async fn in_relaxed_mode_nothing_waits() {
    let records = Memory::manual();
    let audit = Audit::new(records.clone()).mode(Mode::Relaxed);
    let (source, fed) = Fed::new(None);
    let addr = served(&audit, fed, "text/event-stream").await;

    let mut client = Wire::post(addr, "/v1/chat/completions").await;
    feed(&source, CHUNK);
    feed(&source, DONE);
    client.until("[DONE]").await;
    assert_eq!(records.held(), 2);
    assert_eq!(parsed(&records)[1]["mode"], "relaxed");
}
