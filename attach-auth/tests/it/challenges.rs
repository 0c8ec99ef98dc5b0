//! Statuses, challenges and headers, as a client sees them.

use std::sync::Arc;

use attach_auth::endpoint::EndpointLayer;
use attach_auth::metadata::ResourceMetadata;
use attach_auth::{AuthLayer, Authenticate, Credential, Denial};
use attach_core::Identity;
use axum::Router;
use axum::body::Body;
use http::request::Parts;
use http::{HeaderValue, Request};
use http_body_util::BodyExt;
use serde_json::json;
use tower::ServiceExt;

use crate::support::{Answer, ISSUER, Signer, ask, claims, claims_with, config, get, verifier};

const BARE: &str =
    "Bearer realm=\"gw\", resource_metadata=\"https://gw/.well-known/oauth-protected-resource\"";

async fn with_headers(headers: &[(&str, &str)]) -> Answer {
    let signer = Signer::es256("k");
    let token = signer.token(&claims());
    let mut request = Request::post("/v1/chat/completions");
    for (name, value) in headers {
        request = request.header(*name, value.replace("TOKEN", &token));
    }
    ask(verifier(config(), &[&signer]), request.body(Body::from("{}")).expect("a request")).await
}

#[tokio::test]
async fn a_good_token_is_let_in_and_goes_no_further() {
    for headers in [[("authorization", "Bearer TOKEN")], [("authorization", "bEARER TOKEN")]] {
        let answer = with_headers(&headers).await;
        assert_eq!((answer.status, answer.body.as_str()), (200, "idp.test/alice "), "{headers:?}");
    }
}

#[tokio::test]
async fn without_a_credential_the_challenge_names_no_error() {
    for headers in
        [&[][..], &[("authorization", "Basic YTpi")], &[("api-key", "TOKEN")], &[("x-api-key", "TOKEN")]]
    {
        let answer = with_headers(headers).await;
        assert_eq!((answer.status, answer.challenge()), (401, BARE), "{headers:?}");
        assert_eq!(answer.headers["cache-control"], "no-store");
        assert_eq!(answer.code(), "no_credentials");
    }
}

#[tokio::test]
async fn two_credentials_are_a_400_that_names_both() {
    let pairs = [
        [("authorization", "Bearer TOKEN"), ("authorization", "Bearer TOKEN")],
        [("authorization", "Bearer TOKEN"), ("x-api-key", "TOKEN")],
        [("authorization", "Bearer TOKEN, Bearer TOKEN"), ("accept", "*/*")],
    ];
    for headers in pairs {
        let answer = with_headers(&headers).await;
        assert_eq!((answer.status, answer.code().as_str()), (400, "multiple_credentials"), "{headers:?}");
        assert!(answer.challenge().contains("error=\"invalid_request\""), "{}", answer.challenge());
    }
}

#[tokio::test]
async fn a_bad_token_is_named_by_its_code_alone() {
    let signer = Signer::es256("k");
    let answer = get(verifier(config(), &[&signer]), &signer.token(&claims_with(json!({"exp": 1})))).await;
    assert_eq!(answer.status, 401);
    let expected = format!("{BARE}, error=\"invalid_token\", error_description=\"token_expired\"");
    assert_eq!(answer.challenge(), expected);
    assert_eq!(answer.code(), "token_expired");
}

#[tokio::test]
async fn a_missing_scope_is_a_403_that_names_it() {
    let signer = Signer::es256("k");
    let answer =
        get(verifier(config().required_scopes(["llm.invoke"]), &[&signer]), &signer.token(&claims())).await;
    assert_eq!((answer.status, answer.code().as_str()), (403, "insufficient_scope"));
    assert!(answer.challenge().contains("error=\"insufficient_scope\""), "{}", answer.challenge());
    assert!(answer.challenge().ends_with("scope=\"llm.invoke\""), "{}", answer.challenge());
}

#[tokio::test]
async fn what_only_we_may_say_never_reaches_the_service() {
    let answer = with_headers(&[
        ("authorization", "Bearer TOKEN"),
        ("X-Attach-User", "root"),
        ("x_attach_groups", "admins"),
        ("x.attach.session", "1"),
        ("connection", "x-private"),
        ("x-private", "1"),
        ("accept", "*/*"),
    ])
    .await;
    assert_eq!((answer.status, answer.body.as_str()), (200, "idp.test/alice accept"));
}

#[tokio::test]
async fn errors_speak_the_callers_dialect() {
    let signer = Signer::es256("k");
    for (path, pointer) in [("/v1/messages", "/error/code"), ("/api/chat", "/code"), ("/other", "/code")] {
        let answer =
            ask(verifier(config(), &[&signer]), Request::post(path).body(Body::empty()).expect("a request"))
                .await;
        let body: serde_json::Value = serde_json::from_str(&answer.body).expect("JSON");
        assert_eq!(body.pointer(pointer), Some(&json!("no_credentials")), "{path}");
    }
}

#[tokio::test]
async fn a_service_may_bring_its_own_credentials() {
    struct Robots;
    impl Authenticate for Robots {
        async fn authenticate(
            &self,
            credential: &Credential,
            parts: &Parts,
        ) -> Result<Arc<Identity>, Denial> {
            assert!(!parts.headers.contains_key("authorization"));
            match credential.token() {
                "r2" => Ok(Arc::new(Identity::service("droids", "r2"))),
                _ => Err(Denial::unavailable(7).with_reason("store_down")),
            }
        }
    }
    assert_eq!(get(Robots, "r2").await.status, 200);
    let answer = get(Arc::new(Robots), "c3").await;
    assert_eq!((answer.status, answer.headers["retry-after"].as_bytes()), (503, b"7".as_slice()));
    assert_eq!(answer.challenge(), "");
}

#[tokio::test]
async fn a_client_that_was_refused_finds_out_where_to_sign_in() {
    let metadata =
        ResourceMetadata::new("https://api.test/llm").expect("a URL").authorization_servers([ISSUER]);
    let auth = AuthLayer::new(verifier(config(), &[&Signer::es256("k")])).resource_metadata(metadata.url());
    let place: http::Uri = metadata.url().parse().expect("a URL");
    let router = Router::new().fallback(|| async {}).layer(auth).layer(EndpointLayer::new(metadata));
    let get = async |path: &str| {
        let request = Request::get(path).body(Body::empty()).expect("a request");
        router.clone().oneshot(request).await.expect("is infallible")
    };
    let refused = get("/llm/v1/models").await;
    let challenge = refused.headers()["www-authenticate"].to_str().expect("is text");
    assert!(challenge.contains(&format!("resource_metadata=\"{place}\"")), "{challenge}");
    let found = get(place.path()).await;
    assert_eq!(
        (found.status(), &found.headers()["cache-control"]),
        (http::StatusCode::OK, &HeaderValue::from_static("max-age=3600"))
    );
    let found = found.into_body().collect().await.expect("a body").to_bytes();
    let found: serde_json::Value = serde_json::from_slice(&found).expect("JSON");
    assert_eq!(
        (&found["resource"], &found["authorization_servers"][0]),
        (&json!("https://api.test/llm"), &json!(ISSUER))
    );
}
