//! Anthropic's own SDK in front of a server that speaks OpenAI's interface. Skipped, with a line, where it is not
//! installed.

use serde_json::{Value, json};

use crate::support::tools::{messages_py, python};
use crate::support::wire::{self, openai};
use crate::support::{Reply, Seen, Step, Upstream, World};
use crate::translation_anthropic::agent;

fn answer(seen: &Seen) -> Reply {
    let body = seen.json();
    let last = body["messages"]
        .as_array()
        .and_then(|messages| messages.last()?["content"].as_str())
        .unwrap_or_default();
    let error = json!({"error": {"message": "not now", "type": "x"}});
    match last {
        "tools" => agent(body["stream"] == true),
        "overloaded" => Reply::json(529, &error),
        "limited" => Reply::json(429, &error).header("retry-after", "17"),
        "broken" => {
            let event = openai::chat_chunk("m", &json!({"content": "one"}), &Value::Null);
            Reply::stream("text/event-stream", vec![Step::Send(event.into()), Step::Break])
        }
        _ => wire::model_in_words(seen, 3),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn anthropics_sdk_works_with_a_model_of_another_dialect() {
    let Some(python) = python() else { return };
    let world = World::with(Upstream::with(answer).await, |launch| launch.set("ENGINE_KIND", "openai")).await;
    let (text, ok) = messages_py(&python, &world.gateway.url(), &world.token("alice")).await;
    let passed = text.lines().filter(|line| line.starts_with("PASS")).count();
    assert!(ok && passed == 7, "{text}");
    assert!(world.upstream.seen().iter().all(|seen| seen.path == "/v1/chat/completions"));
}
