//! A key works for as long as its owner is seen, with the rights the owner has then.

use std::time::Duration;

use attach_core::Identity;
use serde_json::json;

use super::world::World;

const HOUR: Duration = Duration::from_secs(3600);

#[tokio::test]
async fn a_key_sleeps_until_its_owner_is_seen_again() {
    let world = World::new();
    let node = world.node().await;
    let (_, secret) =
        node.mint(&world.token("alice", &["eng"]), json!({"name": "a", "expires_in": 864_000})).await;
    world.clock.advance(23 * HOUR);
    assert_eq!(node.called(&secret).await.0, 200);
    world.clock.advance(HOUR);
    assert_eq!(
        node.called(&secret).await,
        (401, "owner_unconfirmed".to_owned()),
        "its own use confirms nobody"
    );
    assert_eq!(node.called(&world.token("bob", &["eng"])).await.0, 200);
    assert_eq!(node.called(&secret).await.0, 401);
    assert_eq!(node.called(&world.token("alice", &["eng"])).await.0, 200);
    assert_eq!(node.called(&secret).await.0, 200);
}

#[tokio::test]
async fn a_key_has_the_groups_its_owner_has_now_and_never_more_than_it_was_given() {
    let world = World::new();
    let node = world.node().await;
    let old = world.token("alice", &["eng", "ops"]);
    let (_, all) = node.mint(&old, json!({"name": "a", "expires_in": 3600})).await;
    let (_, some) = node.mint(&old, json!({"name": "b", "expires_in": 3600, "groups": ["eng"]})).await;
    let groups = async |secret: &str| node.call(secret).await.json["groups"].clone();
    assert_eq!((groups(&all).await, groups(&some).await), (json!(["eng", "ops"]), json!(["eng"])));
    world.clock.advance(Duration::from_secs(1));
    node.call(&world.token("alice", &["ops", "new"])).await;
    assert_eq!((groups(&all).await, groups(&some).await), (json!(["new", "ops"]), json!([])));
    assert_eq!(node.called(&old).await.0, 200);
    assert_eq!(groups(&all).await, json!(["new", "ops"]), "an older token brings nothing back");
    let (_, third) = node.mint(&old, json!({"name": "c", "expires_in": 3600})).await;
    assert_eq!(groups(&third).await, json!(["new", "ops"]), "nor does a key that it mints");
    world.clock.advance(Duration::from_secs(1));
    node.call(&world.token("alice", &["leavers"])).await;
    assert_eq!(node.called(&all).await.0, 403, "rules meet the key as they meet its owner");
}

#[tokio::test]
async fn uses_are_written_once_a_minute_at_most_and_never_by_the_call() {
    let world = World::new();
    let node = world.node().await;
    let alice = world.token("alice", &[]);
    let (_, secret) = node.mint(&alice, json!({"name": "a", "expires_in": 3600})).await;
    let written = || (world.store.writes("used/"), world.store.writes("owner/"));
    for _ in 0..5 {
        node.call(&secret).await;
        node.call(&alice).await;
    }
    assert_eq!(written(), (0, 1), "minting described the owner");
    for _ in 0..3 {
        node.call(&secret).await;
        node.keys.flush().await.expect("written");
    }
    assert_eq!(written(), (1, 1));
    world.clock.advance(Duration::from_secs(59));
    node.call(&secret).await;
    node.call(&world.token("alice", &[])).await;
    node.keys.flush().await.expect("written");
    assert_eq!(written(), (1, 1));
    world.clock.advance(Duration::from_secs(1));
    node.call(&secret).await;
    node.call(&world.token("alice", &[])).await;
    node.keys.flush().await.expect("written");
    node.keys.flush().await.expect("written");
    assert_eq!(written(), (2, 2));
    node.call(&world.token("alice", &["changed"])).await;
    world.clock.advance(Duration::from_secs(1));
    node.call(&world.token("alice", &["changed"])).await;
    node.keys.flush().await.expect("written");
    assert_eq!(written(), (2, 3), "what changes rights does not wait");
}

#[tokio::test]
async fn people_without_keys_are_not_written_down() {
    let world = World::new();
    let node = world.node().await;
    node.keys.confirm(&Identity::person("idp.test", "alice"));
    node.call(&world.token("alice", &[])).await;
    node.keys.flush().await.expect("nothing to do");
    assert_eq!(world.store.writes(""), 0);
}
