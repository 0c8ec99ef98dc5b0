//! Who is counted.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use attach_core::{Body, Exchange, Identity, Payload};
use attach_quota::{Action, Limit, QuotaLayer, Rate};
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use tower::{Layer, ServiceExt, service_fn};

use crate::support::{HELLO, json, per_minute, serve, serve_json};

const CHAT: &str = "/v1/chat/completions";

async fn echo(request: Request<Body>) -> Result<Response<Body>, Infallible> {
    let parsed = request.extensions().get::<Payload>().is_some();
    Ok(Response::builder().header("parsed", parsed.to_string()).body(request.into_body()).unwrap())
}

fn one_a_minute() -> Vec<Limit> {
    vec![Limit::requests("rpm", Rate::per_minute(1))]
}

fn get(path: &str) -> Request<Full<Bytes>> {
    Request::get(path).body(Full::from("")).unwrap()
}

#[tokio::test]
async fn a_call_without_an_identity_is_never_counted_for_nobody() {
    let service = QuotaLayer::new(one_a_minute()).layer(service_fn(echo));
    let call = Request::post(CHAT).body(Full::<Bytes>::from(HELLO)).unwrap();
    let answer = service.clone().oneshot(call).await.unwrap();
    assert_eq!(answer.status(), 500);
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    assert!(body.windows(20).any(|part| part == b"layer_misconfigured\""));
}

#[tokio::test]
async fn what_is_no_call_passes_without_an_identity_and_counts_as_a_request_with_one() {
    let service = QuotaLayer::new(one_a_minute()).layer(service_fn(echo));
    for _ in 0..3 {
        assert_eq!(service.clone().oneshot(get("/healthz")).await.unwrap().status(), 200);
    }
    let signed = || {
        let mut request = get("/v1/models");
        request.extensions_mut().insert(Identity::person("acme", "alice"));
        request
    };
    assert_eq!(service.clone().oneshot(signed()).await.unwrap().status(), 200);
    assert_eq!(service.clone().oneshot(signed()).await.unwrap().status(), 429);
}

#[tokio::test]
async fn without_identities_a_function_says_who_calls() {
    let layer =
        QuotaLayer::by(one_a_minute(), |parts| Some(parts.headers.get("x-team")?.to_str().ok()?.to_owned()));
    let service = layer.layer(service_fn(echo));
    let call = |team: Option<&str>| {
        let mut request = get("/anything");
        if let Some(team) = team {
            request.headers_mut().insert("x-team", team.parse().unwrap());
        }
        service.clone().oneshot(request)
    };
    assert_eq!(call(Some("red")).await.unwrap().status(), 200);
    assert_eq!(call(Some("red")).await.unwrap().status(), 429);
    assert_eq!(call(Some("blue")).await.unwrap().status(), 200);
    assert_eq!(call(None).await.unwrap().status(), 403, "leaving the name out is no way around a limit");
}

#[tokio::test]
async fn a_body_is_read_only_where_tokens_are_counted() {
    let call = || {
        let request = Request::post(CHAT).extension(Identity::person("acme", "alice"));
        request.body(Full::<Bytes>::from("{\"no\":\"call\"}")).unwrap()
    };
    let requests = QuotaLayer::new(one_a_minute()).layer(service_fn(echo));
    let answer = requests.oneshot(call()).await.unwrap();
    assert_eq!((answer.status().as_u16(), answer.headers()["parsed"].to_str().unwrap()), (200, "false"));
    let tokens = QuotaLayer::new(per_minute(100)).layer(service_fn(echo));
    assert_eq!(tokens.oneshot(call()).await.unwrap().status(), 400);
}

#[tokio::test]
async fn people_of_one_name_in_two_directories_have_a_limit_each() {
    let service = QuotaLayer::new(one_a_minute()).layer(service_fn(echo));
    let call = |directory: &str| {
        let mut request = get("/v1/models");
        request.extensions_mut().insert(Identity::person(directory, "alice"));
        service.clone().oneshot(request)
    };
    assert_eq!(call("acme").await.unwrap().status(), 200);
    assert_eq!(call("partner").await.unwrap().status(), 200);
    assert_eq!(call("acme").await.unwrap().status(), 429);
}

#[tokio::test]
async fn two_limits_of_one_id_are_two_limits() {
    let mut limits = per_minute(60_000);
    limits.push(Limit::tokens("tokens-per-user", Rate::per_hour(100_000)));
    let layer = QuotaLayer::new(limits.clone());
    let ids: Vec<_> = layer.limits().map(|limit| limit.id().to_owned()).collect();
    assert_eq!(ids, ["tokens-per-user", "requests-per-user", "tokens-per-user-2"]);
    let server = serve_json(limits, r#"{"usage":{"prompt_tokens":3,"completion_tokens":4}}"#).await;
    assert_eq!(server.status(CHAT, HELLO).await, 200);
    assert_eq!(server.tokens(), 14, "7 under each");
}

#[tokio::test]
async fn a_limit_in_shadow_mode_refuses_nobody_and_is_noted() {
    let noted = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&noted);
    let limits = vec![
        Limit::requests("real", Rate::per_minute(3)),
        Limit::requests("trial", Rate::per_minute(1)).action(Action::Shadow),
    ];
    let server = serve(limits, move |mut request| {
        let exchange = Exchange::of_request(&mut request);
        let shadow = exchange.facts(|facts| facts.quota.as_ref().map(|quota| quota.shadow.len()));
        seen.lock().unwrap().push(shadow);
        async { json("{}") }
    })
    .await;
    for status in [200, 200, 200, 429] {
        assert_eq!(server.status("/v1/chat/completions", HELLO).await, status);
    }
    assert_eq!(*noted.lock().unwrap(), [Some(0), Some(1), Some(1)]);
}
