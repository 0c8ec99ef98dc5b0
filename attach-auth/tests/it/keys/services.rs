//! The life of a service identity, as administrators see it and as its callers do.

use std::time::Duration;

use attach_auth::keys::{KeyError, NewService, Owners, ServiceState};
use attach_auth::revocation::{Effect, Fact, Subject};
use serde_json::{Value, json};

use super::world::{Node, World};

const DAY: Duration = Duration::from_secs(86_400);

fn ci() -> Value {
    json!({
        "directory": "acme", "name": "ci", "purpose": "nightly, builds", "owners": ["ann", "bea"],
        "expires_in": 100 * 86_400, "groups": ["builders"], "scopes": ["llm"], "models": ["gpt-4*"],
    })
}

async fn create(node: &Node, body: Value) -> String {
    let seen = node.admin("POST", "/admin/v1/services", body).await;
    assert_eq!(seen.status, 201, "{}", seen.text);
    seen.json["secret"].as_str().expect("a secret").to_owned()
}

async fn rotate(node: &Node) -> String {
    let seen = node.admin("POST", "/admin/v1/services/acme/ci/rotate", json!(null)).await;
    assert_eq!(seen.status, 201, "{}", seen.text);
    seen.json["secret"].as_str().expect("a secret").to_owned()
}

async fn state(node: &Node) -> String {
    let seen = node.admin("GET", "/admin/v1/services/acme/ci", json!(null)).await;
    seen.json["state"].as_str().unwrap_or_default().to_owned()
}

fn reason(node: &Node, secret: &str) -> String {
    node.keys.authenticate(secret).expect_err("is refused").reason().to_owned()
}

#[tokio::test]
async fn a_service_calls_as_itself_with_what_it_was_granted() {
    let world = World::new();
    let node = world.node().await;
    let secret = create(&node, ci()).await;
    let who = node.call(&secret).await.json;
    assert_eq!(
        (&who["directory"], &who["id"], &who["kind"]),
        (&json!("acme"), &json!("service:ci"), &json!("service"))
    );
    assert_eq!(
        (&who["groups"], &who["scopes"], &who["proof"]),
        (&json!(["builders"]), &json!(["llm"]), &json!("key"))
    );
    assert_eq!((node.chat(&secret, "gpt-4o").await.0, node.chat(&secret, "llama3").await.0), (200, 403));
    let own = node.own("POST", "", &secret, json!({"name": "x", "expires_in": 60})).await;
    assert_eq!(own.status, 403);
    world.clock.advance(2 * DAY);
    assert_eq!(node.called(&secret).await.0, 200, "a service has nobody who signs in each day");
    assert_eq!(world.events.actions(), ["service.create", "service.rotate"]);
}

#[tokio::test]
async fn two_keys_work_while_they_are_exchanged_and_no_third() {
    let world = World::new();
    let (node, other) = (world.node().await, world.node().await);
    let first = create(&node, ci()).await;
    world.clock.advance(Duration::from_secs(1));
    let second = rotate(&node).await;
    assert_eq!((node.called(&first).await.0, node.called(&second).await.0), (200, 200));
    world.clock.advance(Duration::from_secs(1));
    let third = rotate(&node).await;
    assert_eq!(node.called(&first).await, (401, "invalid_key".to_owned()));
    assert_eq!((node.called(&second).await.0, node.called(&third).await.0), (200, 200));
    super::nodes::until(async || other.called(&third).await.0 == 200).await;
    let keys = node.admin("GET", "/admin/v1/keys", json!(null)).await;
    let ids: Vec<&str> =
        keys.json["keys"].as_array().expect("keys").iter().filter_map(|key| key["id"].as_str()).collect();
    assert_eq!(ids.len(), 2);
    assert_eq!(node.admin("DELETE", &format!("/admin/v1/keys/{}", ids[0]), json!(null)).await.status, 204);
    assert_eq!((node.called(&second).await.0, node.called(&third).await.0), (401, 200));
    assert_eq!(node.admin("DELETE", "/admin/v1/keys/key_nobodys", json!(null)).await.status, 404);
}

#[tokio::test]
async fn an_administrator_stops_a_service_and_lets_it_go_on() {
    let world = World::new();
    let (node, other) = (world.node().await, world.node().await);
    let secret = create(&node, ci()).await;
    let act = async |verb: &str| {
        node.admin("POST", &format!("/admin/v1/services/acme/ci/{verb}"), json!(null)).await.status
    };
    assert_eq!(act("disable").await, 204);
    assert_eq!(node.called(&secret).await, (401, "service_disabled".to_owned()));
    super::nodes::until(async || other.called(&secret).await.0 == 401).await;
    assert_eq!(state(&node).await, "disabled");
    assert_eq!(act("rotate").await, 409);
    assert_eq!(act("enable").await, 204);
    assert_eq!(node.called(&secret).await.0, 200);
    assert_eq!(act("explode").await, 404);
    let nobody = node.admin("POST", "/admin/v1/services/acme/cd/disable", json!(null)).await;
    assert_eq!((nobody.status, &*nobody.code()), (404, "not_found"));
}

#[tokio::test]
async fn a_service_that_nobody_uses_is_disabled_and_stays_so() {
    let world = World::new();
    let node = world.node().await;
    let secret = create(&node, ci()).await;
    world.clock.advance(29 * DAY);
    assert_eq!(node.called(&secret).await.0, 200);
    assert_eq!(node.services.sweep().await, Ok(0));
    world.clock.advance(29 * DAY);
    node.keys.flush().await.expect("written");
    assert_eq!(node.called(&secret).await.0, 200, "it was used 29 days ago");
    world.clock.advance(30 * DAY);
    assert_eq!((node.called(&secret).await.0, reason(&node, &secret)), (401, "service_idle".to_owned()));
    assert_eq!(node.services.sweep().await, Ok(1));
    assert_eq!(node.services.sweep().await, Ok(0));
    assert_eq!(state(&node).await, "idle");
    assert_eq!(node.admin("POST", "/admin/v1/services/acme/ci/enable", json!(null)).await.status, 204);
    assert_eq!(node.called(&secret).await.0, 200);
}

#[tokio::test]
async fn a_service_works_while_one_owner_is_left() {
    let world = World::new();
    let node = world.node().await;
    let secret = create(&node, ci()).await;
    let record = async |id: &str, effect| {
        let fact = Fact::new("acme", Subject::User(id.into()), effect, "scim");
        node.revocations.record(&[fact]).await.expect("recorded");
    };
    record("ann", Effect::NotBefore(std::time::SystemTime::now())).await;
    record("bea", Effect::NotBefore(std::time::SystemTime::now())).await;
    assert_eq!(node.called(&secret).await.0, 200, "who logged out still answers for it");
    record("ann", Effect::Disabled).await;
    assert_eq!(node.called(&secret).await.0, 200);
    record("bea", Effect::Disabled).await;
    assert_eq!((node.called(&secret).await.0, reason(&node, &secret)), (401, "service_ownerless".to_owned()));
    assert_eq!(node.services.sweep().await, Ok(1));
    record("bea", Effect::Enabled).await;
    assert_eq!(
        (&*state(&node).await, node.called(&secret).await.0),
        ("ownerless", 401),
        "until somebody looks"
    );
    node.services.enable("root", ("acme", "ci"), None).await.expect("enabled");
    assert_eq!(node.called(&secret).await.0, 200);
}

#[tokio::test]
async fn a_service_of_a_group_works_while_the_group_has_members() {
    let world = World::new();
    let node = world.node().await;
    for (group, expected) in [("platform", ServiceState::Active), ("ghosts", ServiceState::Ownerless)] {
        let new = NewService::new("acme", group, "test", Owners::Group(group.into()), DAY);
        assert_eq!(node.services.create("root", new).await.expect("created").state, expected);
    }
}

#[tokio::test]
async fn a_service_ends_unless_its_end_is_moved() {
    let world = World::new();
    let node = world.node().await;
    let mut body = ci();
    body["expires_in"] = json!(60);
    let secret = create(&node, body).await;
    world.clock.advance(Duration::from_secs(60));
    assert_eq!((node.called(&secret).await.0, &*state(&node).await), (401, "expired"));
    let enable = async |body| node.admin("POST", "/admin/v1/services/acme/ci/enable", body).await.status;
    assert_eq!(enable(json!(null)).await, 409);
    assert_eq!(enable(json!({"expires_in": 366 * 86_400})).await, 400);
    assert_eq!(enable(json!({"expires_in": 86_400})).await, 204);
    assert_eq!(
        node.called(&secret).await,
        (401, "key_expired".to_owned()),
        "a key ends when it said it would"
    );
    assert_eq!(node.called(&rotate(&node).await).await.0, 200);
}

#[tokio::test]
async fn what_no_service_can_be_is_refused() {
    let world = World::new();
    let node = world.node().await;
    create(&node, ci()).await;
    for (changes, status, code) in [
        (json!({}), 409, "already_exists"),
        (json!({"name": "CI"}), 400, "invalid_key_request"),
        (json!({"name": "a/b"}), 400, "invalid_key_request"),
        (json!({"name": "x", "owners": ["ann"]}), 400, "invalid_key_request"),
        (json!({"name": "x", "owners": ["ann", "ann"]}), 400, "invalid_key_request"),
        (json!({"name": "x", "owning_group": "g"}), 400, "invalid_key_request"),
        (json!({"name": "x", "purpose": ""}), 400, "invalid_key_request"),
        (json!({"name": "x", "expires_in": 366 * 86_400}), 400, "invalid_key_request"),
        (json!({"name": "x", "models": [""]}), 400, "invalid_key_request"),
    ] {
        let mut body = ci();
        body.as_object_mut().expect("an object").extend(changes.as_object().expect("an object").clone());
        let seen = node.admin("POST", "/admin/v1/services", body).await;
        assert_eq!((seen.status, &*seen.code()), (status, code), "{changes}");
    }
    let gone = node.services.rotate("root", "acme", "nobody").await;
    assert_eq!(gone.err(), Some(KeyError::NotFound));
}

#[tokio::test]
async fn the_inventory_names_every_service_and_who_answers_for_it() {
    let world = World::new();
    let node = world.node().await;
    let secret = create(&node, ci()).await;
    let bots = json!({
        "directory": "acme", "name": "bots", "purpose": "=1+1", "owning_group": "platform", "expires_in": 60,
    });
    create(&node, bots).await;
    node.call(&secret).await;
    let csv = node.admin("GET", "/admin/v1/services/export?format=csv", json!(null)).await;
    assert_eq!(csv.headers["content-type"], "text/csv; charset=utf-8");
    let lines: Vec<&str> = csv.text.split("\r\n").collect();
    assert_eq!(
        lines[0],
        "directory,name,purpose,owning_group,owners,expires_at,last_used_at,state,key_prefixes"
    );
    assert!(lines[1].starts_with("acme,bots,\"'=1+1\",platform,,2"), "{}", lines[1]);
    assert!(lines[2].starts_with("acme,ci,\"nightly, builds\",,ann bea,2"), "{}", lines[2]);
    assert!(lines[2].ends_with(&format!("Z,active,{}", &secret[..10])), "{}", lines[2]);
    let json_lines = node.admin("GET", "/admin/v1/services/export", json!(null)).await.text;
    let parsed: Vec<Value> =
        json_lines.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(
        (parsed.len(), &parsed[1]["name"], &parsed[1]["owners"]),
        (2, &json!("ci"), &json!(["ann", "bea"]))
    );
    assert!(parsed[0]["last_used_at"].is_null() && parsed[1]["last_used_at"].is_string());
    assert_eq!(node.admin("GET", "/admin/v1/services/export?format=xls", json!(null)).await.status, 400);
    let list = node.admin("GET", "/admin/v1/services", json!(null)).await;
    assert_eq!(list.json["services"][1]["created_by"], "root");
}
