//! Two nodes over one store.

use std::time::Duration;

use attach_auth::keys::KeySettings;
use serde_json::json;

use super::world::World;

/// Waits for something that has to come within a second.
pub(super) async fn until(mut is: impl AsyncFnMut() -> bool) {
    let waited = tokio::time::timeout(Duration::from_secs(1), async {
        while !is().await {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    });
    waited.await.expect("within a second");
}

#[tokio::test]
async fn a_key_minted_on_one_node_works_on_the_other_until_it_is_revoked_there() {
    let world = World::new();
    let (one, two) = (world.node().await, world.node().await);
    let alice = world.token("alice", &["eng"]);
    let (id, secret) = one.mint(&alice, json!({"name": "a", "expires_in": 60})).await;
    until(async || two.called(&secret).await.0 == 200).await;
    assert_eq!(two.own("DELETE", &format!("/{id}"), &alice, json!(null)).await.status, 204);
    assert_eq!(two.called(&secret).await.0, 401);
    until(async || one.called(&secret).await.0 == 401).await;
    let late = world.node().await;
    assert_eq!(late.called(&secret).await, (401, "invalid_key".to_owned()));
}

#[tokio::test]
async fn two_nodes_at_once_do_not_give_one_too_many() {
    let world = World::with(KeySettings::new().per_owner(3));
    let (one, two) = (world.node().await, world.node().await);
    let alice = world.token("alice", &[]);
    let mint = |node| {
        let (alice, body) = (alice.clone(), json!({"name": "a", "expires_in": 60}));
        async move { super::world::Node::own(node, "POST", "", &alice, body).await.status }
    };
    let statuses: [u16; 6] =
        tokio::join!(mint(&one), mint(&two), mint(&one), mint(&two), mint(&one), mint(&two)).into();
    assert_eq!(statuses.iter().filter(|status| **status == 201).count(), 3, "{statuses:?}");
    assert!(statuses.iter().all(|status| matches!(status, 201 | 409)), "{statuses:?}");
}

#[tokio::test]
async fn the_last_use_and_the_owner_seen_on_one_node_reach_the_other() {
    let world = World::new();
    let (one, two) = (world.node().await, world.node().await);
    let (_, secret) =
        one.mint(&world.token("alice", &["eng"]), json!({"name": "a", "expires_in": 864_000})).await;
    world.clock.advance(Duration::from_secs(23 * 3600));
    assert_eq!(one.called(&world.token("alice", &["ops"])).await.0, 200);
    assert_eq!(one.called(&secret).await.0, 200);
    one.keys.flush().await.expect("written");
    world.clock.advance(Duration::from_secs(2 * 3600));
    until(async || two.call(&secret).await.json["groups"] == json!(["ops"])).await;
    let listed = two.admin("GET", "/admin/v1/keys", json!(null)).await;
    assert!(listed.json["keys"][0]["last_used_at"].is_string());
}

#[tokio::test]
async fn what_a_newer_token_said_on_one_node_is_not_undone_by_an_older_one_on_the_other() {
    let world = World::new();
    let (one, two) = (world.node().await, world.node().await);
    let old = world.token("alice", &["eng"]);
    let (_, secret) = one.mint(&old, json!({"name": "a", "expires_in": 3600})).await;
    world.clock.advance(Duration::from_secs(1));
    assert_eq!(one.called(&world.token("alice", &["ops"])).await.0, 200);
    let (_, later) = two.mint(&old, json!({"name": "b", "expires_in": 3600})).await;
    until(async || one.called(&later).await.0 == 200).await;
    for key in [&secret, &later] {
        assert_eq!(one.call(key).await.json["groups"], json!(["ops"]));
    }
    one.keys.flush().await.expect("written");
    until(async || two.call(&secret).await.json["groups"] == json!(["ops"])).await;
}
