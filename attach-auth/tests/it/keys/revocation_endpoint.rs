//! RFC 7009.

use http::Request;
use serde_json::json;

use super::world::{Node, Seen, World};

async fn revoke(node: &Node, form: &str) -> Seen {
    let request =
        Request::post("/attach/v1/revoke").header("content-type", "application/x-www-form-urlencoded");
    node.send(request, form).await
}

#[tokio::test]
async fn whoever_holds_a_key_can_give_it_up() {
    let world = World::new();
    let node = world.node().await;
    let (_, secret) = node.mint(&world.token("alice", &[]), json!({"name": "a", "expires_in": 60})).await;
    let (_, other) = node.mint(&world.token("alice", &[]), json!({"name": "b", "expires_in": 60})).await;
    let seen = revoke(&node, &format!("token={secret}&token_type_hint=access_token")).await;
    assert_eq!((seen.status, &*seen.text), (200, ""));
    assert_eq!(node.called(&secret).await, (401, "invalid_key".to_owned()));
    assert_eq!(node.called(&other).await.0, 200);
    assert_eq!(revoke(&node, &format!("token={secret}")).await.status, 200, "twice is fine");
    assert_eq!(world.events.actions(), ["key.create", "key.create", "key.revoke"]);
}

#[tokio::test]
async fn an_unknown_key_is_answered_like_a_known_one() {
    let world = World::new();
    let node = world.node().await;
    let junk = format!("atk_{}", "0".repeat(49));
    let seen = revoke(&node, &format!("token={junk}")).await;
    assert_eq!((seen.status, &*seen.text), (200, ""));
}

#[tokio::test]
async fn what_is_not_ours_to_revoke_is_said_to_be_so() {
    let world = World::new();
    let node = world.node().await;
    let token = world.token("alice", &[]);
    for (form, code) in [
        (&*format!("token={token}"), "unsupported_token_type"),
        ("token_type_hint=access_token", "invalid_request"),
        ("token=", "invalid_request"),
        ("token=atk_a&token=atk_b", "invalid_request"),
    ] {
        let seen = revoke(&node, form).await;
        assert_eq!((seen.status, &seen.json), (400, &json!({"error": code})), "{form}");
    }
    let json = Request::post("/attach/v1/revoke").header("content-type", "application/json");
    assert_eq!(node.send(json, "token=atk_a").await.status, 400);
    assert_eq!(node.send(Request::get("/attach/v1/revoke?token=atk_a"), "").await.status, 405);
    assert_eq!(node.called(&token).await.0, 200);
}

#[tokio::test]
async fn while_the_store_is_down_nothing_is_called_revoked() {
    let world = World::new();
    let node = world.node().await;
    let (_, secret) = node.mint(&world.token("alice", &[]), json!({"name": "a", "expires_in": 60})).await;
    world.store.lose();
    super::nodes::until(async || node.called(&secret).await.0 == 503).await;
    let seen = revoke(&node, &format!("token={secret}")).await;
    assert_eq!(seen.status, 503);
    assert_eq!(seen.headers["retry-after"], "1");
}
