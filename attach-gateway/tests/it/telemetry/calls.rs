//! What is told of calls: what they cost, and what their models are called.

use std::collections::BTreeSet;

use serde_json::json;

use super::{Watched, watched};
use crate::support::{CHATS, Issuer, Launch, Reply, Upstream, question, streamed, wire};

const PRICE: &str = "[[price]]\nmodels = \"gpt-4o\"\ninput = 2.5\noutput = 10";

#[tokio::test]
async fn the_cost_that_is_counted_is_that_of_the_records() {
    let world = watched(PRICE, |launch| launch).await;
    let mut cost = 0;
    for body in [question(CHATS[0], "gpt-4o", "hello"), streamed(CHATS[0], "gpt-4o", "a longer hello")] {
        let call = world.gateway.post(CHATS[0]).bearer(&world.issuer.token("alice", &[]));
        let answer = call.json(&body).send().await.expect(200);
        let trail = world.gateway.finished(&answer.id()).await;
        cost += trail.outcome()["usage"]["cost_microusd"].as_u64().unwrap();
    }
    world.chat("second-try").send().await.expect(200);
    let labels = [("gen_ai_request_model", "gpt-4o"), ("attach_upstream", "everything")];
    let metrics = world.metrics().await;
    assert_eq!(metrics.types["attach_cost_total"], "counter");
    let counted = |labels: &[_]| (metrics.sum("attach_cost_total", labels) * 1e6).round();
    assert!(cost > 0);
    assert_eq!((counted(&labels), counted(&[])), (cost as f64, cost as f64), "{}", metrics.text);
}

const NO_MODELS: &str = r#"
[server]
telemetry_listen = "127.0.0.1:0"

[[issuer]]
issuer = "{ISSUER}"
audience = ["api://attach-test"]

[[upstream]]
name = "everything"
kind = "openai"
url = "{UPSTREAM}"

[access]
default = "allow"
"#;

#[tokio::test]
async fn a_flood_of_names_that_no_upstream_answers_for_makes_no_series() {
    let issuer = Issuer::start().await;
    let upstream = Upstream::with(|seen| {
        let asked = if seen.method == "POST" { seen.json() } else { json!({}) };
        if asked["model"].as_str().is_some_and(|model| model.starts_with("made-up")) {
            return Reply::json(404, &json!({ "error": { "message": "no such model" } }));
        }
        wire::model(seen)
    })
    .await;
    let text = NO_MODELS.replace("{ISSUER}", issuer.url()).replace("{UPSTREAM}", &upstream.url());
    let world = Watched { gateway: Launch::file(&text).start().await, issuer, upstream };
    for n in 0..50 {
        let status = world.chat(&format!("made-up-{n}")).send().await.status;
        assert!((400..500).contains(&status), "{status}");
    }
    world.chat("gpt-4o").send().await.expect(200);
    world.chat("gpt-4o").send().await.expect(200);
    let metrics = world.metrics().await;
    let models = metrics.samples.iter().filter_map(|(_, labels, _)| labels.get("gen_ai_request_model"));
    let models: BTreeSet<_> = models.map(String::as_str).collect();
    assert_eq!(models, BTreeSet::from(["gpt-4o", "other"]), "{}", metrics.text);
    let duration = "gen_ai_server_request_duration_seconds_count";
    assert_eq!(metrics.sum(duration, &[("gen_ai_request_model", "gpt-4o")]), 2.0);
    assert_eq!(metrics.sum(duration, &[("gen_ai_request_model", "other")]), 50.0);
}
