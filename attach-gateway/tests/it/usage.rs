//! `attach-gateway audit usage`: who used how much, from the audit log.

use serde_json::{Value, json};

use crate::support::gateway::Finished;
use crate::support::{CHATS, Launch, Upstream, World, question, streamed};

async fn usage(world: &World, arguments: &[&str]) -> Finished {
    let folder = world.gateway.audit_folder().display().to_string();
    let finished = Launch::bare().arguments(&[&["audit", "usage", &folder], arguments].concat()).run().await;
    assert!(finished.ok, "{finished:?}");
    finished
}

/// The lines of a table, by the names in its first.
fn table(finished: &Finished) -> Vec<Value> {
    let mut lines = finished.stdout.split_terminator("\r\n").map(|line| line.split(',').collect::<Vec<_>>());
    let names = lines.next().expect("a line of names");
    lines.map(|line| names.iter().zip(line).map(|(name, value)| (*name, value)).collect()).collect()
}

async fn called() -> (World, Vec<String>) {
    let world = World::with(Upstream::model().await, |launch| launch).await;
    let mut ids = Vec::new();
    for path in CHATS {
        for body in [question(path, "gpt-4o", "hello"), streamed(path, "gpt-4o", "hello")] {
            ids.push(world.post(path).json(&body).send().await.expect(200).id());
        }
    }
    world.post(CHATS[0]).json(&json!({})).send().await.expect(400);
    let call = world.gateway.post(CHATS[0]).bearer(&world.token("bob"));
    ids.push(call.json(&question(CHATS[0], "gpt-4o", "hello")).send().await.expect(200).id());
    (world, ids)
}

#[tokio::test]
async fn every_call_that_was_answered_is_one_line_and_says_what_the_log_says() {
    let (world, ids) = called().await;
    let lines = table(&usage(&world, &["--by", "call"]).await);
    let listed: Vec<_> = lines.iter().map(|line| line["id"].as_str().unwrap()).collect();
    assert_eq!(listed, ids);
    for (line, id) in lines.iter().zip(&ids) {
        let trail = world.gateway.trail(id);
        let outcome = trail.outcome();
        for (column, recorded) in [
            ("input_tokens", &outcome["usage"]["input_tokens"]),
            ("output_tokens", &outcome["usage"]["output_tokens"]),
            ("stream", &outcome["model"]["stream"]),
        ] {
            assert_eq!(line[column], recorded.to_string(), "{line}");
        }
        assert_eq!(
            (&line["user"], &line["model_requested"], &line["end"], &line["source"]),
            (&outcome["actor"]["sub"], &json!("gpt-4o"), &outcome["end"], &outcome["usage"]["source"])
        );
        assert_eq!(line["cost_usd"], "", "nobody gave a price");
    }
}

#[tokio::test]
async fn sums_are_by_day_and_caller() {
    let (world, ids) = called().await;
    let lines =
        table(&usage(&world, &["--by", "day,directory,user,client,model,upstream", "--format", "csv"]).await);
    let single = table(&usage(&world, &["--by", "call"]).await);
    let requests: u64 =
        lines.iter().map(|line| line["requests"].as_str().unwrap().parse::<u64>().unwrap()).sum();
    assert_eq!(requests, ids.len() as u64);
    let number = |line: &Value| line["output_tokens"].as_str().unwrap().parse::<u64>().unwrap();
    assert_eq!(lines.iter().map(number).sum::<u64>(), single.iter().map(number).sum::<u64>());
    let bob: Vec<_> = lines.iter().filter(|line| line["user"] == "bob").collect();
    assert_eq!((bob.len(), bob[0]["requests"].as_str()), (1, Some("1")));
}

#[tokio::test]
async fn a_time_that_is_over_or_to_come_has_no_calls() {
    let (world, ids) = called().await;
    assert_eq!(table(&usage(&world, &["--by", "call", "--since", "2026-01-01"]).await).len(), ids.len());
    assert!(table(&usage(&world, &["--by", "call", "--until", "2026-01-01"]).await).is_empty());
    assert!(table(&usage(&world, &["--by", "call", "--since", "2999-01-01T00:00:00Z"]).await).is_empty());
}

#[tokio::test]
async fn events_have_what_cloudevents_demand_and_ids_of_their_own() {
    let (world, ids) = called().await;
    let printed = usage(&world, &["--by", "call", "--format", "cloudevents"]).await;
    let events: Vec<Value> =
        printed.stdout.lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect();
    let counted = |id: &String| {
        let usage = world.gateway.trail(id).outcome()["usage"].clone();
        ["input_tokens", "output_tokens"].into_iter().filter(move |kind| usage[*kind] != 0).count()
    };
    assert_eq!(events.len(), ids.iter().map(counted).sum::<usize>());
    let mut seen = std::collections::HashSet::new();
    for event in &events {
        assert_eq!(
            (&event["specversion"], &event["type"], &event["source"]),
            (&json!("1.0"), &json!("prompt"), &json!("attach-gateway"))
        );
        assert!(event["data"]["tokens"].as_u64().unwrap() > 0);
        assert!(["input", "output"].contains(&event["data"]["type"].as_str().unwrap()));
        assert!(seen.insert(event["id"].as_str().unwrap().to_owned()));
        assert!(ids.iter().any(|id| event["id"].as_str().unwrap().starts_with(&**id)));
    }
}

#[tokio::test]
async fn sums_count_refusals_and_every_format_says_the_same() {
    let (world, ids) = called().await;
    let csv = table(&usage(&world, &["--by", "user", "--format", "csv"]).await);
    let column = |name: &str| -> u64 {
        csv.iter().map(|line| line[name].as_str().unwrap().parse::<u64>().unwrap()).sum()
    };
    assert_eq!((column("requests"), column("refusals")), (ids.len() as u64, 1));
    let json = usage(&world, &["--by", "user", "--format", "json"]).await;
    let json: Vec<Value> = json.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let users = |lines: &[Value]| lines.iter().map(|line| line["user"].clone()).collect::<Vec<_>>();
    assert_eq!(users(&json), users(&csv));
    for (a, b) in json.iter().zip(&csv) {
        assert_eq!(a["input_tokens"].to_string(), b["input_tokens"].as_str().unwrap());
    }
    let printed = usage(&world, &[]).await.stdout;
    assert!(printed.starts_with("USER") && printed.contains("\nbob "), "{printed}");
    assert_eq!(printed.lines().count(), 1 + csv.len());
}

#[tokio::test]
async fn a_period_is_a_column_or_a_limit() {
    let (world, _) = called().await;
    let by_month = table(&usage(&world, &["--period", "month", "--format", "csv"]).await);
    assert!(by_month.iter().all(|line| line["month"].as_str().unwrap().len() == 7));
    assert!(table(&usage(&world, &["--period", "2001-09", "--format", "csv"]).await).is_empty());
    for wrong in [&["--by", "call,user"][..], &["--format", "cloudevents"], &["--period", "november"]] {
        let refused = Launch::bare().arguments(&[&["audit", "usage"], wrong].concat()).run().await;
        assert_eq!(refused.code, Some(2), "{refused:?}");
    }
}
