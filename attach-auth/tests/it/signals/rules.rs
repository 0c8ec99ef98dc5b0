//! Who is meant, and who may lift what somebody else said.

use attach_auth::revocation::{Effect, Fact, Subject};
use http::Method;
use serde_json::{Value, json};

use super::{ACME, PARTNER, World};

fn user(id: &str, name: &str, email: &str, active: bool) -> Value {
    json!({"userName": name, "externalId": id, "emails": [{"value": email}], "active": active})
}

async fn replace(world: &World, id: &str, user: Value) {
    let answer = world.scim(ACME, Method::PUT, &format!("/Users/{id}"), &user).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
}

#[tokio::test]
async fn a_credential_reaches_no_other_directory() {
    let world = World::new().await;
    let id = world.provision(user("00u1", "alice", "alice@x.test", true)).await;
    for method in [Method::GET, Method::PUT, Method::PATCH, Method::DELETE] {
        let answer =
            world.scim(PARTNER, method, &format!("/Users/{id}"), &user("00u1", "alice", "a@x", false)).await;
        assert_eq!(answer.status, 404);
    }
    let theirs =
        world.scim(PARTNER, Method::POST, "/Users", &user("00u1", "alice", "alice@x.test", false)).await;
    assert_eq!(theirs.status, 201);
    assert_eq!(world.call(&world.token("00u1", "alice")).await, 200, "theirs is another alice");
    assert_eq!(world.call(&world.their_token("alice")).await, 401);
    let list = world.scim(PARTNER, Method::GET, "/Users?filter=id+eq+%22x%22", &Value::Null).await;
    assert!(!list.body.contains(&id));
}

#[tokio::test]
async fn whoever_is_created_inactive_is_refused() {
    let world = World::new().await;
    world.provision(user("00u1", "alice", "alice@x.test", false)).await;
    assert_eq!(world.call(&world.token("00u1", "x")).await, 401);
}

#[tokio::test]
async fn provisioning_does_not_lift_what_an_administrator_said() {
    let world = World::new().await;
    let fact = Fact::new("acme", Subject::User("00u1".into()), Effect::Disabled, "admin");
    world.revocations.record(&[fact]).await.expect("recorded");
    let id = world.provision(user("00u1", "alice", "alice@x.test", true)).await;
    replace(&world, &id, user("00u1", "alice", "alice@x.test", false)).await;
    replace(&world, &id, user("00u1", "alice", "alice@x.test", true)).await;
    assert_eq!(world.call(&world.token("00u1", "x")).await, 401);
    let lift = Fact::new("acme", Subject::User("00u1".into()), Effect::Enabled, "admin");
    world.revocations.record(&[lift]).await.expect("recorded");
    assert_eq!(world.call(&world.token("00u1", "x")).await, 200);
}

#[tokio::test]
async fn a_rename_of_somebody_disabled_frees_the_name_but_not_what_was_issued_to_it() {
    let world = World::new().await;
    let id = world.provision(user("00u1", "alice@x.test", "alice@x.test", true)).await;
    let old = world.token("00uX", "alice@x.test");
    // Entra renames whom it deletes, in the same breath.
    replace(&world, &id, user("00u1", "00u1alice@x.test", "00u1alice@x.test", false)).await;
    assert_eq!(world.call(&world.token("00u1", "y")).await, 401);
    assert_eq!(world.call(&old).await, 401, "it was issued to the old name");
    assert_eq!(world.call(&world.token_issued("00u2", "alice@x.test", super::world::now() + 10)).await, 200);
    replace(&world, &id, user("00u1", "third@x.test", "third@x.test", false)).await;
    assert_eq!(
        world.call(&world.token_issued("00u3", "00u1alice@x.test", super::world::now() + 10)).await,
        200
    );
}

#[tokio::test]
async fn a_name_that_two_share_is_not_lifted_while_one_of_them_is_disabled() {
    let world = World::new().await;
    let one = world.provision(user("00u1", "one", "shared@x.test", false)).await;
    let two = world.provision(user("00u2", "two", "shared@x.test", false)).await;
    let token = world.token("00uX", "shared@x.test");
    replace(&world, &one, user("00u1", "one", "shared@x.test", true)).await;
    assert_eq!((world.call(&token).await, world.call(&world.token("00u1", "z")).await), (401, 200));
    replace(&world, &two, user("00u2", "two", "shared@x.test", true)).await;
    assert_eq!(world.call(&token).await, 200);
}

#[tokio::test]
async fn a_deleted_user_does_not_take_along_whoever_has_their_address_now() {
    let world = World::new().await;
    let old = world.provision(user("00u1", "old", "alice@x.test", false)).await;
    world.provision(user("00u2", "alice", "alice@x.test", true)).await;
    let issued_before = world.token("00uX", "alice@x.test");
    let gone = world.scim(ACME, Method::DELETE, &format!("/Users/{old}"), &Value::Null).await;
    assert_eq!(gone.status, 204);
    let later = super::world::now() + 10;
    assert_eq!(world.call(&world.token_issued("00u2", "alice@x.test", later)).await, 200);
    assert_eq!(world.call(&issued_before).await, 401);
    assert_eq!(world.call(&world.token_issued("00u1", "x", later)).await, 401);
}

#[tokio::test]
async fn a_put_that_says_nothing_about_active_lifts_nothing() {
    let world = World::new().await;
    let id = world.provision(user("00u1", "alice", "alice@x.test", false)).await;
    replace(&world, &id, json!({"userName": "alice", "externalId": "00u1"})).await;
    assert_eq!(world.call(&world.token("00u1", "x")).await, 401);
}

#[tokio::test]
async fn what_is_done_is_written_down_first_without_an_address() {
    let world = World::new().await;
    let id = world.provision(user("00u1", "alice@x.test", "alice@x.test", true)).await;
    replace(&world, &id, user("00u1", "alice@x.test", "alice@x.test", false)).await;
    let events = world.witness.seen();
    let actions: Vec<&str> = events.iter().map(|event| event.action).collect();
    assert_eq!(actions, ["scim.user.create", "scim.user.update"]);
    let last = &events[1];
    assert_eq!(
        (&*last.actor, last.directory.as_deref(), last.target.as_deref()),
        ("okta", Some("acme"), Some("00u1"))
    );
    assert!(last.details.iter().any(|(name, value)| *name == "active" && &**value == "false"));
    assert!(!format!("{events:?}").contains('@'));
}
