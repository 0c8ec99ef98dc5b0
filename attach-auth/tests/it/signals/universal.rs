//! Okta Universal Logout, with the request of "Build Universal Logout for your app"
//! (developer.okta.com/docs/guides/oin-universal-logout-overview).

use attach_auth::signals::{SignalKind, SignalOutcome};
use http::Method;
use serde_json::{Value, json};

use super::World;
use super::world::{EXTERNAL, ORG, OTHER, json_of, now};
use crate::support::Answer;

pub(crate) fn header() -> Value {
    json!({"alg": "ES256", "kid": "o", "typ": "global-token-revocation+jwt"})
}

pub(crate) fn claims() -> Value {
    json!({"jti": "5f8b", "iss": ORG, "sub": "0oa-llm", "aud": format!("{EXTERNAL}/okta/universal-logout"),
        "exp": now() + 300, "nbf": now(), "iat": now()})
}

fn with(changes: Value) -> Value {
    let mut claims = claims();
    for (name, value) in changes.as_object().expect("an object") {
        claims[name] = value.clone();
    }
    claims
}

pub(crate) async fn post(world: &World, token: &str, body: &Value) -> Answer {
    let authorization = format!("Bearer {token}");
    let headers = [("authorization", &*authorization), ("content-type", "application/json")];
    world.send(Method::POST, "/okta/universal-logout", &headers, body.to_string()).await
}

fn by_id() -> Value {
    json!({"sub_id": {"format": "iss_sub", "iss": ORG, "sub": "00u1"}})
}

#[tokio::test]
async fn everything_that_a_user_has_ends_however_they_are_named() {
    for body in [
        by_id(),
        json!({"sub_id": {"format": "email", "email": "Alice@X.test"}}),
        json!({"sub_id": {"format": "opaque", "id": "00u1"}}),
    ] {
        let world = World::new().await;
        let token = world.token("00u1", "alice@x.test");
        let answer = post(&world, &world.org.token_with(&header(), &claims()), &body).await;
        assert_eq!((answer.status, &*answer.body), (204, ""), "{body}");
        assert_eq!(world.call(&token).await, 401, "{body}");
        assert_eq!(world.call(&world.token_issued("00u1", "alice@x.test", now() + 5)).await, 200);
        assert!(!format!("{:?}", world.witness.seen()).contains('@'));
    }
}

#[tokio::test]
async fn an_address_reaches_tokens_that_do_not_have_it_where_users_are_provisioned() {
    let world = World::new().await;
    let user = json!({"userName": "al", "externalId": "00u1", "emails": [{"value": "alice@x.test"}]});
    world.provision(user).await;
    let body = json!({"sub_id": {"format": "email", "email": "alice@x.test"}});
    assert_eq!(post(&world, &world.org.token_with(&header(), &claims()), &body).await.status, 204);
    assert_eq!(world.call(&world.token("00u1", "whatever")).await, 401);
}

#[tokio::test]
async fn somebody_whom_the_directory_did_not_provision_is_404_counted_and_refused_all_the_same() {
    let world = World::new().await;
    world.provision(json!({"userName": "bob", "externalId": "00u2"})).await;
    let answer = post(&world, &world.org.token_with(&header(), &claims()), &by_id()).await;
    assert_eq!(answer.status, 404);
    assert_eq!(world.signals.stats().of(SignalKind::UniversalLogout, SignalOutcome::Unmatched), 1);
    assert_eq!(world.call(&world.token("00u1", "x")).await, 401);
}

#[tokio::test]
async fn a_request_is_good_once() {
    let world = World::new().await;
    let token = world.org.token_with(&header(), &claims());
    assert_eq!(post(&world, &token, &by_id()).await.status, 204);
    assert_eq!(post(&world, &token, &by_id()).await.status, 401);
}

#[tokio::test]
async fn whoever_may_not_ask_is_401_or_403() {
    let world = World::new().await;
    for changes in [
        json!({"aud": EXTERNAL}),
        json!({"aud": "https://else.test/okta/universal-logout"}),
        json!({"iss": "https://nobody.test"}),
        json!({"exp": now() - 3600}),
        json!({"exp": now() + 3600}),
        json!({"exp": u64::MAX}),
        json!({"exp": null}),
        json!({"nbf": now() + 3600}),
        json!({"jti": ""}),
    ] {
        let answer = post(&world, &world.org.token_with(&header(), &with(changes.clone())), &by_id()).await;
        assert_eq!(answer.status, 401, "{changes}");
        assert_eq!(answer.challenge(), "Bearer error=\"invalid_token\"");
    }
    let access = world.org.token_with(&json!({"alg": "ES256", "kid": "o", "typ": "JWT"}), &claims());
    assert_eq!(post(&world, &access, &by_id()).await.status, 401);
    let client = with(json!({"sub": "another-client"}));
    assert_eq!(post(&world, &world.org.token_with(&header(), &client), &by_id()).await.status, 403);
    assert_eq!(
        world.send(Method::POST, "/okta/universal-logout", &[], by_id().to_string()).await.status,
        401
    );
    assert_eq!(world.call(&world.token("00u1", "x")).await, 200);
    assert!(world.witness.seen().is_empty());
}

#[tokio::test]
async fn what_names_nobody_is_400_and_what_names_them_in_another_way_422() {
    let world = World::new().await;
    for (body, status) in [
        (json!({}), 400),
        (json!([]), 400),
        (json!({"sub_id": "00u1"}), 400),
        (json!({"sub_id": {"format": "email"}}), 400),
        (json!({"sub_id": {"format": "iss_sub", "sub": "00u1"}}), 400),
        (json!({"sub_id": {"format": "did", "url": "did:x"}}), 422),
    ] {
        let answer = post(&world, &world.org.token_with(&header(), &claims()), &body).await;
        assert_eq!(answer.status, status, "{body}");
        assert!(json_of(&answer)["error"].is_string());
    }
}

#[tokio::test]
async fn another_organisation_ends_nothing_of_ours() {
    let world = World::new().await;
    let header = json!({"alg": "ES256", "kid": "p", "typ": "global-token-revocation+jwt"});
    let theirs = with(json!({"iss": OTHER, "sub": "their-client"}));
    assert_eq!(post(&world, &world.other.token_with(&header, &theirs), &by_id()).await.status, 204);
    assert_eq!(world.call(&world.token("00u1", "x")).await, 200);
    // Their issuer may not use our client either.
    let mixed = with(json!({"iss": OTHER, "jti": "2"}));
    assert_eq!(post(&world, &world.other.token_with(&header, &mixed), &by_id()).await.status, 403);
}
