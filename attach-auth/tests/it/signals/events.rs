//! Security events by push, with the events of CAEP 1.0 and RISC 1.0, and of Okta's SSF transmitter.

use attach_auth::signals::{SignalKind, SignalOutcome};
use http::Method;
use serde_json::{Value, json};

use super::World;
use super::world::{EXTERNAL, ORG, OTHER, json_of, now};
use crate::support::Answer;

const SESSION_REVOKED: &str = "https://schemas.openid.net/secevent/caep/event-type/session-revoked";
const DISABLED: &str = "https://schemas.openid.net/secevent/risc/event-type/account-disabled";
const ENABLED: &str = "https://schemas.openid.net/secevent/risc/event-type/account-enabled";

pub(crate) fn header() -> Value {
    json!({"alg": "ES256", "kid": "o", "typ": "secevent+jwt"})
}

fn event(jti: &str, uri: &str, event: Value) -> Value {
    json!({"iss": ORG, "jti": jti, "iat": now(), "aud": EXTERNAL, "events": {uri: event},
        "sub_id": {"format": "iss_sub", "iss": ORG, "sub": "00u1"}})
}

pub(crate) fn claims() -> Value {
    event(
        "e1",
        SESSION_REVOKED,
        json!({"event_timestamp": now(), "initiating_entity": "admin",
        "reason_admin": {"en": "Landspeed Policy Violation: C076E82F"}}),
    )
}

pub(crate) async fn post(world: &World, token: &str) -> Answer {
    let headers = [("content-type", "application/secevent+jwt"), ("accept", "application/json")];
    world.send(Method::POST, "/ssf/events", &headers, token.to_owned()).await
}

async fn say(world: &World, claims: &Value) -> u16 {
    post(world, &world.org.token_with(&header(), claims)).await.status
}

#[tokio::test]
async fn a_revoked_session_refuses_what_was_issued_until_then() {
    let world = World::new().await;
    let token = world.token("00u1", "x");
    let answer = post(&world, &world.org.token_with(&header(), &claims())).await;
    assert_eq!((answer.status, &*answer.body), (202, ""));
    assert_eq!(world.call(&token).await, 401);
    assert_eq!(world.call(&world.token_issued("00u1", "x", now() + 5)).await, 200);
}

#[tokio::test]
async fn an_older_event_does_not_take_back_a_newer_one() {
    let world = World::new().await;
    assert_eq!(say(&world, &claims()).await, 202);
    let older = event("e2", SESSION_REVOKED, json!({"event_timestamp": now() - 300}));
    assert_eq!(say(&world, &older).await, 202);
    assert_eq!(world.call(&world.token("00u1", "x")).await, 401);
}

#[tokio::test]
async fn an_account_is_disabled_and_enabled_again_by_its_transmitter_only() {
    let world = World::new().await;
    let later = || world.token_issued("00u1", "x", now() + 5);
    assert_eq!(say(&world, &event("d", DISABLED, json!({"reason": "hijacking"}))).await, 202);
    assert_eq!(world.call(&later()).await, 401);
    world.provision(json!({"userName": "alice", "externalId": "00u1"})).await;
    assert_eq!(world.call(&later()).await, 401, "provisioning lifts nothing that it did not say");
    assert_eq!(say(&world, &event("e", ENABLED, json!({}))).await, 202);
    assert_eq!(world.call(&later()).await, 200);
}

#[tokio::test]
async fn an_event_that_comes_again_is_acknowledged_and_not_done_again() {
    let world = World::new().await;
    let disable = event("d", DISABLED, json!({}));
    let token = world.org.token_with(&header(), &disable);
    assert_eq!(post(&world, &token).await.status, 202);
    assert_eq!(say(&world, &event("e", ENABLED, json!({}))).await, 202);
    assert_eq!(post(&world, &token).await.status, 202);
    assert_eq!(world.call(&world.token("00u1", "x")).await, 200);
    assert_eq!(world.signals.stats().of(SignalKind::SecurityEvents, SignalOutcome::Repeated), 1);
}

#[tokio::test]
async fn verification_and_what_asks_for_nothing_is_acknowledged() {
    let world = World::new().await;
    let verification = json!({"iss": ORG, "jti": "v", "iat": now(), "aud": EXTERNAL,
        "sub_id": {"format": "opaque", "id": "stream-1"},
        "events": {"https://schemas.openid.net/secevent/ssf/event-type/verification": {"state": "VGhpcyBpcw=="}}});
    assert_eq!(say(&world, &verification).await, 202);
    let change = "https://schemas.openid.net/secevent/caep/event-type/token-claims-change";
    assert_eq!(say(&world, &event("c", change, json!({"claims": {"role": "x"}}))).await, 202);
    assert_eq!(world.signals.stats().of(SignalKind::SecurityEvents, SignalOutcome::Ignored), 2);
    assert!(world.witness.seen().is_empty());
}

#[tokio::test]
async fn every_fault_has_the_error_of_rfc_8935() {
    let world = World::new().await;
    let with = |name: &str, value: Value| {
        let mut claims = claims();
        claims[name] = value;
        world.org.token_with(&header(), &claims)
    };
    let header_of = |kid: &str, typ: &str| json!({"alg": "ES256", "kid": kid, "typ": typ});
    for (token, code) in [
        (with("iss", json!("https://nobody.test")), "invalid_issuer"),
        (with("aud", json!("https://else.test")), "invalid_audience"),
        (with("iat", json!(now() - 30 * 86400)), "invalid_request"),
        (with("iat", json!(now() + 3600)), "invalid_request"),
        (with("jti", Value::Null), "invalid_request"),
        (with("events", json!({})), "invalid_request"),
        (with("sub_id", json!({"format": "did", "url": "x"})), "invalid_request"),
        ("not a token".to_owned(), "invalid_request"),
        (world.org.token_with(&header_of("o", "JWT"), &claims()), "invalid_request"),
        (world.org.token_with(&header_of("unknown", "secevent+jwt"), &claims()), "invalid_key"),
        (world.other.token_with(&header_of("o", "secevent+jwt"), &claims()), "authentication_failed"),
    ] {
        let answer = post(&world, &token).await;
        assert_eq!((answer.status, json_of(&answer)["err"].clone()), (400, json!(code)));
        assert!(json_of(&answer)["description"].is_string());
        assert_eq!(answer.headers["content-type"], "application/json");
    }
    let good = world.org.token_with(&header(), &claims());
    let wrong_type =
        world.send(Method::POST, "/ssf/events", &[("content-type", "application/jwt")], good).await;
    assert_eq!(wrong_type.status, 400);
    assert_eq!(world.call(&world.token("00u1", "x")).await, 200);
}

#[tokio::test]
async fn a_transmitter_speaks_for_its_own_directory() {
    let world = World::new().await;
    let mut theirs = claims();
    theirs["iss"] = json!(OTHER);
    let token = world.other.token_with(&json!({"alg": "ES256", "kid": "p", "typ": "secevent+jwt"}), &theirs);
    assert_eq!(post(&world, &token).await.status, 202);
    assert_eq!(
        (world.call(&world.token("00u1", "x")).await, world.call(&world.their_token("00u1")).await),
        (200, 401)
    );
}
