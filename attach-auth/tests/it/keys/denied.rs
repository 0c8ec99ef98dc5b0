//! What is no key, and what happens to those who keep trying.

use serde_json::json;

use super::world::{Node, World};

fn reason(node: &Node, text: &str) -> String {
    node.keys.authenticate(text).expect_err("is refused").reason().to_owned()
}

#[tokio::test]
async fn a_wrong_checksum_is_told_from_an_unknown_key_only_in_private() {
    let world = World::new();
    let (node, elsewhere) = (world.node().await, World::new());
    let (_, secret) = node.mint(&world.token("alice", &[]), json!({"name": "a", "expires_in": 60})).await;
    let other = elsewhere.node().await;
    let (_, unknown) =
        other.mint(&elsewhere.token("alice", &[]), json!({"name": "a", "expires_in": 60})).await;
    let mut mistyped = secret.clone();
    let last = if mistyped.pop() == Some('x') { 'y' } else { 'x' };
    mistyped.push(last);
    for (text, why) in [(&*mistyped, "key_malformed"), (&*unknown, "key_unknown"), ("atk_", "key_malformed")]
    {
        assert_eq!(node.called(text).await, (401, "invalid_key".to_owned()));
        assert_eq!(reason(&node, text), why);
    }
    assert_eq!(node.called(&secret).await.0, 200);
}

#[tokio::test]
async fn what_does_not_look_like_a_key_is_left_to_the_verifier_of_tokens() {
    let world = World::new();
    let node = world.node().await;
    assert_eq!(node.called(&world.token("alice", &[])).await.0, 200);
    assert_eq!(node.called("sk-something").await.0, 401);
    assert_ne!(node.called("sk-something").await.1, "invalid_key");
}

#[tokio::test]
async fn who_keeps_trying_is_slowed_down_and_a_good_key_is_not() {
    let world = World::new();
    let node = world.node().await;
    let (_, secret) = node.mint(&world.token("alice", &[]), json!({"name": "a", "expires_in": 60})).await;
    let mut statuses = Vec::new();
    for _ in 0..25 {
        statuses.push(node.called("atk_junk").await.0);
    }
    assert_eq!(statuses[..20], [401; 20]);
    assert!(statuses[20..].contains(&429), "{statuses:?}");
    let mut seen = node.call("atk_junk").await;
    for _ in 0..3 {
        seen = if seen.status == 429 { seen } else { node.call("atk_junk").await };
    }
    assert_eq!(seen.code(), "too_many_attempts");
    assert!(seen.headers["retry-after"].to_str().expect("text").parse::<u64>().expect("seconds") > 0);
    assert_eq!(node.called(&secret).await.0, 200, "from the same address");
}

#[tokio::test]
async fn without_its_store_no_key_is_taken_for_good_and_none_is_changed() {
    let world = World::new();
    let node = world.node().await;
    let alice = world.token("alice", &[]);
    let (id, secret) = node.mint(&alice, json!({"name": "a", "expires_in": 60})).await;
    world.store.lose();
    super::nodes::until(async || node.called(&secret).await.0 == 503).await;
    assert_eq!(reason(&node, &secret), "key_store_down");
    assert_eq!(node.called(&alice).await.0, 200, "a token needs no store of keys");
    let seen = node.own("POST", "", &alice, json!({"name": "b", "expires_in": 60})).await;
    assert_eq!((seen.status, &*seen.code()), (503, "key_store_unavailable"));
    assert!(seen.headers.contains_key("retry-after"));
    assert_eq!(node.own("DELETE", &format!("/{id}"), &alice, json!(null)).await.status, 503);
}

#[tokio::test]
async fn what_cannot_be_witnessed_is_not_done() {
    let world = World::new();
    let node = world.node().await;
    let alice = world.token("alice", &[]);
    let (id, secret) = node.mint(&alice, json!({"name": "a", "expires_in": 60})).await;
    let writes = world.store.writes("");
    world.events.refuses.store(true, std::sync::atomic::Ordering::Relaxed);
    assert_eq!(node.own("POST", "", &alice, json!({"name": "b", "expires_in": 60})).await.status, 503);
    assert_eq!(node.own("DELETE", &format!("/{id}"), &alice, json!(null)).await.status, 503);
    assert_eq!(world.store.writes(""), writes);
    assert_eq!(node.called(&secret).await.0, 200);
}
