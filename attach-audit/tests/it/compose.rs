//! In other people's stacks.

use std::convert::Infallible;
use std::time::Duration;

use attach_audit::{Audit, Memory};
use axum::Router;
use axum::routing::post;
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tower::{ServiceBuilder, ServiceExt, service_fn};
use tower_http::limit::RequestBodyLimitLayer;

use crate::support::{Wire, kinds, parsed, serve};

#[tokio::test]
async fn twice_under_an_axum_router_there_is_one_pair_of_records() {
    let records = Memory::new();
    let audit = Audit::new(records.clone());
    let router = Router::new()
        .route("/work", post(async |body: String| body))
        .layer(audit.intent_layer())
        .layer(audit.intent_layer())
        .layer(audit.layer())
        .layer(audit.layer());
    Wire::post(serve(router).await, "/work").await.until("{}").await;
    assert_eq!(kinds(&parsed(&records)), ["intent", "outcome"]);
}

#[tokio::test]
async fn between_limit_and_timeout_in_one_builder() {
    let records = Memory::new();
    let audit = Audit::new(records.clone());
    let service = ServiceBuilder::new()
        .layer(RequestBodyLimitLayer::new(1024))
        .timeout(Duration::from_secs(5))
        .layer(audit.layer())
        .layer(audit.intent_layer())
        .service(service_fn(async |request: Request<tower_http::body::Limited<Full<Bytes>>>| {
            let bytes = request
                .into_body()
                .collect()
                .await
                .map(http_body_util::Collected::to_bytes)
                .unwrap_or_default();
            Ok::<_, Infallible>(Response::new(Full::new(bytes)))
        }));
    let request = Request::post("/work").body(Full::new(Bytes::from_static(b"hello"))).expect("valid");
    let response = service.oneshot(request).await.expect("answered");
    assert_eq!(response.into_body().collect().await.expect("whole").to_bytes(), "hello");
    assert_eq!(kinds(&parsed(&records)), ["intent", "outcome"]);
}

#[tokio::test]
async fn a_timeout_outside_is_a_client_that_left() {
    let records = Memory::new();
    let audit = Audit::new(records.clone());
    let service = ServiceBuilder::new()
        .timeout(Duration::from_millis(20))
        .layer(audit.layer())
        .layer(audit.intent_layer())
        .service(service_fn(async |_: Request<Full<Bytes>>| {
            std::future::pending::<()>().await;
            Ok::<_, Infallible>(Response::new(Full::new(Bytes::new())))
        }));
    let request = Request::post("/work").body(Full::default()).expect("valid");
    service.oneshot(request).await.expect_err("it times out");
    assert_eq!(parsed(&records)[1]["end"], "client_abort");
}

#[tokio::test]
async fn over_hyper_with_its_own_body() {
    let records = Memory::new();
    let audit = Audit::new(records.clone());
    let service = ServiceBuilder::new().layer(audit.layer()).layer(audit.intent_layer()).service(service_fn(
        async |request: Request<hyper::body::Incoming>| {
            let bytes = request.into_body().collect().await?.to_bytes();
            Ok::<_, hyper::Error>(Response::new(Full::new(bytes)))
        },
    ));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let addr = listener.local_addr().expect("bound");
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.expect("a client");
        let service = hyper_util::service::TowerToHyperService::new(service);
        hyper_util::server::conn::auto::Builder::new(TokioExecutor::new())
            .serve_connection(TokioIo::new(stream), service)
            .await
    });
    Wire::post(addr, "/work").await.until("{}").await;
    assert_eq!(kinds(&parsed(&records)), ["intent", "outcome"]);
}
