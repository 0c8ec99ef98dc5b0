//! OpenID Connect Back-Channel Logout 1.0, with the logout token of its §2.4.

use std::sync::Arc;

use attach_auth::signals::{BackchannelLogout, SignalKind, SignalOutcome};
use attach_auth::{OidcVerifier, Preset};
use http::Method;
use serde_json::{Value, json};

use super::World;
use super::world::{Held, ORG, OTHER, TOKENS, issuer, json_of, now, serve};
use crate::support::{Answer, TestFetch};

pub(crate) fn header() -> Value {
    json!({"alg": "ES256", "kid": "o", "typ": "logout+jwt"})
}

pub(crate) fn claims() -> Value {
    json!({"iss": ORG, "sub": "00u1", "aud": "web-app", "iat": now(), "exp": now() + 120, "jti": "bWJq",
        "sid": "08a5019c-17e1-4977-8f42-65a12843ea02",
        "events": {"http://schemas.openid.net/event/backchannel-logout": {}}})
}

fn with(changes: Value) -> Value {
    let mut claims = claims();
    for (name, value) in changes.as_object().expect("an object") {
        claims[name] = value.clone();
        if value.is_null() {
            claims.as_object_mut().expect("an object").remove(name);
        }
    }
    claims
}

pub(crate) async fn post(world: &World, token: &str) -> Answer {
    let form = [("content-type", "application/x-www-form-urlencoded")];
    world.send(Method::POST, "/oidc/backchannel-logout", &form, format!("logout_token={token}")).await
}

#[tokio::test]
async fn a_logout_in_the_organisations_name_ends_what_its_authorization_server_issued() {
    let world = World::new().await;
    let token = world.token("00u1", "alice@x.test");
    let answer = post(&world, &world.org.token_with(&header(), &claims())).await;
    assert_eq!((answer.status, &*answer.body), (200, ""));
    assert_eq!(answer.headers["cache-control"], "no-store");
    assert_eq!(world.call(&token).await, 401);
    assert_eq!(
        world.call(&world.token_issued("00u1", "alice@x.test", now() + 5)).await,
        200,
        "a new sign-in"
    );
    assert_eq!(world.call(&world.token("00u2", "bob@x.test")).await, 200);
    assert_eq!(world.signals.stats().of(SignalKind::BackchannelLogout, SignalOutcome::Done), 1);
    let event = world.witness.seen().remove(0);
    assert_eq!(
        (event.action, &*event.actor, event.target.as_deref()),
        ("revocation.backchannel_logout", ORG, Some("00u1"))
    );
}

#[tokio::test]
async fn a_session_that_ended_stays_so() {
    let world = World::new().await;
    let logout = with(json!({"sub": null, "sid": "session-1"}));
    assert_eq!(post(&world, &world.org.token_with(&header(), &logout)).await.status, 200);
    assert_eq!(world.call(&world.token_issued("00u1", "a", now() + 5)).await, 401);
}

#[tokio::test]
async fn the_issuer_of_access_tokens_is_believed_as_well() {
    let world = World::new().await;
    let logout = with(json!({"iss": TOKENS}));
    let header = json!({"alg": "ES256", "kid": "t", "typ": "logout+jwt"});
    assert_eq!(post(&world, &world.tokens.token_with(&header, &logout)).await.status, 200);
    assert_eq!(world.call(&world.token("00u1", "x")).await, 401);
}

#[tokio::test]
async fn a_logout_token_is_good_once() {
    let world = World::new().await;
    let token = world.org.token_with(&header(), &claims());
    assert_eq!(post(&world, &token).await.status, 200);
    let again = post(&world, &token).await;
    assert_eq!((again.status, json_of(&again)["error"].clone()), (400, json!("invalid_request")));
    assert_eq!(world.signals.stats().of(SignalKind::BackchannelLogout, SignalOutcome::Repeated), 1);
}

#[tokio::test]
async fn another_organisations_logout_is_about_its_own_people() {
    let world = World::new().await;
    let header = json!({"alg": "ES256", "kid": "p", "typ": "logout+jwt"});
    let logout = with(json!({"iss": OTHER}));
    assert_eq!(post(&world, &world.other.token_with(&header, &logout)).await.status, 200);
    assert_eq!(world.call(&world.token("00u1", "x")).await, 200);
    let forged = world.other.token_with(&header, &claims());
    assert_eq!(post(&world, &forged).await.status, 400, "signed by the wrong key");
}

#[tokio::test]
async fn every_fault_is_a_400_and_does_nothing() {
    let world = World::new().await;
    let faults = [
        json!({"aud": "another-app"}),
        json!({"aud": null}),
        json!({"iss": "https://nobody.test"}),
        json!({"iat": null}),
        json!({"iat": now() - 3600}),
        json!({"iat": now() + 3600}),
        json!({"exp": now() - 3600}),
        json!({"exp": "soon"}),
        json!({"jti": null}),
        json!({"events": null}),
        json!({"events": {"http://schemas.openid.net/event/backchannel-logout": true}}),
        json!({"events": {"https://else.test": {}}}),
        json!({"sub": null, "sid": null}),
        json!({"sub": 5}),
        json!({"sid": ""}),
        json!({"nonce": "n"}),
    ];
    for changes in faults {
        let answer = post(&world, &world.org.token_with(&header(), &with(changes.clone()))).await;
        assert_eq!(answer.status, 400, "{changes}");
        assert_eq!(
            (json_of(&answer)["error"].clone(), &answer.headers["cache-control"]),
            (json!("invalid_request"), &"no-store".parse().expect("a value"))
        );
    }
    for typ in ["at+jwt", "JWT"] {
        let header = json!({"alg": "ES256", "kid": "o", "typ": typ});
        assert!(matches!(post(&world, &world.org.token_with(&header, &claims())).await.status, 400 | 429));
    }
    assert_eq!(world.call(&world.token("00u1", "x")).await, 200);
    assert!(world.witness.seen().is_empty());
}

#[tokio::test]
async fn what_is_no_form_with_one_signed_token_is_refused() {
    let world = World::new().await;
    let good = world.org.token_with(&header(), &claims());
    let none = crate::support::b64(r#"{"alg":"none","typ":"logout+jwt"}"#);
    let unsigned = format!("{none}.{}.", crate::support::b64(claims().to_string()));
    let form = "application/x-www-form-urlencoded";
    for (kind, body) in [
        ("application/json", format!("logout_token={good}")),
        (form, String::new()),
        (form, format!("logout_token={good}&logout_token={good}")),
        (form, format!("logout_token={unsigned}")),
        (form, "logout_token=%ff%fe".to_owned()),
    ] {
        let answer = world
            .send(Method::POST, "/oidc/backchannel-logout", &[("content-type", kind)], body.clone())
            .await;
        assert_eq!(answer.status, 400, "{body}");
    }
    assert_eq!(world.send(Method::GET, "/oidc/backchannel-logout", &[], "").await.status, 405);
    assert_eq!(post(&world, &good).await.status, 200);
}

#[tokio::test]
async fn a_provider_of_an_early_draft_is_believed_where_that_is_configured() {
    let header = json!({"alg": "ES256", "kid": "t", "typ": "JWT"});
    for (lenient, status) in [(false, 400), (true, 200)] {
        let world = World::new().await;
        let config = issuer(Preset::Okta, TOKENS, "acme", &world.tokens);
        let verifier = OidcVerifier::new(vec![config], Arc::new(TestFetch::default())).expect("a verifier");
        let logout = BackchannelLogout::new(world.signals.clone(), verifier.clone(), ["web-app"]);
        let held = Held(verifier, world.revocations.clone());
        let world = World { address: serve(held, logout.lenient_typ(lenient)).await, ..world };
        let token = world.tokens.token_with(&header, &with(json!({"iss": TOKENS})));
        assert_eq!(post(&world, &token).await.status, status);
        let access = json!({"alg": "ES256", "kid": "t", "typ": "at+jwt"});
        let token = world.tokens.token_with(&access, &with(json!({"iss": TOKENS, "jti": "2"})));
        assert_eq!(post(&world, &token).await.status, 400, "it says that it is something else");
    }
}
