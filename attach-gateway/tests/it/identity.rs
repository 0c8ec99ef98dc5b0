//! Who is let in, and what everybody else is told.

use serde_json::{Value, json};

use crate::support::issuer::{now, sign, unsigned};
use crate::support::{Alg, CHATS, Issuer, Response, Upstream, World, answer_text, assert_shape, question};

async fn ask(world: &World, token: &str) -> Response {
    world.gateway.post(CHATS[0]).bearer(token).json(&question(CHATS[0], "gpt-4o", "hello")).send().await
}

/// Refused with 401 and `code`; nobody upstream hears of it; the log knows why.
async fn refused(world: &World, token: &str, code: &str) {
    let answer = ask(world, token).await.expect(401);
    assert_eq!(answer.code(), code);
    let challenge = answer.header("www-authenticate").expect("a challenge");
    assert!(
        challenge.starts_with("Bearer realm=\"attach\"") && challenge.contains("error=\"invalid_token\""),
        "{challenge}"
    );
    assert_eq!(answer.header("x-attach-user"), None);
    assert!(world.upstream.seen().is_empty());
    let trail = world.gateway.trail(&answer.id());
    let reject = trail.reject();
    assert_eq!(reject["decision"]["reason"], code);
    assert_eq!(reject["decision"]["http_status"], 401);
    assert_eq!(reject["actor"]["kind"], "anonymous");
    assert!(reject["actor"].get("sub").is_none(), "{reject}");
}

#[tokio::test]
async fn tokens_signed_with_rs256_and_es256_are_accepted() {
    let world = World::start().await;
    for alg in [Alg::Rs256, Alg::Es256] {
        let token = sign(alg, &world.issuer.claims("alice", &["eng"]));
        let answer = ask(&world, &token).await.expect(200);
        assert_eq!(answer_text(&answer.text()), "You said: hello");
        assert_eq!(answer.header("x-attach-user"), Some("alice"));
        assert_eq!(world.upstream.last().header("x-attach-user"), Some("alice"));
        let trail = world.gateway.trail(&answer.id());
        assert_eq!(trail.kinds(), ["intent", "outcome"]);
        assert_eq!(trail.end(), "complete");
        let actor = &trail.outcome()["actor"];
        assert_eq!((&actor["sub"], &actor["iss"]), (&json!("alice"), &json!(world.issuer.url())));
        assert_eq!((&actor["jti"], &actor["client_id"]), (&json!("jti-alice"), &json!("test-client")));
    }
}

#[tokio::test]
async fn a_token_that_is_over_is_refused_and_a_minute_of_clock_skew_is_not() {
    let world = World::start().await;
    refused(&world, &world.issuer.token_with("exp", json!(now() - 61)), "token_expired").await;
    ask(&world, &world.issuer.token_with("exp", json!(now() - 30))).await.expect(200);
}

#[tokio::test]
async fn a_token_that_is_not_good_yet_is_refused() {
    let world = World::start().await;
    refused(&world, &world.issuer.token_with("nbf", json!(now() + 90)), "token_not_yet_valid").await;
}

#[tokio::test]
async fn a_token_without_an_end_is_refused() {
    let world = World::start().await;
    refused(&world, &world.issuer.token_with("exp", Value::Null), "no_expiry").await;
}

#[tokio::test]
async fn a_token_for_somebody_else_is_refused_and_the_operator_is_told_what_differs() {
    let world = World::start().await;
    refused(&world, &world.issuer.token_with("aud", json!("api://another")), "wrong_audience").await;
    let line = world.gateway.stderr.line("for another audience").await;
    assert!(
        line.contains("api://another") && line.contains("api://attach-test") && line.contains("docs/"),
        "{line}"
    );
}

#[tokio::test]
async fn a_token_for_nobody_is_refused() {
    let world = World::start().await;
    refused(&world, &world.issuer.token_with("aud", Value::Null), "wrong_audience").await;
}

#[tokio::test]
async fn one_of_several_audiences_will_do() {
    let world = World::start().await;
    ask(&world, &world.issuer.token_with("aud", json!(["x", crate::support::AUDIENCE]))).await.expect(200);
}

#[tokio::test]
async fn a_token_of_another_issuer_is_refused() {
    let world = World::start().await;
    refused(&world, &world.issuer.token_with("iss", json!("https://evil.example")), "wrong_issuer").await;
    // Byte for byte: a slash more is another issuer.
    let slash = format!("{}/", world.issuer.url());
    let answer = ask(&world, &world.issuer.token_with("iss", json!(slash))).await.expect(401);
    assert_eq!(answer.code(), "wrong_issuer");
}

#[tokio::test]
async fn an_unsigned_token_is_refused() {
    let world = World::start().await;
    let answer = ask(&world, &unsigned(&world.issuer.claims("root", &["admins"]))).await.expect(401);
    assert!(world.upstream.seen().is_empty());
    assert_eq!(world.gateway.trail(&answer.id()).reject()["actor"]["kind"], "anonymous");
}

#[tokio::test]
async fn a_changed_claim_breaks_the_signature() {
    let world = World::start().await;
    let (good, other) = (world.token("alice"), world.token("root"));
    let (good, other): (Vec<_>, Vec<_>) = (good.split('.').collect(), other.split('.').collect());
    let forged = format!("{}.{}.{}", good[0], other[1], good[2]);
    ask(&world, &forged).await.expect(401);
    assert!(world.upstream.seen().is_empty());
}

#[tokio::test]
async fn nobody_without_a_token_comes_in_and_the_challenge_says_how() {
    let world = World::start().await;
    for path in CHATS {
        let answer =
            world.gateway.post(path).json(&question(path, "gpt-4o", "hello")).send().await.expect(401);
        assert_shape(path, &answer, "no_credentials");
        assert_eq!(answer.header("www-authenticate"), Some("Bearer realm=\"attach\""));
    }
    for path in ["/v1/models", "/v1/models/gpt-4o", "/api/tags", "/api/version"] {
        world.gateway.get(path).send().await.expect(401);
    }
    assert!(world.upstream.seen().is_empty());
}

#[tokio::test]
async fn a_401_never_waits_for_a_body() {
    let world = World::start().await;
    let call = world.gateway.post(CHATS[0]).header("Content-Length", "4000000");
    call.send().await.expect(401);
}

#[tokio::test]
async fn two_credentials_are_refused_naming_both() {
    let world = World::start().await;
    let token = world.token("alice");
    let call = world.gateway.post("/v1/messages").bearer(&token).header("x-api-key", &token);
    let answer = call.json(&question("/v1/messages", "gpt-4o", "hello")).send().await.expect(400);
    assert_shape("/v1/messages", &answer, "multiple_credentials");
    assert!(
        answer.text().contains("authorization") && answer.text().contains("x-api-key"),
        "{}",
        answer.text()
    );
    assert!(world.upstream.seen().is_empty());
    assert_eq!(world.gateway.trail(&answer.id()).reject()["decision"]["reason"], "multiple_credentials");
    let twice = world.gateway.post(CHATS[0]).bearer(&token).bearer(&token);
    twice.json(&question(CHATS[0], "gpt-4o", "hello")).send().await.expect(400);
}

#[tokio::test]
async fn an_access_token_where_keys_go_is_no_credential() {
    let world = World::start().await;
    let token = world.token("alice");
    for header in ["X-Api-Key", "Api-Key"] {
        let call = world.gateway.post("/v1/messages").header(header, &token);
        let answer =
            call.json(&question("/v1/messages", "claude-sonnet-4", "hello")).send().await.expect(401);
        assert_shape("/v1/messages", &answer, "no_credentials");
        assert_eq!(answer.header("www-authenticate"), Some("Bearer realm=\"attach\""));
    }
    assert!(world.upstream.seen().is_empty());
}

#[tokio::test]
async fn no_credential_of_a_caller_reaches_the_model_server_or_the_log() {
    let world =
        World::with(Upstream::model().await, |launch| launch.set("ENGINE_API_KEY", "sk-upstream")).await;
    let token = world.token("alice");
    let signature = token.rsplit('.').next().unwrap();
    for path in CHATS {
        let call = world.gateway.post(path).bearer(&token).header("Cookie", "session=cookie-canary");
        let call =
            call.header("Proxy-Authorization", "Basic proxy-canary").header("X-Goog-Api-Key", "key-canary");
        let answer = call.json(&question(path, "gpt-4o", "hello")).send().await.expect(200);
        let seen = world.upstream.last();
        assert_eq!(seen.header("authorization"), Some("Bearer sk-upstream"), "{path}");
        let everything = seen.everything();
        for canary in [signature, "cookie-canary", "proxy-canary", "key-canary"] {
            assert!(!everything.contains(canary), "{path}: {everything}");
        }
        assert!(!format!("{answer:?}").contains("sk-upstream"));
    }
    let log = format!("{:?} {}", world.gateway.records(), world.gateway.stderr.text());
    for canary in [signature, "cookie-canary", "proxy-canary", "key-canary", "sk-upstream"] {
        assert!(!log.contains(canary), "{canary}");
    }
}

#[tokio::test]
async fn a_token_in_the_query_is_no_credential() {
    let world = World::start().await;
    let path = format!("{}?access_token={}", CHATS[0], world.token("alice"));
    let answer =
        world.gateway.post(&path).json(&question(CHATS[0], "gpt-4o", "hello")).send().await.expect(401);
    assert_eq!(answer.code(), "no_credentials");
    assert!(!format!("{:?}", world.gateway.records()).contains("access_token"));
}

#[tokio::test]
async fn scopes_clients_and_groups_that_are_asked_for_are_needed() {
    let (issuer, upstream) = (Issuer::start().await, Upstream::model().await);
    let launch = crate::support::Launch::env(&issuer, &upstream)
        .set("OIDC_REQUIRED_SCOPES", "llm")
        .set("OIDC_CLIENT_IDS", "test-client")
        .set("ALLOWED_GROUPS", "eng,ops");
    let world = World { gateway: launch.start().await, issuer, upstream };
    ask(&world, &world.issuer.token("alice", &["eng"])).await.expect(200);
    for (claim, value, code) in [
        ("scope", json!("openid"), "insufficient_scope"),
        ("client_id", json!("another"), "client_not_allowed"),
        ("groups", json!(["sales"]), "group_not_allowed"),
        ("groups", Value::Null, "group_not_allowed"),
    ] {
        let mut claims = world.issuer.claims("alice", &["eng"]);
        match value {
            Value::Null => drop(claims.as_object_mut().unwrap().remove(claim)),
            value => claims[claim] = value,
        }
        let answer = ask(&world, &sign(Alg::Rs256, &claims)).await.expect(403);
        assert_eq!(answer.code(), code);
        let challenge = answer.header("www-authenticate").expect("a challenge");
        assert!(challenge.contains("error=\"insufficient_scope\""), "{challenge}");
    }
    assert_eq!(world.upstream.seen().len(), 1);
    let line = world.gateway.stderr.line("none of the allowed groups").await;
    assert!(line.contains("sales") && line.contains("eng"), "{line}");
}

#[tokio::test]
async fn groups_may_come_in_another_claim() {
    let upstream = Upstream::model().await;
    let world = World::with(upstream, |launch| {
        launch.set("OIDC_GROUPS_CLAIM", "/realm/roles").set("ALLOWED_GROUPS", "eng")
    })
    .await;
    ask(&world, &world.issuer.token_with("realm", json!({"roles": ["eng"]}))).await.expect(200);
    assert_eq!(world.upstream.only().header("x-attach-groups"), Some("eng"));
}
