//! `attach-gateway audit query`: who did what.

use serde_json::{Value, json};

use crate::support::gateway::Finished;
use crate::support::{CHATS, Launch, Upstream, World, question};

async fn query(world: &World, arguments: &[&str]) -> Finished {
    let folder = world.gateway.audit_folder().display().to_string();
    let finished = Launch::bare().arguments(&[&["audit", "query", &folder], arguments].concat()).run().await;
    assert!(finished.ok, "{finished:?}");
    finished
}

async fn records(world: &World, arguments: &[&str]) -> Vec<Value> {
    let finished = query(world, &[arguments, &["--format", "json"]].concat()).await;
    finished.stdout.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

/// Three calls of alice, one of bob, one refusal of each kind.
async fn called() -> (World, Vec<String>) {
    let world = World::with(Upstream::model().await, |launch| launch).await;
    let mut ids = Vec::new();
    for model in ["gpt-4o", "gpt-4o-mini", "=llama"] {
        let answer = world.post(CHATS[0]).json(&question(CHATS[0], model, "hello")).send().await.expect(200);
        ids.push(answer.id());
    }
    let bob = world.gateway.post(CHATS[0]).bearer(&world.token("bob"));
    ids.push(bob.json(&question(CHATS[0], "gpt-4o", "hello")).send().await.expect(200).id());
    world.post(CHATS[0]).body("{").send().await.expect(400);
    world.gateway.post(CHATS[0]).bearer("nonsense").json(&json!({})).send().await.expect(401);
    (world, ids)
}

fn requests(records: &[Value]) -> Vec<&str> {
    records.iter().map(|record| record["req_id"].as_str().expect("an id")).collect()
}

#[tokio::test]
async fn what_is_asked_for_is_found_and_nothing_else() {
    let (world, ids) = called().await;
    for (arguments, found) in [
        (&["--user", "bob"][..], &ids[3..]),
        (&["--model", "gpt-4o"], &[ids[0].clone(), ids[3].clone()]),
        (&["--model", "gpt-*", "--user", "alice"], &ids[..2]),
        (&["--decision", "allow"], &ids),
        (&["--decision", "allow", "--limit", "2"], &ids[2..]),
        (&["--decision", "allow", "--since", "1h"], &ids),
        (&["--until", "1h"], &[]),
        (&["--upstream", "nowhere"], &[]),
        (&["--group", "nobody"], &[]),
    ] {
        assert_eq!(requests(&records(&world, arguments).await), found, "{arguments:?}");
    }
    let refused = records(&world, &["--decision", "deny"]).await;
    let reasons: Vec<_> = refused.iter().map(|record| record["decision"]["reason"].clone()).collect();
    assert_eq!(reasons, ["invalid_json", "malformed_token"]);
    assert_eq!(records(&world, &["--reason", "malformed_token"]).await, refused[1..]);
}

#[tokio::test]
async fn an_intent_and_its_outcome_are_one_line_unless_single_records_are_asked_for() {
    let (world, ids) = called().await;
    let kinds = |records: &[Value]| records.iter().map(|record| record["kind"].clone()).collect::<Vec<_>>();
    assert_eq!(kinds(&records(&world, &["--user", "bob"]).await), ["outcome"]);
    assert_eq!(kinds(&records(&world, &["--request", &ids[0]]).await), ["intent", "outcome"]);
    assert_eq!(records(&world, &["--kind", "intent"]).await.len(), ids.len());
    assert_eq!(kinds(&records(&world, &["--kind", "start"]).await), ["start"]);
}

#[tokio::test]
async fn json_is_the_line_of_the_log() {
    let (world, _) = called().await;
    let log = crate::support::audit::text(&world.gateway.audit_folder());
    let printed = query(&world, &["--format", "json"]).await.stdout;
    assert_eq!(printed.lines().count(), 6);
    assert!(printed.lines().all(|line| log.lines().any(|record| record == line)));
}

#[tokio::test]
async fn a_table_fits_a_terminal_and_a_spreadsheet_takes_nothing_for_a_formula() {
    let (world, _) = called().await;
    let table = query(&world, &[]).await.stdout;
    assert!(table.starts_with("TIME") && table.lines().count() == 7, "{table}");
    assert!(table.lines().all(|line| line.chars().count() <= 120), "{table}");
    let csv = query(&world, &["--format", "csv"]).await.stdout;
    assert!(csv.starts_with("time,kind,request,") && csv.contains(",'=llama,"), "{csv}");
    let empty = query(&world, &["--user", "nobody"]).await.stdout;
    assert_eq!(empty.lines().count(), 1, "only the names: {empty}");
}

#[tokio::test]
async fn a_request_whose_process_died_is_one_line_that_says_so() {
    let (world, ids) = called().await;
    // The log as a crash leaves it: an intent without an outcome, and a start after it.
    let folder = crate::support::TempDir::new();
    let log = crate::support::audit::text(&world.gateway.audit_folder());
    let intent = log.lines().find(|line| line.contains(&ids[3]) && line.contains("\"kind\":\"intent\""));
    let intent: Value = serde_json::from_str(intent.expect("an intent")).expect("JSON");
    let mut orphan = intent.clone();
    for (member, value) in [
        ("kind", json!("orphan")),
        ("intent_id", intent["id"].clone()),
        ("actor", json!({"kind": "system"})),
        ("decision", json!({"result": "error", "reason": "crash"})),
        ("end", json!("crash")),
    ] {
        orphan[member] = value;
    }
    let file = folder.path().join("saved.jsonl");
    std::fs::write(&file, format!("{intent}\n")).unwrap();
    let path = file.display().to_string();
    let ask = async |arguments: &[&str]| {
        Launch::bare().arguments(&[&["audit", "query", &path], arguments].concat()).run().await.stdout
    };
    let running = ask(&["--user", "bob"]).await;
    assert!(running.lines().nth(1).expect("a line").contains("running"), "{running}");
    std::fs::write(&file, format!("{intent}\n{orphan}\n")).unwrap();
    let crashed = ask(&["--user", "bob", "--decision", "error"]).await;
    let line = crashed.lines().nth(1).expect("a line");
    assert!(crashed.lines().count() == 2 && line.contains("bob") && line.contains("crash"), "{crashed}");
}

#[tokio::test]
async fn nothing_to_read_and_nothing_between_are_errors() {
    for arguments in [
        &["audit", "query", "/nonexistent"][..],
        &["audit", "query", "--since", "2026-02-01", "--until", "2026-01-01"],
        &["audit", "query", "--since", "soon"],
        &["audit", "query", "--kind", "dream"],
    ] {
        let refused = Launch::bare().arguments(arguments).run().await;
        assert_eq!(refused.code, Some(2), "{arguments:?}: {refused:?}");
    }
}
