//! Who is refused by which fact.

use std::time::Duration;

use attach_auth::revocation::{Effect, Fact, Subject};
use attach_auth::{AuthLayer, OidcVerifier, Preset};
use axum::body::Body;
use http::Request;
use serde_json::{Value, json};
use tower::ServiceExt;

use super::{Facts, at, user};
use crate::support::{AUDIENCE, NOW, Signer, TestClock, TestFetch, config_of};

const OKTA: &str = "https://acme.okta.test/oauth2/default";
const OTHER: &str = "https://acme.okta.test/oauth2/aus2";

/// Two authorization servers of one organisation.
struct Service {
    facts: Facts,
    signer: Signer,
    layer: AuthLayer<OidcVerifier>,
}

impl Service {
    async fn new() -> Self {
        let (facts, signer) = (Facts::new().await, Signer::es256("k"));
        let issuer = |name| {
            let config = config_of(Preset::Okta, name).directory("acme");
            config.jwks(Signer::set(&[&signer]).as_bytes()).expect("a set")
        };
        let clock = std::sync::Arc::new(TestClock::default());
        let fetch = std::sync::Arc::new(TestFetch::default());
        let verifier = OidcVerifier::with_clock(vec![issuer(OKTA), issuer(OTHER)], fetch, clock);
        let layer = AuthLayer::new(verifier.expect("a verifier")).revocations(facts.revocations.clone());
        Self { facts, signer, layer }
    }

    fn token(&self, changes: &Value) -> String {
        let mut claims = json!({
            "iss": OKTA, "aud": AUDIENCE, "exp": NOW + 600, "iat": NOW, "scp": ["llm"],
            "sub": "Alice@acme.test", "uid": "00u1", "cid": "0oa1", "sid": "102s", "jti": "AT.1",
            "preferred_username": "asmith", "email": "Alice.Smith@Acme.test",
        });
        for (name, value) in changes.as_object().expect("an object") {
            claims[name] = value.clone();
        }
        self.signer.token(&claims)
    }

    /// `ok`, or the code and the challenge's error of a refusal.
    async fn ask(&self, token: &str) -> String {
        let service = axum::Router::new().fallback(|| async { "hello" }).layer(self.layer.clone());
        let request = Request::get("/v1/models").header("authorization", format!("Bearer {token}"));
        let response =
            service.oneshot(request.body(Body::empty()).expect("a request")).await.expect("infallible");
        if response.status() == 200 {
            return "ok".to_owned();
        }
        let challenge = response.headers()["www-authenticate"].to_str().expect("is text").to_owned();
        assert!(response.status() == 401 && challenge.contains("error=\"invalid_token\""), "{challenge}");
        let body = http_body_util::BodyExt::collect(response.into_body()).await.expect("a body").to_bytes();
        let body: Value = serde_json::from_slice(&body).expect("is JSON");
        body["error"]["code"].as_str().expect("a code").to_owned()
    }
}

/// Recipe `revoked-jti`.
#[tokio::test]
async fn a_token_that_was_good_is_refused_at_once_whatever_it_is_known_by() {
    let subjects = [
        user("00u1"),
        user("Alice@acme.test"),
        Subject::name("ALICE.smith@acme.TEST"),
        Subject::name("ASmith"),
        Subject::name("alice@acme.test"),
        Subject::Session("102s".into()),
        Subject::Token("AT.1".into()),
        Subject::Client("0oa1".into()),
    ];
    for subject in subjects {
        for effect in [Effect::Disabled, Effect::NotBefore(at(0))] {
            let service = Service::new().await;
            let token = service.token(&json!({}));
            assert_eq!(service.ask(&token).await, "ok");
            service.facts.record(subject.clone(), effect).await;
            let (kind, _) = subject.parts();
            assert_eq!(service.ask(&token).await, "revoked", "{kind} {effect:?}");
            let nobody = json!({"sub": "bob", "uid": "00u2", "cid": "0oa2", "sid": "103s", "jti": "AT.2",
                "preferred_username": "bob", "email": "bob@acme.test"});
            assert_eq!(service.ask(&service.token(&nobody)).await, "ok", "{kind}");
        }
    }
}

#[tokio::test]
async fn a_fact_holds_for_every_issuer_of_the_directory_and_for_no_other() {
    let service = Service::new().await;
    service.facts.record(user("00u1"), Effect::Disabled).await;
    assert_eq!(service.ask(&service.token(&json!({"iss": OTHER}))).await, "revoked");

    let service = Service::new().await;
    let elsewhere = Fact::new("partner", user("00u1"), Effect::Disabled, "test");
    service.facts.revocations.record(&[elsewhere]).await.expect("is durable");
    assert_eq!(service.ask(&service.token(&json!({}))).await, "ok");
}

/// Recipe `revoked-iat`.
#[tokio::test]
async fn what_is_issued_after_the_event_is_accepted() {
    let service = Service::new().await;
    service.facts.record(user("00u1"), Effect::NotBefore(at(10))).await;
    assert_eq!(service.ask(&service.token(&json!({"iat": NOW + 9}))).await, "revoked");
    assert_eq!(service.ask(&service.token(&json!({"iat": NOW + 10}))).await, "revoked", "in the same second");
    assert_eq!(service.ask(&service.token(&json!({"iat": NOW + 11}))).await, "ok");
    let mut claims = json!({"iat": null});
    assert_eq!(service.ask(&service.token(&claims)).await, "malformed_token", "a provider that writes null");
    claims = json!({"iss": OKTA, "aud": AUDIENCE, "exp": NOW + 600, "scp": ["llm"], "sub": "a", "uid": "00u1", "cid": "c"});
    assert_eq!(service.ask(&service.signer.token(&claims)).await, "revoked", "may have been issued before");
}

#[tokio::test]
async fn a_session_that_ended_and_a_token_that_was_withdrawn_stay_so() {
    let service = Service::new().await;
    service.facts.record(Subject::Session("102s".into()), Effect::NotBefore(at(0))).await;
    assert_eq!(service.ask(&service.token(&json!({"iat": NOW + 30}))).await, "revoked");
    assert_eq!(service.ask(&service.token(&json!({"iat": NOW + 30, "sid": "104s"}))).await, "ok");
}

#[tokio::test]
async fn a_disabled_caller_is_refused_whenever_the_token_was_issued_until_enabled() {
    let service = Service::new().await;
    let late = service.token(&json!({"iat": NOW + 50}));
    service.facts.record(user("00u1"), Effect::Disabled).await;
    assert_eq!(service.ask(&late).await, "revoked");
    service.facts.record(user("00u1"), Effect::NotBefore(at(10))).await;
    service.facts.record(user("00u1"), Effect::Enabled).await;
    assert_eq!(service.ask(&late).await, "ok");
    assert_eq!(service.ask(&service.token(&json!({}))).await, "revoked", "enabling lifts nothing else");
}

#[tokio::test]
async fn a_late_signal_about_an_earlier_event_takes_nothing_back() {
    let service = Service::new().await;
    service.facts.record(user("00u1"), Effect::NotBefore(at(40))).await;
    service.facts.record(user("00u1"), Effect::NotBefore(at(20))).await;
    assert_eq!(service.ask(&service.token(&json!({"iat": NOW + 30}))).await, "revoked");
    let listed = service.facts.revocations.list(Some("acme"));
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0].effect, Effect::NotBefore(at(40)));
}

#[tokio::test]
async fn later_events_replace_earlier_ones() {
    let facts = Facts::new().await;
    for second in 0..20 {
        facts.record(user("00u1"), Effect::NotBefore(at(second))).await;
    }
    assert_eq!(facts.revocations.state().rows().len(), 1);
}

#[tokio::test]
async fn facts_are_listed_by_directory() {
    let facts = Facts::new().await;
    facts.record(user("a"), Effect::Disabled).await;
    facts.record(user("a"), Effect::NotBefore(at(5))).await;
    facts.record(Subject::name("B"), Effect::Disabled).await;
    let other = Fact::new("acme2", user("c"), Effect::Disabled, "admin");
    facts.revocations.record(&[other]).await.expect("is durable");
    let of = |directory| facts.revocations.list(directory).len();
    assert_eq!((of(Some("acme")), of(Some("acme2")), of(Some("acm")), of(None)), (3, 1, 0, 4));
    let listed = facts.revocations.list(Some("acme2")).remove(0);
    assert_eq!((&*listed.source, listed.subject, listed.effect), ("admin", user("c"), Effect::Disabled));
}

#[tokio::test]
async fn a_fact_that_is_over_refuses_nobody() {
    let mut facts = Facts::new().await;
    facts.revocations = facts.revocations.clone().keep(Duration::from_secs(3600));
    facts.record(user("alice"), Effect::NotBefore(at(0))).await;
    facts.record(Subject::Session("s".into()), Effect::NotBefore(at(0))).await;
    let mut undated = attach_core::Identity::person("acme", "alice");
    let mut session = attach_core::Identity::person("acme", "bob");
    session.session_id = Some("s".into());
    undated.issued_at = None;
    facts.clock.advance(Duration::from_secs(3599));
    assert!(facts.revocations.refuses(&undated) && facts.revocations.refuses(&session));
    facts.clock.advance(Duration::from_secs(1));
    assert!(!facts.revocations.refuses(&undated) && !facts.revocations.refuses(&session));
    assert!(facts.revocations.list(None).is_empty());
}

#[tokio::test]
async fn whoever_speaks_for_a_caller_is_held_to_their_own_facts_too() {
    let facts = Facts::new().await;
    let mut alice = attach_core::Identity::person("acme", "alice");
    alice.actor = Some(std::sync::Arc::new(attach_core::Identity::service("acme", "front")));
    assert!(facts.revocations.check(&alice).is_ok());
    facts.record(user("front"), Effect::Disabled).await;
    assert_eq!(facts.revocations.check(&alice).expect_err("is revoked").code(), "revoked");
}
