//! A secret is in the answer that minted it and nowhere else.

use std::time::Duration;

use attach_auth::keys::NewKey;
use attach_auth::state::Change;
use attach_core::Identity;
use serde_json::json;

use super::world::World;
use crate::support::Log;

#[tokio::test]
async fn no_row_no_event_no_log_line_and_no_debug_text_holds_a_secret() {
    let log = Log::start();
    let world = World::new();
    let node = world.node().await;
    let alice = world.token("alice", &["eng"]);
    let (id, own) = node.mint(&alice, json!({"name": "a", "expires_in": 60})).await;
    let body = json!({
        "directory": "acme", "name": "ci", "purpose": "builds", "owners": ["ann", "bea"], "expires_in": 60,
    });
    let created = node.admin("POST", "/admin/v1/services", body).await;
    let service = created.json["secret"].as_str().expect("a secret").to_owned();
    let mut answers = String::new();
    for secret in [&own, &service] {
        answers += &node.call(secret).await.text;
        answers += &node.call(&format!("{secret}0")).await.text;
    }
    node.keys.flush().await.expect("written");
    for path in
        ["/admin/v1/keys", "/admin/v1/services", "/admin/v1/services/export", "/admin/v1/services/acme/ci"]
    {
        answers += &node.admin("GET", path, json!(null)).await.text;
    }
    answers += &node.own("GET", "", &alice, json!(null)).await.text;
    answers += &node.own("DELETE", &format!("/{id}"), &alice, json!(null)).await.text;
    answers += &node.call(&own).await.text;
    let mut rows = String::new();
    for change in world.store.told.lock().expect("no panic").iter() {
        rows += change.key();
        if let Change::Put(row, _) = change {
            rows += &String::from_utf8_lossy(&row.value);
        }
    }
    let owner = Identity::person("idp.test", "carol-the-owner");
    let minted =
        node.keys.mint(&owner, NewKey::new("my laptop", Duration::from_secs(60))).await.expect("a key");
    let debug = format!("{minted:?} {:?} {:?} {:?}", node.keys, node.services, node.services.list());
    let log = log.lines_with("").join("\n");
    for secret in [&own, &service] {
        // What is shown of it on purpose is its beginning.
        let hidden = &secret[10..];
        for (place, text) in [
            ("rows", &rows),
            ("events", &world.events.text()),
            ("answers", &answers),
            ("log", &log),
            ("debug", &debug),
        ] {
            assert!(!text.contains(hidden), "{place}");
        }
        assert!(rows.contains(&secret[..10]), "the rows are those of this key");
    }
    for hidden in [minted.1.reveal(), "carol-the-owner", "my laptop", "ann"] {
        assert!(!debug.contains(hidden), "{debug}");
    }
}
