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
