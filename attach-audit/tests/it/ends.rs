//! Every way a request can end is on record: exactly once, and as what it was.

use std::sync::{Arc, Mutex};

use attach_audit::{Audit, Memory, Mode};
use axum::Router;
use axum::middleware::from_fn;
use axum::routing::post;
use bytes::Bytes;

use crate::support::{Fed, Wire, alice, eventually, parsed, serve};

/// A service whose handler is `handler`, with both layers and a caller.
async fn served(audit: &Audit, route: axum::routing::MethodRouter) -> std::net::SocketAddr {
    let router = Router::new()
        .route("/v1/chat/completions", route)
        .layer(audit.intent_layer())
        .layer(from_fn(alice))
        .layer(audit.layer());
    serve(router).await
}

fn body(fed: Fed) -> axum::routing::MethodRouter {
    let fed = Arc::new(Mutex::new(Some(fed)));
    post(async move || {
        let fed = fed.lock().expect("unpoisoned").take().expect("one request");
        axum::body::Body::new(fed)
    })
}

#[tokio::test]
async fn a_client_that_leaves_midstream_is_on_record_while_the_upstream_idles() {
    let records = Memory::new();
    let (source, fed) = Fed::new(None);
    let (notice, dropped) = tokio::sync::oneshot::channel();
    let addr = served(&Audit::new(records.clone()), body(fed.noticing(notice))).await;
    let mut client = Wire::post(addr, "/v1/chat/completions").await;
    source.send(Ok(Bytes::from_static(b"first"))).expect("read");
    client.until("first").await;
    drop(client);
    dropped.await.expect("the body is dropped");
    eventually("the outcome is there", || records.lines().len() == 2).await;
    let outcome = &parsed(&records)[1];
    assert_eq!((&outcome["kind"], &outcome["end"]), (&"outcome".into(), &"client_abort".into()));
    assert_eq!(outcome["decision"]["http_status"], 200);
}

#[tokio::test]
async fn a_client_that_leaves_before_the_headers_is_on_record() {
    let records = Memory::new();
    let addr = served(&Audit::new(records.clone()), post(async || std::future::pending::<()>().await)).await;
    let client = Wire::post(addr, "/v1/chat/completions").await;
    eventually("the intent is there", || records.lines().len() == 1).await;
    drop(client);
    eventually("the outcome is there", || records.lines().len() == 2).await;
    assert_eq!(parsed(&records)[1]["end"], "client_abort");
}

#[tokio::test]
async fn a_client_that_leaves_while_the_intent_is_on_its_way_is_on_record() {
    let records = Memory::manual();
    let addr = served(&Audit::new(records.clone()), post(async || "never")).await;
    let client = Wire::post(addr, "/v1/chat/completions").await;
    eventually("the intent is there", || records.held() == 1).await;
    drop(client);
    eventually("the outcome is there", || records.lines().len() == 2).await;
    assert_eq!(parsed(&records)[1]["end"], "client_abort");
}

#[tokio::test]
async fn a_panic_of_the_handler_is_an_answer_and_a_record() {
    let records = Memory::new();
    async fn handler() -> &'static str {
        panic!("on purpose")
    }
    let addr = served(&Audit::new(records.clone()), post(handler)).await;
    let answer = Wire::post(addr, "/v1/chat/completions").await.until("internal_error").await.to_owned();
    assert!(answer.starts_with("HTTP/1.1 500"), "{answer}");
    assert!(answer.contains("\"type\":\"server_error\""), "in the caller's dialect: {answer}");
    let outcome = &parsed(&records)[1];
    assert_eq!((&outcome["end"], &outcome["decision"]["result"]), (&"gateway_error".into(), &"error".into()));
    assert_eq!(outcome["decision"]["http_status"], 500);
}

#[tokio::test]
async fn a_panic_of_the_body_ends_the_stream_in_the_dialect() {
    struct Panics(bool);
    impl http_body::Body for Panics {
        type Data = Bytes;
        type Error = std::convert::Infallible;
        fn poll_frame(
            mut self: std::pin::Pin<&mut Self>,
            _: &mut std::task::Context<'_>,
        ) -> std::task::Poll<Option<Result<http_body::Frame<Bytes>, Self::Error>>> {
            assert!(!std::mem::replace(&mut self.0, true), "on purpose");
            std::task::Poll::Ready(Some(Ok(http_body::Frame::data(Bytes::from_static(b"data: first\n\n")))))
        }
    }
    let records = Memory::new();
    let stream = async |mut request: axum::extract::Request| {
        let exchange = attach_core::Exchange::of_request(&mut request);
        let mut response = http::Response::new(Panics(false));
        response.headers_mut().insert("content-type", http::HeaderValue::from_static("text/event-stream"));
        let metered = attach_core::body::metered(response, attach_core::Api::OpenAiChat, &exchange);
        metered.map(axum::body::Body::new)
    };
    let addr = served(&Audit::new(records.clone()), post(stream)).await;
    let mut client = Wire::post(addr, "/v1/chat/completions").await;
    client.until("first").await;
    let answer = client.until("[DONE]").await;
    assert!(answer.contains("internal_error"), "{answer}");
    assert_eq!(parsed(&records)[1]["end"], "gateway_error");
}

#[tokio::test]
async fn a_body_that_breaks_is_on_record_as_an_upstream_error() {
    let records = Memory::new();
    let (source, fed) = Fed::new(None);
    let addr = served(&Audit::new(records.clone()), body(fed)).await;
    let mut client = Wire::post(addr, "/v1/chat/completions").await;
    source.send(Ok(Bytes::from_static(b"first"))).expect("read");
    client.until("first").await;
    source.send(Err("reset".into())).expect("read");
    client.rest().await;
    assert_eq!(parsed(&records)[1]["end"], "upstream_error");
}

#[tokio::test]
async fn a_service_error_is_passed_on_and_on_record() {
    use tower::ServiceExt;
    let records = Memory::new();
    let audit = Audit::new(records.clone()).mode(Mode::Single);
    let service = tower_layer::Layer::layer(
        &audit.layer(),
        tower::service_fn(async |_: http::Request<()>| Err::<http::Response<attach_core::Body>, _>("broken")),
    );
    let error = service.oneshot(http::Request::new(())).await.expect_err("the inner error");
    assert_eq!(error, "broken");
    assert_eq!(parsed(&records)[0]["end"], "upstream_error");
}
