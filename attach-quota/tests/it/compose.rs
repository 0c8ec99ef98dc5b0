//! The layer among others, in the stacks people build.

use std::convert::Infallible;
use std::time::Duration;

use attach_core::{Body, Identity};
use attach_quota::{Limit, QuotaLayer, Rate};
use axum::Router;
use axum::routing::post;
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tower::{Service, ServiceBuilder, ServiceExt, service_fn};
use tower_http::limit::RequestBodyLimitLayer;
use tower_http::timeout::TimeoutLayer;

use crate::support::CAPPED;

const CHAT: &str = "/v1/chat/completions";
const USED: &str = r#"{"usage":{"prompt_tokens":3,"completion_tokens":4}}"#;

fn per_user() -> QuotaLayer {
    QuotaLayer::new(vec![Limit::tokens("user", Rate::per_minute(10_000))]).clock(|| Duration::ZERO)
}

fn per_address() -> QuotaLayer {
    let limits = vec![Limit::requests("address", Rate::per_minute(2))];
    QuotaLayer::by(limits, |_| Some("127.0.0.1")).clock(|| Duration::ZERO)
}

fn call<B: From<&'static str>>() -> Request<B> {
    let request = Request::post(CHAT).extension(Identity::person("acme", "alice"));
    request.body(B::from(CAPPED)).unwrap()
}

async fn three<S, R>(mut service: S) -> [(StatusCode, String); 3]
where
    S: Service<Request<axum::body::Body>, Response = Response<R>>,
    S::Error: std::fmt::Debug,
    R: http_body::Body,
{
    let mut answers = Vec::new();
    for _ in 0..3 {
        let answer = service.ready().await.unwrap().call(call()).await.unwrap();
        let left = answer.headers().get("x-ratelimit-remaining-tokens");
        let left = left.map(|left| left.to_str().unwrap().to_owned()).unwrap_or_default();
        let status = answer.status();
        answer.into_body().collect().await.map_err(|_| "a broken body").unwrap();
        answers.push((status, left));
    }
    answers.try_into().unwrap()
}

fn expected() -> [(StatusCode, String); 3] {
    let (ok, refused) = (StatusCode::OK, StatusCode::TOO_MANY_REQUESTS);
    [(ok, "9987".to_owned()), (ok, "9980".to_owned()), (refused, String::new())]
}

fn router() -> Router {
    Router::new().route(CHAT, post(async || ([("content-type", "application/json")], USED)))
}

#[tokio::test]
async fn under_router_layer_twice() {
    let app = router().layer(per_user()).layer(per_address());
    assert_eq!(three(app).await, expected());
}

#[tokio::test]
async fn nested_under_another_path_the_exchange_still_knows_the_api() {
    let inner = Router::new().route("/completions", post(async || USED)).layer(per_user());
    let app = Router::new().nest("/v1/chat", inner).layer(per_address());
    let left = three(app).await.map(|(status, left)| (status.as_u16(), left));
    assert_eq!(left[0], (200, "9987".to_owned()));
}

#[tokio::test]
async fn in_one_builder_with_limit_and_timeout_outside_and_another_inside() {
    let app = ServiceBuilder::new()
        .layer(TimeoutLayer::with_status_code(StatusCode::GATEWAY_TIMEOUT, Duration::from_secs(5)))
        .layer(RequestBodyLimitLayer::new(1 << 20))
        .layer(per_address())
        .layer(per_user())
        .service(router());
    assert_eq!(three(app).await, expected());
}

#[tokio::test]
async fn over_hyper_incoming() {
    let service = ServiceBuilder::new()
        .map_request(|mut request: Request<Incoming>| {
            request.extensions_mut().insert(Identity::person("acme", "alice"));
            request
        })
        .layer(per_address())
        .layer(per_user())
        .service(service_fn(|request: Request<Body>| async {
            let length = request.into_body().collect().await.unwrap().to_bytes().len();
            assert_eq!(length, CAPPED.len());
            let answer = Response::builder().header("content-type", "application/json");
            Ok::<_, Infallible>(answer.body(Full::<Bytes>::from(USED)).unwrap())
        }));
    let (ours, theirs) = tokio::io::duplex(1 << 16);
    let server = hyper::server::conn::http1::Builder::new();
    tokio::spawn(server.serve_connection(TokioIo::new(theirs), TowerToHyperService::new(service)));
    let (mut client, connection) = hyper::client::conn::http1::handshake(TokioIo::new(ours)).await.unwrap();
    tokio::spawn(connection);
    for left in ["9987", "9980"] {
        let request = Request::post(CHAT).body(Full::<Bytes>::from(CAPPED)).unwrap();
        let answer = client.send_request(request).await.unwrap();
        assert_eq!(answer.headers()["x-ratelimit-remaining-tokens"], left);
        assert_eq!(answer.into_body().collect().await.unwrap().to_bytes(), USED);
    }
}
