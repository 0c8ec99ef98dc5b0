//! `GET /admin/v1/audit`: who may read the log, what they get, and that it is on record.

use serde_json::{Value, json};

use crate::support::admin::config;
use crate::support::{CHATS, Governed, Issuer, Launch, Upstream, question};

const AUDIT: &str = "/admin/v1/audit";

async fn called() -> Governed {
    let world = Governed::start("[audit]\nindex = true\n").await;
    for (user, model) in [("alice", "gpt-4o"), ("bob", "gpt-4o"), ("alice", "claude-4")] {
        let call = world.gateway.post(CHATS[0]).bearer(&world.issuer.token(user, &[]));
        call.json(&question(CHATS[0], model, "hello")).send().await.expect(200);
    }
    world
}

async fn page(world: &Governed, query: &str) -> Value {
    let answer = world.admin("GET", &format!("{AUDIT}?{query}"), &["dco"]).send().await.expect(200);
    answer.json()
}

fn models(page: &Value) -> Vec<&str> {
    let records = page["records"].as_array().expect("records");
    records.iter().map(|record| record["model"]["requested"].as_str().expect("a model")).collect()
}

#[tokio::test]
async fn an_auditor_finds_what_is_asked_for_newest_first_and_in_pages() {
    let world = called().await;
    let alice = page(&world, "user=alice").await;
    assert_eq!(models(&alice), ["claude-4", "gpt-4o"]);
    assert_eq!((&alice["records"][0]["kind"], &alice["next"]), (&json!("outcome"), &Value::Null));
    assert_eq!(models(&page(&world, "model=gpt-*&since=1h").await).len(), 2);
    assert_eq!(models(&page(&world, "user=nobody").await).len(), 0);
    assert_eq!(models(&page(&world, "user=alice&until=1h").await).len(), 0);
    let first = page(&world, "user=alice&limit=1").await;
    assert_eq!(models(&first), ["claude-4"]);
    let next = first["next"].as_str().expect("there is more");
    let second = page(&world, &format!("user=alice&limit=1&cursor={next}")).await;
    assert_eq!((models(&second), &second["next"]), (vec!["gpt-4o"], &Value::Null));
}

#[tokio::test]
async fn only_who_may_read_the_log_does_and_it_is_on_record() {
    let world = called().await;
    for (groups, status) in [(&["dco"][..], 200), (&["ops"], 200), (&["keymasters"], 403), (&[], 403)] {
        world.admin("GET", AUDIT, groups).send().await.expect(status);
    }
    world.admin("GET", &format!("{AUDIT}?user=alice&limit=7"), &["dco"]).send().await.expect(200);
    let read = page(&world, "kind=admin&reason=audit.read&limit=2").await;
    // What asks is on record before it is answered.
    assert_eq!(read["records"][0]["custom"]["filter"], "kind=admin&reason=audit.read&limit=2");
    assert_eq!(read["records"][1]["custom"]["filter"], "user=alice&limit=7");
    assert_eq!(read["records"][1]["actor"]["uid"], "root");
    world.admin("POST", AUDIT, &["ops"]).json(&json!({})).send().await.expect(405);
}

#[tokio::test]
async fn what_makes_no_sense_is_refused() {
    let world = called().await;
    for query in ["usr=alice", "limit=0", "limit=1001", "since=soon", "cursor=nonsense", "user=a&user=b"] {
        world.admin("GET", &format!("{AUDIT}?{query}"), &["dco"]).send().await.expect(400);
    }
    let long = "x".repeat(2100);
    world.admin("GET", &format!("{AUDIT}?user={long}"), &["dco"]).send().await.expect(400);
}

#[tokio::test]
async fn without_an_index_there_is_no_such_endpoint_and_without_the_listener_no_index() {
    let world = Governed::start("").await;
    world.admin("GET", AUDIT, &["dco"]).send().await.expect(404);
    let (issuer, upstream) = (Issuer::start().await, Upstream::model().await);
    let text = config(&issuer, &upstream, "[audit]\nindex = true\n");
    let (before, rest) = text.split_once("[admin]").expect("a section");
    let (_, after) = rest.split_once("[access]").expect("a section");
    let said = Launch::file(&format!("{before}[access]{after}")).refusal().await;
    assert!(said.contains("audit.index"), "{said}");
}
