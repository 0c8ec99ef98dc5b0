//! Whoever loses the right to go on loses it with every key.

use std::time::{Duration, SystemTime};

use attach_auth::Clock;
use attach_auth::revocation::{Effect, Fact, Subject};
use serde_json::json;

use super::nodes::until;
use super::world::World;

const DIRECTORY: &str = "idp.test";

fn fact(subject: Subject, effect: Effect) -> [Fact; 1] {
    [Fact::new(DIRECTORY, subject, effect, "scim")]
}

#[tokio::test]
async fn a_disabled_owner_has_no_working_key_on_any_node_within_a_second() {
    let world = World::new();
    let (one, two) = (world.node().await, world.node().await);
    let alice = world.token_with(json!({"sub": "alice", "email": "alice@example.test"}));
    let (_, secret) = one.mint(&alice, json!({"name": "a", "expires_in": 864_000})).await;
    until(async || two.called(&secret).await.0 == 200).await;
    for subject in [Subject::User("alice".into()), Subject::name("Alice@Example.test")] {
        one.revocations.record(&fact(subject.clone(), Effect::Disabled)).await.expect("recorded");
        assert_eq!(one.called(&secret).await, (401, "revoked".to_owned()));
        until(async || two.called(&secret).await == (401, "revoked".to_owned())).await;
        two.keys.flush().await.expect("written");
        one.revocations.record(&fact(subject, Effect::Enabled)).await.expect("recorded");
        assert_eq!(one.called(&secret).await.0, 200, "who is enabled again has what they had");
    }
}

#[tokio::test]
async fn a_logout_everywhere_ends_earlier_keys_for_good_and_no_later_one() {
    let world = World::new();
    let node = world.node().await;
    let (_, earlier) =
        node.mint(&world.token("alice", &[]), json!({"name": "a", "expires_in": 864_000})).await;
    let (_, of_bob) = node.mint(&world.token("bob", &[]), json!({"name": "b", "expires_in": 864_000})).await;
    world.clock.advance(Duration::from_secs(1));
    let logout: SystemTime = world.clock.now();
    let subject = Subject::User("alice".into());
    node.revocations.record(&fact(subject, Effect::NotBefore(logout))).await.expect("recorded");
    assert_eq!(node.called(&earlier).await, (401, "revoked".to_owned()));
    assert_eq!(node.called(&of_bob).await.0, 200);
    world.clock.advance(Duration::from_secs(1));
    let again = world.token("alice", &[]);
    let (_, later) = node.mint(&again, json!({"name": "c", "expires_in": 864_000})).await;
    assert_eq!(node.called(&later).await.0, 200);
    assert_eq!(node.called(&earlier).await.0, 401, "signing in again wakes no ended key");
    node.keys.flush().await.expect("written");
    assert_eq!(
        node.called(&earlier).await,
        (401, "invalid_key".to_owned()),
        "revoked before the fact is forgotten"
    );
    assert_eq!(node.called(&later).await.0, 200);
    assert!(world.events.text().contains("revocation"));
}

#[tokio::test]
async fn a_disabled_owner_is_not_confirmed_by_a_token_that_still_lives() {
    let world = World::new();
    let node = world.node().await;
    let (_, secret) =
        node.mint(&world.token("alice", &[]), json!({"name": "a", "expires_in": 864_000})).await;
    let subject = Subject::User("alice".into());
    node.revocations.record(&fact(subject.clone(), Effect::Disabled)).await.expect("recorded");
    world.clock.advance(Duration::from_secs(86_400));
    node.call(&world.token("alice", &[])).await;
    node.revocations.record(&fact(subject, Effect::Enabled)).await.expect("recorded");
    assert_eq!(node.called(&secret).await, (401, "owner_unconfirmed".to_owned()));
}
