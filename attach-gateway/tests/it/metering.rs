//! What is asked of an upstream so that use can be counted, and what the client sees of it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::sync::Notify;

use crate::support::{
    PATIENCE, Reply, Response, Seen, Step, Trail, Upstream, World, answer_text, events, question, streamed,
    wire,
};

const CHAT: &str = "/v1/chat/completions";

fn file(kind: &str, quota: &str) -> String {
    format!(
        r#"
        [[issuer]]
        issuer = "{{ISSUER}}"
        audience = ["api://attach-test"]
        [[upstream]]
        name = "one"
        kind = "{kind}"
        url = "{{UPSTREAM}}"
        [access]
        default = "allow"
        {quota}
        "#
    )
}

const TOKENS: &str = "[[quota]]\nid = \"tph\"\ntokens = \"100000/h\"";

async fn world(upstream: Upstream, quota: &str) -> World {
    World::file(upstream, &file("openai", quota)).await
}

fn usage(world: &World, answer: &Response) -> (Value, Value) {
    let usage = world.gateway.trail(&answer.id()).outcome()["usage"].clone();
    (usage["output_tokens"].clone(), usage["source"].clone())
}

#[tokio::test]
async fn a_client_that_did_not_ask_is_counted_by_reported_usage_and_sees_nothing_of_it() {
    for bytes in [1, 11, 4096] {
        let upstream = Upstream::with(move |seen| wire::model_in_words(seen, 3).in_pieces_of(bytes)).await;
        let world = world(upstream, TOKENS).await;
        let body = streamed(CHAT, "gpt-4o", "hi").to_string();
        let answer = world.post(CHAT).header("Accept-Encoding", "gzip, br").body(body.clone()).send().await;
        let answer = answer.expect(200);
        let sent = world.upstream.only();
        assert_eq!(sent.text(), body.replacen('{', "{\"stream_options\":{\"include_usage\":true},", 1));
        assert!(!answer.text().contains("\"usage\""), "{}", answer.text());
        assert!(answer.text().ends_with("data: [DONE]\n\n"));
        assert_eq!(answer_text(&answer.text()), "You said: hi");
        assert_eq!(usage(&world, &answer), (json!(wire::OUTPUT), json!("upstream")));
    }
}

#[tokio::test]
async fn the_nulls_that_come_with_it_go_too() {
    let upstream = Upstream::with(|seen| {
        let mut reply = wire::model_in_words(seen, 4);
        for step in &mut reply.steps {
            let Step::Send(bytes) = step else { continue };
            let text = String::from_utf8(bytes.to_vec()).unwrap();
            *bytes = text.replace("\"fp_44709d6fcb\"", "\"fp_44709d6fcb\",\"usage\":null").into();
        }
        reply
    })
    .await;
    let world = world(upstream, TOKENS).await;
    let answer = world.post(CHAT).json(&streamed(CHAT, "gpt-4o", "hi")).send().await.expect(200);
    assert!(!answer.text().contains("usage"), "{}", answer.text());
    assert_eq!(usage(&world, &answer), (json!(wire::OUTPUT), json!("upstream")));
    let mut asking = streamed(CHAT, "gpt-4o", "hi");
    asking["stream_options"] = json!({"include_usage": true});
    let answer = world.post(CHAT).json(&asking).send().await.expect(200);
    assert!(answer.text().contains("\"usage\":null"), "who asked sees it all: {}", answer.text());
    assert_eq!(events(&answer.text()).last().unwrap()["usage"]["completion_tokens"], wire::OUTPUT);
}

#[tokio::test]
async fn nothing_is_asked_where_nothing_is_counted_and_nothing_twice() {
    let unmetered = world(Upstream::model().await, "[[quota]]\nid = \"rph\"\nrequests = \"100/h\"").await;
    let body = streamed(CHAT, "gpt-4o", "hi").to_string();
    unmetered.post(CHAT).body(body.clone()).send().await.expect(200);
    assert_eq!(unmetered.upstream.only().text(), body);

    let world = world(Upstream::model().await, TOKENS).await;
    let ollama =
        world.post("/api/chat").json(&streamed("/api/chat", "gpt-4o", "hi")).send().await.expect(200);
    assert_eq!(world.upstream.last().text().matches("stream_options").count(), 1, "by the translation");
    assert_eq!(events(&ollama.text()).last().unwrap()["eval_count"], wire::OUTPUT);
    assert_eq!(usage(&world, &ollama), (json!(wire::OUTPUT), json!("upstream")));
    world.post(CHAT).json(&question(CHAT, "gpt-4o", "hi")).send().await.expect(200);
    assert!(!world.upstream.last().text().contains("stream_options"), "no stream");
}

/// A stream that says a little, waits until its client has left, and then reports.
fn late(whole: &Arc<Notify>) -> impl Fn(&Seen) -> Reply + Send + Sync + 'static {
    let whole = Arc::clone(whole);
    move |seen| {
        if !seen.text().contains("leave me") {
            return wire::model(seen);
        }
        let mut events =
            wire::openai::chat_events(&wire::Said { model: "m".into(), text: "hi".into(), usage: true }, 9);
        let report = events.len() - 2;
        events[report] = events[report].replace(&format!(":{},", wire::OUTPUT), ":30000,");
        assert!(events[report].contains("30000"), "{events:?}");
        let mut steps: Vec<_> = events.into_iter().map(|event| Step::Send(event.into())).collect();
        steps.insert(2, Step::Await(Arc::clone(&whole)));
        Reply::stream("text/event-stream", steps)
    }
}

async fn left(world: &World, path: &str) -> Trail {
    let mut answer = world.post(path).json(&streamed(path, "gpt-4o", "leave me")).stream().await;
    let mut got = Vec::new();
    while !String::from_utf8_lossy(&got).contains("\"hi\"") {
        got.extend_from_slice(&answer.piece().await.expect("a piece"));
    }
    let id = answer.id();
    drop(answer);
    world.gateway.finished(&id).await
}

async fn remaining(world: &World) -> u64 {
    let mut body = question(CHAT, "gpt-4o", "hi");
    body["max_tokens"] = json!(1);
    let answer = world.post(CHAT).json(&body).send().await.expect(200);
    answer.header("x-ratelimit-remaining-tokens").unwrap().parse().unwrap()
}

#[tokio::test]
async fn an_answer_may_be_read_on_after_its_client_has_left() {
    for path in [CHAT, "/api/chat"] {
        let whole = Arc::new(Notify::new());
        let file = file("openai", TOKENS).replace("[access]", "timeout = { drain = \"20s\" }\n[access]");
        let world = World::file(Upstream::with(late(&whole)).await, &file).await;
        let trail = left(&world, path).await;
        assert_eq!(trail.end(), "client_abort");
        assert_eq!(trail.outcome()["usage"]["source"], "estimated", "as known then");
        assert!(remaining(&world).await > 99_000, "what was streamed");
        whole.notify_one();
        let deadline = Instant::now() + PATIENCE;
        while remaining(&world).await > 70_000 {
            assert!(Instant::now() < deadline, "the report is not charged");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        assert!(remaining(&world).await > 45_000, "once, and what asking has cost");
    }
}

#[tokio::test]
async fn an_answer_is_read_on_for_no_longer_than_was_said_and_not_at_all_unless_said() {
    for drain in ["", "timeout = { drain = \"300ms\" }\n"] {
        let file = file("openai", TOKENS).replace("[access]", &format!("{drain}[access]"));
        let world = World::file(Upstream::with(late(&Arc::default())).await, &file).await;
        left(&world, CHAT).await;
        world.upstream.abandoned().await;
        assert!(remaining(&world).await > 99_000);
    }
}
