//! When rows cannot be written, or events cannot be recorded: 503, and nothing was done.

use std::sync::atomic::Ordering;

use attach_auth::signals::{SignalKind, SignalOutcome};
use http::Method;
use serde_json::{Value, json};

use super::world::json_of;
use super::{ACME, World, backchannel, events, universal};

#[tokio::test]
async fn a_store_that_is_down_acknowledges_nothing_and_a_second_try_works() {
    let world = World::new().await;
    world.backend.broken.store(true, Ordering::SeqCst);
    let signals = every_signal(&world).await;
    world.backend.broken.store(false, Ordering::SeqCst);
    nothing_happened_until_now(&world, signals).await;
}

#[tokio::test]
async fn without_a_record_nothing_is_done_and_a_second_try_works() {
    let world = World::new().await;
    world.witness.blind.store(true, Ordering::SeqCst);
    let signals = every_signal(&world).await;
    world.witness.blind.store(false, Ordering::SeqCst);
    assert!(world.witness.seen().is_empty());
    nothing_happened_until_now(&world, signals).await;
}

/// Sends one of each, sees each refused for now, and returns them.
async fn every_signal(world: &World) -> [String; 3] {
    let user = json!({"userName": "alice", "active": false});
    let answer = world.scim(ACME, Method::POST, "/Users", &user).await;
    assert_eq!((answer.status, json_of(&answer)["status"].clone()), (503, json!("503")));
    assert!(answer.headers.contains_key("retry-after"));
    let signals = [
        world.org.token_with(&backchannel::header(), &backchannel::claims()),
        world.org.token_with(&universal::header(), &universal::claims()),
        world.org.token_with(&events::header(), &events::claims()),
    ];
    for answer in send(world, &signals).await {
        assert_eq!(answer.status, 503, "{}", answer.body);
        assert!(answer.headers.contains_key("retry-after"));
    }
    for kind in SignalKind::ALL {
        assert_eq!(world.signals.stats().of(kind, SignalOutcome::Unavailable), 1, "{kind:?}");
    }
    signals
}

async fn send(world: &World, [logout, universal, event]: &[String; 3]) -> [crate::support::Answer; 3] {
    [
        backchannel::post(world, logout).await,
        universal::post(world, universal, &json!({"sub_id": {"format": "email", "email": "alice@x.test"}}))
            .await,
        events::post(world, event).await,
    ]
}

async fn nothing_happened_until_now(world: &World, signals: [String; 3]) {
    let token = world.token("00u1", "alice@x.test");
    assert_eq!(world.call(&token).await, 200);
    let list = world.scim(ACME, Method::GET, "/Users", &Value::Null).await;
    assert_eq!(json_of(&list)["totalResults"], 0);
    let statuses = send(world, &signals).await.map(|answer| answer.status);
    assert_eq!(statuses, [200, 204, 202]);
    assert_eq!(world.call(&token).await, 401);
}

#[tokio::test]
async fn of_two_at_once_one_is_done() {
    let world = World::new().await;
    let user = json!({"userName": "alice", "externalId": "00u1"});
    let (one, two) = tokio::join!(
        world.scim(ACME, Method::POST, "/Users", &user),
        world.scim(ACME, Method::POST, "/Users", &user)
    );
    let mut statuses = [one.status, two.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 409]);
    let token = world.org.token_with(&backchannel::header(), &backchannel::claims());
    let (one, two) = tokio::join!(backchannel::post(&world, &token), backchannel::post(&world, &token));
    let mut statuses = [one.status, two.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 400]);
}

#[tokio::test]
async fn changes_of_one_user_at_once_all_arrive() {
    let world = World::new().await;
    let id = world.provision(json!({"userName": "alice"})).await;
    let change = |name: &str| json!({"Operations": [{"op": "add", "path": name, "value": "x"}]});
    let path = format!("/Users/{id}");
    let bodies = ["title", "nickName", "locale"].map(change);
    let [a, b, c] = &bodies;
    let (a, b, c) = tokio::join!(
        world.scim(ACME, Method::PATCH, &path, a),
        world.scim(ACME, Method::PATCH, &path, b),
        world.scim(ACME, Method::PATCH, &path, c)
    );
    assert_eq!([a.status, b.status, c.status], [200; 3]);
    let user = json_of(&world.scim(ACME, Method::GET, &path, &Value::Null).await);
    assert_eq!([&user["title"], &user["nickName"], &user["locale"]], [&json!("x"); 3]);
}
