//! Ollama's package for Python in front of a server that speaks OpenAI's interface.

use serde_json::{Value, json};

use crate::support::tools::{client_py, python};
use crate::support::wire::{self, openai};
use crate::support::{Reply, Seen, Upstream, World};

const FILE: &str = r#"
[[issuer]]
issuer = "{ISSUER}"
audience = ["api://attach-test"]

[[upstream]]
name = "vllm"
kind = "openai"
url = "{UPSTREAM}"

[redact]
uninspectable = { images = "allow" }

[access]
default = "allow"
"#;

/// A model that thinks where it is asked to, and asks for the weather where it may.
fn model(seen: &Seen) -> Reply {
    let body = seen.json();
    let messages = body["messages"].as_array().cloned().unwrap_or_default();
    let last = messages.last().cloned().unwrap_or_default();
    if body["model"] == "missing" {
        return Reply::json(
            404,
            &json!({"error": {"message": "The model `missing` does not exist", "code": "model_not_found"}}),
        );
    }
    if body["reasoning_effort"] == "high" {
        let chunk = |delta: Value, finish: Value| openai::chat_chunk("m", &delta, &finish);
        return Reply::events(
            "text/event-stream",
            [
                chunk(json!({"role": "assistant", "reasoning_content": "hm, "}), Value::Null),
                chunk(json!({"reasoning_content": "hello"}), Value::Null),
                chunk(json!({"content": "You said: hello"}), Value::Null),
                chunk(json!({}), json!("stop")),
                "data: [DONE]\n\n".into(),
            ],
        );
    }
    if body["tools"].is_array() && last["role"] == "user" {
        let said = wire::Said { model: "m".into(), text: String::new(), usage: true };
        let mut answer = openai::chat(&said);
        let call = json!({"id": "call_1", "type": "function", "function": {"name": "weather", "arguments": "{\"city\":\"Paris\"}"}});
        answer["choices"][0]["message"] = json!({"role": "assistant", "content": null, "tool_calls": [call]});
        answer["choices"][0]["finish_reason"] = json!("tool_calls");
        return Reply::json(200, &answer);
    }
    wire::model(seen)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ollamas_package_works_with_a_server_that_speaks_openai() {
    let Some(python) = python() else { return };
    let world = World::file(Upstream::with(model).await, FILE).await;
    let (url, token) = (world.gateway.url(), world.token("alice"));
    let (text, ok) = client_py(&python, "ollama_to_openai.py", &[&url, &token]).await;
    let passed = text.lines().filter(|line| line.starts_with("PASS")).count();
    assert!(ok && passed == 8, "{text}");
    assert!(world.upstream.seen().iter().all(|seen| seen.path.starts_with("/v1/")));
}
