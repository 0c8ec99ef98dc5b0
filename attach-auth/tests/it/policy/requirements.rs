//! Assurance: what a rule demands of the caller's sign-in, and how callers are told (RFC 9470).

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use attach_auth::policy::{ModelGlob, Require, Rule, Rules, reason};
use attach_auth::{AuthLayer, Authenticate, Credential, Denial, PolicyLayer};
use attach_core::Identity;
use attach_core::identity::Proof;
use axum::Router;
use axum::body::Body;
use axum::routing::any;
use http::Request;
use http::request::Parts;
use tower::ServiceExt;

use super::{Outcome, alice, call_with, chat, hello, models};
use crate::support::TestClock;

const HOUR: Duration = Duration::from_secs(3600);

fn strong() -> Require {
    Require::new().acr(["phr", "phrh"]).amr(["mfa", "hwk"]).auth_age(12 * HOUR)
}

fn rules(change: impl FnOnce(Rule) -> Rule) -> Rules {
    let gpt: [ModelGlob; 1] = models(["gpt-4*"]);
    Rules::deny_by_default()
        .clock(Arc::new(TestClock::default()))
        .allow(change(Rule::new("strong").groups(["eng"]).models(gpt).require(strong())))
        .expect("rules")
}

fn signed_in(ago: Duration) -> Identity {
    let mut alice = alice(&["eng"]);
    alice.assurance.acr = Some("phrh".into());
    alice.assurance.amr = vec!["pwd".into(), "hwk".into(), "mfa".into()];
    alice.assurance.auth_time = Some(now() - ago);
    alice
}

fn now() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(crate::support::NOW)
}

async fn ask(rules: Rules, identity: Identity) -> Outcome {
    call_with(rules, Some(identity), None, chat(&hello("gpt-4o"))).await
}

#[tokio::test]
async fn a_strong_and_recent_sign_in_goes_on() {
    let outcome = ask(rules(|rule| rule), signed_in(12 * HOUR)).await;
    assert_eq!((outcome.status, outcome.decision()), (200, (reason::ALLOWED_BY_RULE, "strong".into())));
}

#[tokio::test]
async fn a_weak_or_old_sign_in_is_told_what_would_do() {
    let changes: [fn(&mut Identity); 6] = [
        |alice| alice.assurance.acr = Some("urn:okta:loa:1fa:any".into()),
        |alice| alice.assurance.acr = None,
        |alice| alice.assurance.amr.retain(|method| **method != *"hwk"),
        |alice| alice.assurance.auth_time = Some(now() - 12 * HOUR - Duration::from_secs(1)),
        |alice| alice.assurance.auth_time = None,
        |alice| alice.assurance.auth_time = Some(now() + HOUR),
    ];
    for change in changes {
        let mut alice = signed_in(HOUR);
        change(&mut alice);
        let outcome = ask(rules(|rule| rule), alice).await;
        assert_eq!((outcome.status, outcome.code()), (401, "insufficient_user_authentication"));
        assert_eq!(
            outcome.header("www-authenticate"),
            "Bearer realm=\"attach\", error=\"insufficient_user_authentication\", \
             error_description=\"insufficient_user_authentication\", acr_values=\"phr phrh\", max_age=\"43200\""
        );
        assert_eq!(outcome.decision(), (reason::INSUFFICIENT_AUTHENTICATION, "strong".into()));
    }
}

#[tokio::test]
async fn nobody_is_asked_to_sign_in_for_what_would_be_denied_all_the_same() {
    let weak = alice(&["eng"]);
    let outsider = alice(&["hr"]);
    let other = call_with(rules(|rule| rule), Some(weak.clone()), None, chat(&hello("o3"))).await;
    assert_eq!((other.status, other.decision().0), (403, reason::NO_RULE_ALLOWS));
    assert_eq!(ask(rules(|rule| rule), outsider).await.status, 403);
    let denied = rules(|rule| rule).deny(Rule::new("no")).expect("rules");
    assert_eq!(ask(denied, weak.clone()).await.status, 403);
    let open = rules(|rule| rule).allow(Rule::new("anybody")).expect("rules");
    assert_eq!(ask(open, weak).await.status, 200, "another rule allows it as it is");
}

#[tokio::test]
async fn keys_meet_no_demand_unless_the_rule_says_so() {
    let mut key = signed_in(1000 * HOUR);
    key.proof = Proof::Key;
    let refused = ask(rules(|rule| rule), key.clone()).await;
    assert_eq!((refused.status, refused.code()), (403, "model_not_available"));
    assert_eq!(refused.decision(), (reason::PROOF_WITHOUT_ASSURANCE, "strong".into()));
    assert_eq!(refused.header("www-authenticate"), "", "nobody can sign in for a key");
    assert_eq!(ask(rules(|rule| rule.allow_keys(true)), key.clone()).await.status, 200);
    key.assurance.acr = None;
    let weak = ask(rules(|rule| rule.allow_keys(true)), key).await;
    assert_eq!((weak.status, weak.decision().0), (403, reason::PROOF_WITHOUT_ASSURANCE));
}

#[tokio::test]
async fn another_s_word_meets_no_demand_whatever_it_says() {
    for delegated in [
        |alice: &mut Identity| alice.proof = Proof::Delegated,
        |alice: &mut Identity| {
            alice.actor = Some(Arc::new(Identity::service("acme", "chat")));
        },
    ] {
        let mut alice = signed_in(HOUR);
        delegated(&mut alice);
        let outcome = ask(rules(|rule| rule.allow_keys(true)), alice).await;
        assert_eq!((outcome.status, outcome.decision().0), (403, reason::PROOF_WITHOUT_ASSURANCE));
    }
}

#[tokio::test]
async fn a_tool_that_needs_a_stronger_sign_in_says_so() {
    let rules = Rules::deny_by_default()
        .allow(Rule::new("models"))
        .and_then(|rules| {
            rules.allow(Rule::new("search").tools(["web_search"]).require(Require::new().acr(["phr"])))
        })
        .expect("rules");
    let mut body = hello("gpt-4o");
    body["web_search_options"] = serde_json::json!({});
    let outcome = call_with(rules, Some(alice(&[])), None, chat(&body)).await;
    assert_eq!(
        (outcome.status, outcome.decision()),
        (401, (reason::INSUFFICIENT_AUTHENTICATION, "search".into()))
    );
    assert!(outcome.header("www-authenticate").ends_with("acr_values=\"phr\""));
}

struct Weak;

impl Authenticate for Weak {
    async fn authenticate(&self, _: &Credential, _: &Parts) -> Result<Arc<Identity>, Denial> {
        Ok(Arc::new(alice(&["eng"])))
    }
}

#[tokio::test]
async fn the_challenge_is_of_the_realm_outside() {
    let auth =
        AuthLayer::new(Weak).realm("gw").resource_metadata("https://gw/.well-known/oauth-protected-resource");
    let router =
        Router::new().fallback(any(|| async {})).layer(PolicyLayer::new(rules(|rule| rule))).layer(auth);
    let request = Request::post("/v1/chat/completions").header("authorization", "Bearer t");
    let request = request.body(Body::from(hello("gpt-4o").to_string())).expect("a request");
    let response = router.oneshot(request).await.expect("is infallible");
    assert_eq!(response.status(), 401);
    let challenge = response.headers()["www-authenticate"].to_str().expect("text");
    assert!(
        challenge.starts_with(
            "Bearer realm=\"gw\", resource_metadata=\"https://gw/.well-known/oauth-protected-resource\", \
             error=\"insufficient_user_authentication\""
        ),
        "{challenge}"
    );
}
