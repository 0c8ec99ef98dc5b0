//! The wire formats of model servers, as their documentation shows them.
//!
//! Sources: OpenAI API reference (Chat Completions, Completions, Embeddings, Responses, Models), Anthropic API
//! reference (Messages, Streaming Messages, Count Message Tokens), Ollama `docs/api.md`.

use serde_json::{Value, json};

use super::{Reply, Seen};

pub(crate) mod anthropic;
pub(crate) mod ollama;
pub(crate) mod openai;

/// What every answer reports to have read and written.
pub(crate) const INPUT: u64 = 11;
pub(crate) const OUTPUT: u64 = 7;

/// The names that are listed.
pub(crate) const MODELS: [&str; 5] =
    ["llama3:latest", "gpt-4o", "gpt-3.5-turbo", "claude-sonnet-4", "meta-llama/Llama-3.1-8B"];

/// An answer in the making.
pub(crate) struct Said {
    pub(crate) model: String,
    pub(crate) text: String,
    pub(crate) usage: bool,
}

/// Says back the last thing it was told.
pub(crate) fn model(seen: &Seen) -> Reply {
    model_in_words(seen, usize::MAX)
}

/// The same, with events of streams that hold `letters` letters each.
pub(crate) fn model_in_words(seen: &Seen, letters: usize) -> Reply {
    if seen.method == "GET" {
        return match seen.path.as_str() {
            "/v1/models" => Reply::json(200, &openai::models()),
            "/api/tags" => Reply::json(200, &ollama::tags()),
            _ => Reply::json(404, &json!({"error": "not found"})),
        };
    }
    let body = seen.json();
    let said = Said {
        model: body["model"].as_str().unwrap_or_default().to_owned(),
        text: format!("You said: {}", last_text(&body)),
        usage: body["stream_options"]["include_usage"] == true,
    };
    let ollama = seen.path.starts_with("/api/");
    let stream = body["stream"].as_bool().unwrap_or(ollama);
    match seen.path.as_str() {
        "/v1/chat/completions" if stream => openai::chat_stream(&said, letters),
        "/v1/chat/completions" => Reply::json(200, &openai::chat(&said)),
        "/v1/completions" if stream => openai::completion_stream(&said, letters),
        "/v1/completions" => Reply::json(200, &openai::completion(&said, &said.text, &json!("stop"))),
        "/v1/embeddings" => Reply::json(200, &openai::embeddings(&said, &body["input"])),
        "/v1/responses" if stream => openai::response_stream(&said, letters),
        "/v1/responses" => Reply::json(200, &openai::response(&said)),
        "/v1/messages" if stream => anthropic::message_stream(&said, letters),
        "/v1/messages" => Reply::json(200, &anthropic::message(&said)),
        "/v1/messages/count_tokens" => Reply::json(200, &json!({"input_tokens": INPUT})),
        "/api/chat" | "/api/generate" if stream => ollama::stream(&said, seen.path == "/api/chat", letters),
        "/api/chat" | "/api/generate" => {
            Reply::json(200, &ollama::line(&said, &said.text, seen.path == "/api/chat", true))
        }
        "/api/embed" => Reply::json(200, &ollama::embeddings(&said, &body["input"])),
        "/api/show" => Reply::json(200, &ollama::show()),
        _ => Reply::json(404, &json!({"error": "not found"})),
    }
}

/// The text of the last thing that was said, wherever the dialect keeps it.
fn last_text(body: &Value) -> String {
    let places = [&body["messages"], &body["input"], &body["prompt"]];
    let said = places.into_iter().find(|place| !place.is_null()).unwrap_or(&Value::Null);
    flatten(said.as_array().and_then(|items| items.last()).unwrap_or(said))
}

fn flatten(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(flatten).collect::<Vec<_>>().join(" "),
        Value::Object(object) => {
            object.get("content").or_else(|| object.get("text")).map(flatten).unwrap_or_default()
        }
        _ => String::new(),
    }
}

/// The text in pieces of so many letters.
pub(crate) fn pieces(text: &str, letters: usize) -> Vec<String> {
    let all: Vec<char> = text.chars().collect();
    all.chunks(letters.min(all.len().max(1))).map(|piece| piece.iter().collect()).collect()
}

/// One vector per input.
fn vectors(input: &Value) -> Vec<[f64; 3]> {
    vec![[0.25, -0.5, 0.125]; input.as_array().map_or(1, Vec::len)]
}
