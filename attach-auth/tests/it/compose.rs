//! Under whatever a service is made of.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use attach_auth::policy::{Rule, Rules};
use attach_auth::{AuthLayer, OidcVerifier, PolicyLayer};
use attach_core::Identity;
use axum::Router;
use axum::routing::post;
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tower::{ServiceBuilder, ServiceExt, service_fn};
use tower_http::limit::RequestBodyLimitLayer;
use tower_http::timeout::TimeoutLayer;

use crate::support::{Signer, claims, config, verifier};

const BODY: &str = r#"{"model":"llama3","messages":[{"role":"user","content":"hello"}]}"#;

fn rules() -> Rules {
    let only = "llama3".parse().expect("a pattern");
    Rules::deny_by_default().allow(Rule::new("only").models([only])).expect("a rule")
}

fn auth(signer: &Signer) -> AuthLayer<OidcVerifier> {
    AuthLayer::new(verifier(config(), &[signer]))
}

fn request<B>(token: &str, body: B) -> Request<B> {
    let request = Request::post("/v1/chat/completions").header("authorization", format!("Bearer {token}"));
    request.body(body).expect("a request")
}

/// What is at the middle: any body, any error.
async fn echo<B>(request: Request<B>) -> Result<Response<Full<Bytes>>, Infallible>
where
    B: http_body::Body<Data = Bytes>,
    B::Error: std::fmt::Debug,
{
    assert!(request.extensions().get::<Arc<Identity>>().is_some());
    assert!(!request.headers().contains_key("authorization"));
    let body = request.into_body().collect().await.expect("a body").to_bytes();
    Ok(Response::new(Full::new(body)))
}

#[tokio::test]
async fn under_axum_with_a_layer_each() {
    let signer = Signer::es256("k");
    let router = Router::new()
        .route("/v1/chat/completions", post(|body: String| async move { body }))
        .layer(PolicyLayer::new(rules()))
        .layer(auth(&signer));
    let good = request(&signer.token(&claims()), axum::body::Body::from(BODY));
    let response = router.clone().oneshot(good).await.expect("is infallible");
    assert_eq!(response.status(), 200);
    assert_eq!(response.into_body().collect().await.expect("a body").to_bytes(), BODY);
    let bad = request("nonsense", axum::body::Body::from(BODY));
    assert_eq!(router.oneshot(bad).await.expect("is infallible").status(), 401);
}

#[tokio::test]
async fn under_axum_twice() {
    let signer = Signer::es256("k");
    let router = Router::new()
        .route("/v1/chat/completions", post(|body: String| async move { body }))
        .layer(PolicyLayer::new(rules()))
        .layer(PolicyLayer::new(rules()))
        .layer(auth(&signer))
        .layer(auth(&signer).keep_credential());
    let good = request(&signer.token(&claims()), axum::body::Body::from(BODY));
    assert_eq!(router.oneshot(good).await.expect("is infallible").status(), 200);
}

#[tokio::test]
async fn in_one_builder_with_limit_and_timeout_outside() {
    let signer = Signer::es256("k");
    let service = ServiceBuilder::new()
        .layer(TimeoutLayer::with_status_code(StatusCode::GATEWAY_TIMEOUT, Duration::from_secs(5)))
        .layer(RequestBodyLimitLayer::new(100))
        .layer(auth(&signer))
        .layer(PolicyLayer::new(rules()))
        .service(service_fn(echo));
    let token = signer.token(&claims());
    let response = service.clone().oneshot(request(&token, Full::from(BODY))).await.expect("is infallible");
    assert_eq!(response.status(), 200);
    assert_eq!(response.into_body().collect().await.expect("a body").to_bytes(), BODY);
    let long = request(&token, Full::from(vec![b' '; 101]));
    assert!(service.oneshot(long).await.expect("is infallible").status().is_client_error());
}

#[tokio::test]
async fn over_hyper_on_a_socket() {
    let signer = Signer::es256("k");
    let service =
        ServiceBuilder::new().layer(auth(&signer)).layer(PolicyLayer::new(rules())).service(service_fn(echo));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let service = TowerToHyperService::new(service.clone());
            tokio::spawn(async move {
                let server = hyper_util::server::conn::auto::Builder::new(TokioExecutor::new());
                let _ = server.serve_connection(TokioIo::new(stream), service).await;
            });
        }
    });
    let client = hyper_util::client::legacy::Client::builder(TokioExecutor::new()).build_http();
    let send = |token: &str| {
        let mut request = request(token, Full::<Bytes>::from(BODY));
        *request.uri_mut() = format!("http://{address}/v1/chat/completions").parse().expect("a URL");
        client.request(request)
    };
    let answer = send(&signer.token(&claims())).await.expect("an answer");
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.into_body().collect().await.expect("a body").to_bytes(), BODY);
    let answer = send("nonsense").await.expect("an answer");
    assert_eq!(answer.status(), 401);
    assert!(answer.headers().contains_key("www-authenticate"));
}

#[tokio::test]
async fn the_error_of_the_inner_service_stays_its_own() {
    #[derive(Debug, PartialEq)]
    struct Own;
    let signer = Signer::es256("k");
    let service = ServiceBuilder::new()
        .layer(auth(&signer))
        .service(service_fn(|_: Request<Full<Bytes>>| async { Err::<Response<Full<Bytes>>, _>(Own) }));
    let refused = service.oneshot(request(&signer.token(&claims()), Full::from(BODY))).await;
    assert_eq!(refused.err(), Some(Own));
}
