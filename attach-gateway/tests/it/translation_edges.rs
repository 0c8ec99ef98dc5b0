//! What model servers do besides what they document, and what they must not bring to the caller.

use serde_json::{Value, json};

use crate::support::wire::{self, openai};
use crate::support::{
    CHATS, Reply, Step, Upstream, World, answer_text, assert_error, events, question, streamed,
};

const KEY: &str = "sk-upstream-example";

fn said(text: &str) -> wire::Said {
    wire::Said { model: "m".into(), text: text.into(), usage: true }
}

#[tokio::test]
async fn a_whole_answer_to_a_streamed_call_becomes_the_stream_that_was_asked_for() {
    for (kind, path, end) in [
        ("openai", CHATS[1], "message_stop"),
        ("openai", CHATS[2], "\"done\":true"),
        ("ollama", CHATS[1], "message_stop"),
        ("anthropic", CHATS[0], "data: [DONE]"),
    ] {
        let upstream = Upstream::with(move |seen| {
            let text =
                format!("You said: {}", seen.json()["messages"][0]["content"].as_str().unwrap_or("parts"));
            match kind {
                "openai" => Reply::json(200, &openai::chat(&said(&text))),
                "ollama" => Reply::json(200, &wire::ollama::line(&said(&text), &text, true, true)),
                _ => Reply::json(200, &wire::anthropic::message(&said(&text))),
            }
        });
        let world = World::with(upstream.await, |launch| launch.set("ENGINE_KIND", kind)).await;
        let answer = world.post(path).json(&streamed(path, "gpt-4o", "jane.doe@example.com")).send().await;
        let answer = answer.expect(200);
        let stream = if path == CHATS[2] { "application/x-ndjson" } else { "text/event-stream" };
        assert_eq!(answer.header("content-type"), Some(stream), "{kind} {path}");
        let text = answer.text();
        assert!(text.contains(end) && events(&text).len() > 1, "{kind} {path}: {text}");
        assert!(
            answer_text(&text).contains("jane.doe@example.com") || kind == "anthropic",
            "{kind} {path}: {text}"
        );
        let trail = world.gateway.finished(&answer.id()).await;
        assert_eq!(
            (trail.end(), &trail.outcome()["usage"]["output_tokens"]),
            ("complete", &json!(wire::OUTPUT))
        );
    }
}

#[tokio::test]
async fn an_error_to_a_streamed_call_stays_an_error() {
    let upstream =
        Upstream::with(|_| Reply::json(429, &json!({"error": {"message": "not now", "type": "x"}})));
    let world = World::with(upstream.await, |launch| launch.set("ENGINE_KIND", "openai")).await;
    for path in [CHATS[1], CHATS[2]] {
        let answer = world.post(path).json(&streamed(path, "gpt-4o", "hello")).send().await.expect(429);
        assert_eq!(answer.header("content-type"), Some("application/json"), "{path}");
        assert!(answer.json().get("error").is_some());
    }
}

#[tokio::test]
async fn an_error_within_a_stream_that_repeats_the_key_is_held_back() {
    let upstream = Upstream::with(|_| {
        let begun = openai::chat_chunk("m", &json!({"content": "one"}), &Value::Null);
        let error = json!({"error": {"message": format!("Incorrect API key provided: {KEY}"), "code": "x"}});
        let steps = [begun, format!("data: {error}\n\n")].map(|event| Step::Send(event.into()));
        Reply::stream("text/event-stream", steps.into())
    });
    let world =
        World::with(upstream.await, |launch| launch.set("ENGINE_KIND", "openai").set("ENGINE_API_KEY", KEY))
            .await;
    for path in CHATS {
        let answer = world.post(path).json(&streamed(path, "gpt-4o", "hello")).send().await.expect(200);
        let text = answer.text();
        assert!(!text.contains(KEY), "{path}: {text}");
        assert_eq!(answer_text(&text), "one", "{path}: {text}");
        let error =
            events(&text).into_iter().find(|event| !event["error"].is_null()).expect("an error event");
        assert_error(path, &error, "upstream_credential_rejected");
        assert!(!world.gateway.stderr.text().contains(KEY));
    }
}

#[tokio::test]
async fn callers_of_anthropics_interface_find_the_request_id_where_their_package_looks() {
    let world = World::start().await;
    for path in CHATS {
        let answered = world.post(path).json(&question(path, "gpt-4o", "hello")).send().await.expect(200);
        let refused =
            world.gateway.post(path).json(&question(path, "gpt-4o", "hello")).send().await.expect(401);
        for answer in [answered, refused] {
            let id = answer.id();
            let expected = (path == CHATS[1]).then_some(&*id);
            assert_eq!(answer.header("request-id"), expected, "{path}");
        }
    }
}
