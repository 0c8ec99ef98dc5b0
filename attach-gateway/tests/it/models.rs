//! Models as the configuration has them: shares, names, parameters, labels, lists.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::fleet::{Fleet, nobody};
use crate::support::{CHATS, Launch, PATIENCE, Reply, Seen, Upstream, question, wire};

async fn two(models: &str) -> (Upstream, Upstream, Fleet) {
    let (a, b) = (Upstream::model().await, Upstream::model().await);
    let fleet = Fleet::start(&[("a", &a.url(), ""), ("b", &b.url(), "")], models).await;
    (a, b, fleet)
}

#[tokio::test]
async fn weights_share_the_load_and_the_rest_waits_for_a_failure() {
    let c = Upstream::model().await;
    let (a, b) = (Upstream::model().await, Upstream::model().await);
    let models = "[[model]]\nname = \"m\"\nto = [\"c\", { upstream = \"a\", weight = 3 }, { upstream = \"b\", weight = 1 }]\n";
    let upstreams = [("a", &*a.url(), ""), ("b", &*b.url(), ""), ("c", &*c.url(), "")];
    let fleet = Fleet::start(&upstreams, models).await;
    for _ in 0..200 {
        fleet.chat("m").send().await.expect(200);
    }
    assert!((120..=175).contains(&a.seen().len()), "{}", a.seen().len());
    assert_eq!((a.seen().len() + b.seen().len(), c.seen().len()), (200, 0));
}

#[tokio::test]
async fn one_that_is_away_leaves_its_share_to_the_others() {
    let b = Upstream::model().await;
    let models = "[[model]]\nname = \"m\"\nto = [{ upstream = \"a\", weight = 9 }, { upstream = \"b\", weight = 1 }]\n";
    let fleet = Fleet::start(&[("a", &nobody(), ""), ("b", &b.url(), "")], models).await;
    for _ in 0..30 {
        fleet.chat("m").send().await.expect(200);
    }
    assert_eq!(b.seen().len(), 30);
}

#[tokio::test]
async fn an_alias_of_one_dialect_is_nothing_in_another() {
    let models = "[[model]]\nname = \"m\"\naliases = [\"everywhere\", { anthropic = \"claude-x\", ollama = [\"llama-x\"] }]\nto = [\"a\"]\n";
    let a = Upstream::model().await;
    let settings = "dialects = [\"openai\", \"anthropic\", \"ollama\"]";
    let fleet = Fleet::start(&[("a", &a.url(), settings)], models).await;
    for (name, served) in [
        ("m", [true, true, true]),
        ("everywhere", [true, true, true]),
        ("claude-x", [false, true, false]),
        ("llama-x", [false, false, true]),
    ] {
        for (path, served) in CHATS.iter().zip(served) {
            let answer = fleet.post(path).json(&question(path, name, "hello")).send().await;
            assert_eq!(answer.status, if served { 200 } else { 403 }, "{name} at {path}: {}", answer.text());
        }
    }
    let names = |list: &Value, key: &str, name: &str| -> Vec<String> {
        let all = list[key].as_array().unwrap().iter();
        all.map(|one| one[name].as_str().unwrap().to_owned()).collect()
    };
    let openai = fleet.get("/v1/models").send().await.expect(200).json();
    assert_eq!(names(&openai, "data", "id"), ["m", "everywhere"]);
    let anthropic =
        fleet.get("/v1/models").header("anthropic-version", "2023-06-01").send().await.expect(200).json();
    assert_eq!(names(&anthropic, "data", "id"), ["m", "everywhere", "claude-x"]);
    let ollama = fleet.get("/api/tags").send().await.expect(200).json();
    assert_eq!(names(&ollama, "models", "name"), ["m", "everywhere", "llama-x"]);
    fleet.get("/v1/models/claude-x").send().await.expect(404);
    fleet.get("/v1/models/claude-x").header("anthropic-version", "2023-06-01").send().await.expect(200);
    assert_eq!(fleet.get("/api/ps").send().await.expect(200).json(), json!({"models": []}));
    fleet.gateway.get("/api/ps").send().await.expect(401);
}

#[tokio::test]
async fn parameters_are_put_in_on_the_way_and_what_was_overridden_is_on_record() {
    let models = "[[model]]\nname = \"m\"\nto = [{ upstream = \"a\", parameters = { defaults = { temperature = 0.5 }, overrides = { max_tokens = 33 } } }]\n";
    let (a, _, fleet) = two(models).await;
    let mut body = question(CHATS[0], "m", "hello");
    let answer = fleet.post(CHATS[0]).json(&body).send().await.expect(200);
    let sent = a.last().json();
    assert_eq!((&sent["temperature"], &sent["max_tokens"]), (&json!(0.5), &json!(33)));
    assert_eq!(fleet.gateway.trail(&answer.id()).outcome()["custom"], Value::Null);
    body["temperature"] = json!(1);
    body["max_tokens"] = json!(4000);
    let answer = fleet.post(CHATS[0]).json(&body).send().await.expect(200);
    let sent = a.last().json();
    assert_eq!((&sent["temperature"], &sent["max_tokens"]), (&json!(1), &json!(33)));
    let record = fleet.gateway.trail(&answer.id()).outcome()["custom"].clone();
    assert_eq!(record, json!({"parameters_overridden": "max_tokens"}));
    // Also where the call is translated.
    fleet.post("/api/chat").json(&question("/api/chat", "m", "hello")).send().await.expect(200);
    let sent = a.last().json();
    assert_eq!((&sent["temperature"], &sent["max_tokens"]), (&json!(0.5), &json!(33)), "{sent}");
}

/// Only `zero` may be asked by rule; `m` goes to both.
const NARROW: &str = "[[model]]\nname = \"m\"\nto = [\"a\", \"b\"]\n[[access.allow]]\nid = \"all\"\n\
                      require = { zero_retention = true }\n";

async fn narrow(upstreams: &[(&str, &str, &str)]) -> Fleet {
    let issuer = crate::support::Issuer::start().await;
    let text = Fleet::file(&issuer, upstreams, NARROW).replace("default = \"allow\"", "default = \"deny\"");
    Fleet::launch(issuer, Launch::file(&text)).await
}

#[tokio::test]
async fn zero_retention_narrows_before_failover_and_sets_the_providers_switch() {
    let (a, b) = (Upstream::model().await, Upstream::model().await);
    let settings = "zero_retention = true\nretention = \"store\"";
    let fleet = narrow(&[("a", &a.url(), ""), ("b", &b.url(), settings)]).await;
    for path in ["/v1/chat/completions", "/api/chat"] {
        fleet.post(path).json(&question(path, "m", "hello")).send().await.expect(200);
        assert_eq!(b.last().json()["store"], false, "{path}: {}", b.last().text());
    }
    fleet.post("/v1/responses").json(&json!({"model": "m", "input": "hi"})).send().await.expect(200);
    assert_eq!(b.last().json()["store"], false);
    for path in ["/v1/chat/completions", "/v1/responses"] {
        let mut body = question(path, "m", "hello");
        body["store"] = json!(true);
        if path == "/v1/responses" {
            body["input"] = body["messages"].take();
        }
        let answer = fleet.post(path).json(&body).send().await;
        assert!([400, 403].contains(&answer.status), "{}", answer.text());
        assert!(answer.text().contains("store"), "{}", answer.text());
    }
    assert_eq!((a.seen().len(), b.seen().len()), (0, 3));
}

#[tokio::test]
async fn what_policy_dropped_is_not_asked_when_what_is_left_fails() {
    let a = Upstream::model().await;
    let fleet = narrow(&[("a", &a.url(), ""), ("b", &nobody(), "zero_retention = true")]).await;
    for _ in 0..10 {
        let status = fleet.chat("m").send().await.status;
        assert!([502, 503].contains(&status), "{status}");
    }
    assert_eq!(a.seen().len(), 0);
}

#[tokio::test]
async fn a_target_of_a_tier_that_is_not_the_callers_is_no_target() {
    let (a, b) = (Upstream::model().await, Upstream::model().await);
    let more = "[[model]]\nname = \"m\"\nto = [{ upstream = \"a\", tier = \"large\" }, { upstream = \"b\", tier = \"small\" }]\n\
                [[access.allow]]\nid = \"small\"\ntiers = [\"small\"]\n";
    let issuer = crate::support::Issuer::start().await;
    let upstreams = [("a", &*a.url(), ""), ("b", &*b.url(), "")];
    let text = Fleet::file(&issuer, &upstreams, more).replace("default = \"allow\"", "default = \"deny\"");
    let fleet = Fleet::launch(issuer, Launch::file(&text)).await;
    fleet.chat("m").send().await.expect(200);
    assert_eq!((a.seen().len(), b.seen().len()), (0, 1));
}

/// An upstream with these models, as long as it is up.
async fn listing(models: &'static [&'static str], up: Arc<AtomicBool>) -> Upstream {
    Upstream::with(move |seen: &Seen| {
        if seen.method != "GET" {
            return wire::model(seen);
        }
        let entry = |name: &&str| json!({"id": name, "object": "model", "created": 1, "owned_by": "x"});
        match up.load(Ordering::SeqCst) {
            true => Reply::json(
                200,
                &json!({"object": "list", "data": models.iter().map(entry).collect::<Vec<_>>()}),
            ),
            false => Reply::close(),
        }
    })
    .await
}

#[tokio::test]
async fn a_pattern_stands_for_the_models_of_all_its_targets_also_while_one_is_away() {
    let up = Arc::new(AtomicBool::new(true));
    let a = listing(&["gpt-4o", "gpt-4.1", "other"], Arc::clone(&up)).await;
    let b = listing(&["gpt-4o", "gpt-4-local"], Arc::new(AtomicBool::new(true))).await;
    let models = "[[model]]\nname = \"gpt-4*\"\nto = [\"a\", \"b\", \"gone\"]\n[[model]]\nname = \"fixed\"\nto = [\"gone\"]\n";
    let upstreams = [("a", &*a.url(), ""), ("b", &*b.url(), ""), ("gone", &*nobody(), "")];
    let fleet = Fleet::start(&upstreams, models).await;
    let expected: BTreeSet<_> = ["gpt-4o", "gpt-4.1", "gpt-4-local", "fixed"].map(str::to_owned).into();
    let names = async || -> BTreeSet<String> {
        let list = fleet.get("/v1/models").send().await.expect(200).json();
        list["data"].as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names().await, expected);
    up.store(false, Ordering::SeqCst);
    // What was said ten seconds ago is asked for again.
    let until = tokio::time::Instant::now() + PATIENCE;
    while !fleet.gateway.stderr.text().contains("the last one is shown") {
        assert_eq!(names().await, expected);
        assert!(tokio::time::Instant::now() < until, "it was not asked again");
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    assert_eq!(names().await, expected);
}
