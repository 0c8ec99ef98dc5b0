//! What a record says beyond who and how it ended: cost, provider, ids of others, times, rules.

use serde_json::json;

use crate::support::{CHATS, Reply, Upstream, World, question, streamed, wire};

const FILE: &str = r#"
[[issuer]]
directory = "acme"
issuer = "{ISSUER}"
audience = ["api://attach-test"]

[[upstream]]
name = "remote"
kind = "openai"
url = "{UPSTREAM}"

[[model]]
name = "gpt-4o"
to = ["remote"]

[[model]]
name = "other"
to = ["remote"]

[[price]]
models = "gpt-4o"
input = 2.5
output = 10

[access]
default = "allow"
"#;

async fn world(text: &str) -> World {
    let upstream = Upstream::with(|seen| wire::model(seen).header("x-request-id", "req_42")).await;
    World::file(upstream, text).await
}

#[tokio::test]
async fn a_call_is_recorded_with_its_cost_and_the_ids_that_others_know_it_by() {
    let mut world = world(FILE).await;
    for body in [question(CHATS[0], "gpt-4o", "hello"), streamed(CHATS[0], "gpt-4o", "hello")] {
        let call = world.post(CHATS[0]).header("X-Client-Request-Id", "mine-7");
        let call = call.header("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
        let answer = call.json(&body).send().await.expect(200);
        assert_ne!(answer.id(), "mine-7");
        let trail = world.gateway.trail(&answer.id());
        let (intent, outcome) = (trail.intent(), trail.outcome());
        for record in [intent, outcome] {
            assert_eq!(record["client_req_id"], "mine-7");
            assert_eq!(record["trace_id"], "0af7651916cd43dd8448eb211c80319c");
        }
        let (model, usage, timing) = (&outcome["model"], &outcome["usage"], &outcome["timing"]);
        assert_eq!((&model["provider"], &model["attempts"]), (&json!("openai"), &json!(1)));
        assert_eq!(model["upstream_req_id"], "req_42");
        let tokens = |name: &str| usage[name].as_u64().unwrap();
        // USD 2.50 and 10 for a million tokens.
        let cost = (tokens("input_tokens") * 25 + tokens("output_tokens") * 100).div_ceil(10);
        assert_eq!(usage["cost_microusd"], cost, "{usage}");
        assert!(cost > 0);
        let time = |name: &str| timing[name].as_f64().unwrap();
        assert!(time("upstream_ms") > 0.0 && time("upstream_ms") <= time("total_ms"), "{timing}");
        assert!(intent["mono_ns"].as_u64() < outcome["mono_ns"].as_u64());
    }
    world.gateway.stop_and_verify().await;
}

#[tokio::test]
async fn what_has_no_price_has_no_cost() {
    let world = world(FILE).await;
    let answer = world.post(CHATS[0]).json(&question(CHATS[0], "other", "hello")).send().await.expect(200);
    let usage = &world.gateway.trail(&answer.id()).outcome()["usage"].clone();
    assert!(usage["output_tokens"].as_u64() > Some(0) && usage.get("cost_microusd").is_none(), "{usage}");
}

#[tokio::test]
async fn a_call_that_nothing_came_of_costs_nothing_and_says_how_long_it_was_waited_for() {
    let upstream = Upstream::with(|_| Reply::close()).await;
    let world = World::file(upstream, FILE).await;
    let answer = world.post(CHATS[0]).json(&question(CHATS[0], "gpt-4o", "hello")).send().await.expect(502);
    let trail = world.gateway.finished(&answer.id()).await;
    let outcome = trail.outcome();
    assert_eq!(
        (&outcome["usage"]["source"], &outcome["usage"]["cost_microusd"]),
        (&json!("none"), &json!(0))
    );
    assert!(outcome["timing"]["upstream_ms"].as_f64() > Some(0.0));
    assert_eq!((&outcome["end"], &outcome["model"]["attempts"]), (&json!("upstream_error"), &json!(1)));
}

#[tokio::test]
async fn it_is_on_record_by_which_rules_a_call_was_redacted() {
    let ruleset = async |more: &str| {
        let world = world(&format!("{FILE}\n{more}")).await;
        let body = question(CHATS[0], "gpt-4o", "write to bob@example.org");
        let answer = world.post(CHATS[0]).json(&body).send().await.expect(200);
        let trail = world.gateway.trail(&answer.id());
        let redaction = trail.outcome()["redaction"].clone();
        assert_eq!(trail.intent()["redaction"]["ruleset"], redaction["ruleset"]);
        assert!(redaction["engine"].as_str().unwrap().starts_with("attach-redact/"));
        redaction
    };
    let usual = ruleset("").await;
    assert_eq!((&usual["mode"], &usual["dir"]), (&json!("mask"), &json!("both")));
    assert_eq!(usual["ruleset"], ruleset("").await["ruleset"], "the same rules");
    let shadow = ruleset("[redact]\ndefault = \"shadow\"\n").await;
    assert_eq!((&shadow["mode"], &shadow["dir"]), (&json!("detect"), &json!("in")));
    assert_ne!(usual["ruleset"], shadow["ruleset"]);
}
