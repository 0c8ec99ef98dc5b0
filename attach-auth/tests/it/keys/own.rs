//! A person's own keys: minted, used, narrowed, listed, ended.

use std::sync::Arc;
use std::time::Duration;

use attach_auth::keys::{KeyError, KeySettings, NewKey};
use attach_core::Identity;
use attach_core::identity::{Limits, Proof};
use http::Request;
use serde_json::json;

use super::world::World;

#[tokio::test]
async fn a_key_works_in_each_of_the_three_headers_and_goes_no_further() {
    let world = World::new();
    let node = world.node().await;
    let (id, secret) =
        node.mint(&world.token("alice", &["eng"]), json!({"name": "ide", "expires_in": 3600})).await;
    let bearer = format!("Bearer {secret}");
    for (name, value) in [("authorization", &bearer), ("x-api-key", &secret), ("api-key", &secret)] {
        let seen = node.send(Request::get("/v1/models").header(name, value), "").await;
        assert_eq!(seen.status, 200, "{name}: {}", seen.text);
        let (who, now) = (&seen.json, world.clock.seconds());
        assert_eq!((&who["id"], &who["proof"], &who["key"]), (&json!("alice"), &json!("key"), &json!(id)));
        assert_eq!((&who["groups"], &who["kind"]), (&json!(["eng"]), &json!("person")));
        assert_eq!((&who["acr"], &who["amr"]), (&json!("phr"), &json!(["hwk"])), "as when it was minted");
        assert_eq!((&who["issued_at"], &who["expires_at"]), (&json!(now), &json!(now + 3600)));
        let headers = who["headers"].as_array().expect("names");
        assert!(!headers.contains(&json!(name)), "the key stays here");
    }
}

#[tokio::test]
async fn a_key_shows_its_secret_once_and_is_listed_without_it() {
    let world = World::new();
    let node = world.node().await;
    let alice = world.token("alice", &[]);
    let seen = node.own("POST", "", &alice, json!({"name": " ide ", "expires_in": 60})).await;
    assert_eq!(seen.status, 201);
    assert_eq!(seen.headers["cache-control"], "no-store");
    let (id, secret) =
        (seen.json["id"].as_str().expect("an id"), seen.json["secret"].as_str().expect("a secret"));
    assert_eq!(seen.headers["location"], format!("/attach/v1/keys/{id}").as_str());
    assert!(secret.starts_with("atk_") && secret.len() == 53);
    let list = node.own("GET", "", &alice, json!(null)).await;
    let listed = &list.json["keys"][0];
    assert_eq!((&listed["id"], &listed["name"]), (&json!(id), &json!("ide")));
    assert_eq!(listed["prefix"], json!(&secret[..10]));
    assert!(listed["expires_at"].as_str().expect("a time").ends_with('Z'));
    assert!(listed["last_used_at"].is_null() && !list.text.contains(secret));
    node.call(secret).await;
    let list = node.own("GET", "", &alice, json!(null)).await;
    assert!(list.json["keys"][0]["last_used_at"].is_string());
    let others = node.own("GET", "", &world.token("bob", &[]), json!(null)).await;
    assert_eq!(others.json, json!({"keys": []}));
}

#[tokio::test]
async fn a_key_is_narrowed_to_some_of_what_its_owner_may() {
    let world = World::new();
    let node = world.node().await;
    let alice = world.token("alice", &["eng", "ops"]);
    let body = json!({
        "name": "ci", "expires_in": 60, "groups": ["eng"], "scopes": ["llm"],
        "models": ["gpt-4*"], "apis": ["openai.chat"],
    });
    let (_, secret) = node.mint(&alice, body).await;
    let who = node.call(&secret).await.json;
    assert_eq!((&who["groups"], &who["scopes"]), (&json!(["eng"]), &json!(["llm"])));
    assert_eq!(node.chat(&secret, "gpt-4o").await.0, 200);
    assert_eq!(node.chat(&secret, "llama3").await, (403, "model_not_available".to_owned()));
    let embed = Request::post("/v1/embeddings").header("api-key", &secret);
    assert_eq!(node.send(embed, r#"{"model":"gpt-4o","input":"x"}"#).await.status, 403);
    assert_eq!(
        node.chat(&node.mint(&alice, json!({"name": "all", "expires_in": 60})).await.1, "llama3").await.0,
        200
    );
}

#[tokio::test]
async fn nobody_mints_what_is_not_theirs_or_makes_no_sense() {
    let world = World::new();
    let node = world.node().await;
    let alice = world.token("alice", &["eng"]);
    let with = |changes: serde_json::Value| {
        let mut body = json!({"name": "x", "expires_in": 60});
        body.as_object_mut().expect("an object").extend(changes.as_object().expect("an object").clone());
        body
    };
    for (changes, status, code) in [
        (json!({"groups": ["admins"]}), 403, "exceeds_rights"),
        (json!({"scopes": ["admin"]}), 403, "exceeds_rights"),
        (json!({"expires_in": 0}), 400, "invalid_key_request"),
        (json!({"expires_in": 91 * 86_400}), 400, "invalid_key_request"),
        (json!({"expires_in": null}), 400, "invalid_key_request"),
        (json!({"name": " "}), 400, "invalid_key_request"),
        (json!({"name": "a\nb"}), 400, "invalid_key_request"),
        (json!({"name": "x".repeat(101)}), 400, "invalid_key_request"),
        (json!({"models": [" gpt"]}), 400, "invalid_key_request"),
        (json!({"apis": ["openai.everything"]}), 400, "invalid_key_request"),
        (json!({"models": vec!["m"; 101]}), 400, "invalid_key_request"),
        (json!({"owner": "bob"}), 400, "invalid_key_request"),
    ] {
        let seen = node.own("POST", "", &alice, with(changes.clone())).await;
        assert_eq!((seen.status, &*seen.code()), (status, code), "{changes}");
        assert_eq!(seen.headers["content-type"], "application/problem+json");
    }
    let form = Request::post("/attach/v1/keys").header("authorization", format!("Bearer {alice}"));
    assert_eq!(node.send(form, "name=x&expires_in=60").await.status, 415);
    assert!(world.events.actions().is_empty() && world.store.writes("") == 0);
}

#[tokio::test]
async fn a_key_manages_no_keys_and_neither_does_a_delegate() {
    let world = World::new();
    let node = world.node().await;
    let (id, secret) = node.mint(&world.token("alice", &[]), json!({"name": "a", "expires_in": 60})).await;
    for (method, below, body) in [
        ("POST", String::new(), json!({"name": "b", "expires_in": 60})),
        ("GET", String::new(), json!(null)),
        ("DELETE", format!("/{id}"), json!(null)),
    ] {
        let seen = node.own(method, &below, &secret, body).await;
        assert_eq!((seen.status, &*seen.code()), (403, "token_required"), "{method}");
    }
    let mut delegate = Identity::person("idp.test", "alice");
    delegate.proof = Proof::Delegated;
    let mut spoken_for = Identity::person("idp.test", "alice");
    spoken_for.actor = Some(Arc::new(Identity::service("idp.test", "webui")));
    for identity in [delegate, spoken_for] {
        let new = NewKey::new("x", Duration::from_secs(60)).limits(Limits::default());
        assert_eq!(node.keys.mint(&identity, new).await.err(), Some(KeyError::TokenRequired));
        assert_eq!(node.keys.revoke(&identity, &id).await.err(), Some(KeyError::TokenRequired));
    }
    assert_eq!(node.called(&secret).await.0, 200);
}

#[tokio::test]
async fn a_key_ends_when_it_said_it_would() {
    let world = World::new();
    let node = world.node().await;
    let (_, secret) = node.mint(&world.token("alice", &[]), json!({"name": "a", "expires_in": 60})).await;
    world.clock.advance(Duration::from_secs(59));
    assert_eq!(node.called(&secret).await.0, 200);
    world.clock.advance(Duration::from_secs(1));
    let seen = node.call(&secret).await;
    assert_eq!((seen.status, &*seen.code()), (401, "key_expired"));
    assert!(seen.headers["www-authenticate"].to_str().expect("text").contains("error=\"invalid_token\""));
    assert_eq!(node.own("GET", "", &world.token("alice", &[]), json!(null)).await.json, json!({"keys": []}));
}

#[tokio::test]
async fn revoking_works_at_once_and_only_on_ones_own() {
    let world = World::new();
    let node = world.node().await;
    let alice = world.token("alice", &[]);
    let (id, secret) = node.mint(&alice, json!({"name": "a", "expires_in": 60})).await;
    let below = format!("/{id}");
    assert_eq!(node.own("DELETE", &below, &world.token("bob", &[]), json!(null)).await.status, 404);
    assert_eq!(node.called(&secret).await.0, 200);
    assert_eq!(node.own("DELETE", &below, &alice, json!(null)).await.status, 204);
    assert_eq!(node.called(&secret).await, (401, "invalid_key".to_owned()));
    assert_eq!(
        node.keys.authenticate(&secret).err().map(|denial| denial.reason().to_owned()),
        Some("key_revoked".into())
    );
    assert_eq!(node.own("DELETE", &below, &alice, json!(null)).await.status, 404);
    assert_eq!(node.own("PUT", &below, &alice, json!(null)).await.headers["allow"], "DELETE");
    assert_eq!(node.own("PUT", "", &alice, json!(null)).await.headers["allow"], "GET, POST");
    assert_eq!(world.events.actions(), ["key.create", "key.revoke"]);
}

#[tokio::test]
async fn nobody_has_more_keys_than_they_may_and_revoked_ones_make_room() {
    let world = World::with(KeySettings::new().per_owner(2));
    let node = world.node().await;
    let alice = world.token("alice", &[]);
    let body = || json!({"name": "a", "expires_in": 60});
    let (first, _) = node.mint(&alice, body()).await;
    let (_, second) = node.mint(&alice, body()).await;
    let seen = node.own("POST", "", &alice, body()).await;
    assert_eq!((seen.status, &*seen.code()), (409, "too_many_keys"));
    node.mint(&world.token("bob", &[]), body()).await;
    assert_eq!(node.own("DELETE", &format!("/{first}"), &alice, json!(null)).await.status, 204);
    let (_, third) = node.mint(&alice, body()).await;
    assert_eq!(node.own("POST", "", &alice, body()).await.status, 409);
    for secret in [second, third] {
        assert_eq!(node.called(&secret).await.0, 200);
    }
    world.clock.advance(Duration::from_secs(60));
    node.mint(&world.token("alice", &[]), body()).await;
}

#[tokio::test]
async fn the_store_is_never_filled_for_good() {
    let world = World::with(KeySettings::new().total(1));
    let node = world.node().await;
    let (_, secret) = node.mint(&world.token("alice", &[]), json!({"name": "a", "expires_in": 60})).await;
    let seen = node.own("POST", "", &world.token("bob", &[]), json!({"name": "b", "expires_in": 60})).await;
    assert_eq!((seen.status, &*seen.code()), (409, "too_many_keys"));
    assert_eq!(node.called(&secret).await.0, 200);
}
