//! The layer among others, in the stacks people build.

use std::convert::Infallible;
use std::time::Duration;

use attach_core::Body;
use attach_redact::RedactLayer;
use axum::Router;
use axum::routing::post;
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tower::{Service, ServiceBuilder, ServiceExt, service_fn};
use tower_http::limit::RequestBodyLimitLayer;
use tower_http::timeout::TimeoutLayer;

use crate::support::{CHAT, chat, redactor};

fn layer() -> RedactLayer {
    RedactLayer::new(redactor())
}

/// Answers with what it was sent.
async fn echo(body: String) -> ([(&'static str, &'static str); 1], String) {
    assert!(body.contains("PII_EMAIL_") && !body.contains("bob@"), "{body}");
    ([("content-type", "application/json")], body)
}

async fn round_trip<S, B, R>(mut service: S)
where
    S: Service<Request<B>, Response = Response<R>>,
    S::Error: std::fmt::Debug,
    B: From<String>,
    R: http_body::Body,
    R::Error: std::fmt::Debug,
{
    let sent = chat("I am bob@example.org");
    let request =
        Request::post(CHAT).header("content-type", "application/json").body(B::from(sent.clone())).unwrap();
    let answer = service.ready().await.unwrap().call(request).await.unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.into_body().collect().await.unwrap().to_bytes(), sent.as_bytes());
}

#[tokio::test]
async fn under_router_layer_twice() {
    let app = Router::new().route(CHAT, post(echo)).layer(layer()).layer(layer());
    round_trip::<_, axum::body::Body, _>(app).await;
}

#[tokio::test]
async fn in_one_builder_between_limits_and_another_of_our_layers() {
    let model = service_fn(|request: Request<Body>| async move {
        let body = request.into_body().collect().await.unwrap().to_bytes();
        assert!(!String::from_utf8_lossy(&body).contains("bob@"));
        let response = Response::builder().header("content-type", "application/json");
        Ok::<_, Infallible>(response.body(Full::new(body)).unwrap())
    });
    let service = ServiceBuilder::new()
        .layer(TimeoutLayer::with_status_code(http::StatusCode::GATEWAY_TIMEOUT, Duration::from_secs(5)))
        .layer(RequestBodyLimitLayer::new(1 << 20))
        .layer(layer())
        .layer(layer())
        .service(model);
    round_trip::<_, Full<Bytes>, _>(service).await;
}

#[tokio::test]
async fn over_hyper_incoming() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let model = service_fn(|request: Request<Body>| async move {
        let body = request.into_body().collect().await.unwrap().to_bytes();
        let response = Response::builder().header("content-type", "application/json");
        Ok::<_, Infallible>(response.body(Full::new(body)).unwrap())
    });
    let service = ServiceBuilder::new().layer(layer()).service(model);
    let server = tokio::spawn(async move {
        let (socket, _) = listener.accept().await.unwrap();
        let service = TowerToHyperService::new(service.map_request(|request: Request<Incoming>| request));
        hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(socket), service).await
    });
    let socket = tokio::net::TcpStream::connect(address).await.unwrap();
    let (mut client, connection) = hyper::client::conn::http1::handshake(TokioIo::new(socket)).await.unwrap();
    let connection = tokio::spawn(connection);
    let sent = chat("I am bob@example.org");
    let request =
        Request::post(CHAT).header("host", "model").body(Full::<Bytes>::from(sent.clone())).unwrap();
    let answer = client.send_request(request).await.unwrap();
    assert_eq!(answer.headers()["content-length"], sent.len().to_string());
    assert_eq!(answer.into_body().collect().await.unwrap().to_bytes(), sent.as_bytes());
    drop(client);
    connection.await.unwrap().unwrap();
    server.await.unwrap().unwrap();
}
