//! Answers that are looked at before the caller sees them.

mod arguments;
mod fragments;
#[cfg(feature = "bedrock")]
mod guardrail;
mod masks;
mod other_forms;
mod streams;
mod unary;

use std::sync::{Arc, Mutex};

use attach_redact::{Entity, Fault, Finding, Inspect, Inspection, Redactor, WhenDown};
use serde_json::json;

use crate::support::{CHAT, MESSAGES, OLLAMA, RESPONSES, Seen, call_in_pieces};

const SSE: &str = "text/event-stream";
const NDJSON: &str = "application/x-ndjson";
const JSON: &str = "application/json";

/// Refuses whatever has "poison" in it, masks "Nightingale", and remembers what it was shown, a list for each time.
#[derive(Clone, Default)]
struct Strict(Arc<Mutex<Vec<Vec<String>>>>);

impl Strict {
    fn shown(&self) -> Vec<Vec<String>> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

impl Inspect for Strict {
    fn name(&self) -> &'static str {
        "strict"
    }

    async fn inspect(&self, texts: &[&str]) -> Result<Inspection, Fault> {
        // Not at once, as a server.
        tokio::task::yield_now().await;
        self.0.lock().unwrap().push(texts.iter().map(|text| (*text).to_owned()).collect());
        let mut seen = Inspection::new();
        for (index, text) in texts.iter().enumerate() {
            if text.contains("poison") {
                seen.refuse("contentPolicy POISON");
            }
            for (at, name) in text.match_indices("Nightingale") {
                let entity = Entity::custom("PROJECT").unwrap();
                seen.found(index, Finding::new(at..at + name.len(), entity, 1.0));
            }
        }
        Ok(seen)
    }
}

struct Down;

impl Inspect for Down {
    async fn inspect(&self, _: &[&str]) -> Result<Inspection, Fault> {
        Err(Fault::new("down since noon"))
    }
}

fn judging(inspector: impl Inspect, when_down: WhenDown) -> Redactor {
    let builder = Redactor::builder().key(b"0123456789abcdef").budget(std::time::Duration::from_secs(3600));
    builder.answer_inspector(inspector, when_down).build().unwrap()
}

/// Calls `path` of a model that answers `answer`, cut into pieces of `size` bytes.
async fn ask(redactor: Redactor, path: &str, kind: &'static str, size: usize, answer: &str) -> Seen {
    let body = match path {
        RESPONSES => json!({"model": "m", "input": "hi"}),
        "/v1/completions" | "/api/generate" => json!({"model": "m", "prompt": "hi"}),
        _ => json!({"model": "m", "max_tokens": 5, "messages": [{"role": "user", "content": "hi"}]}),
    };
    let answer = answer.to_owned();
    call_in_pieces(redactor, path, &body.to_string(), kind, size, move |_| answer.clone()).await
}

/// What the audit trail is told of the refusal.
fn told(seen: &Seen) -> String {
    seen.exchange.facts(|facts| {
        let refusal = facts.refusal.as_ref().expect("there is a refusal");
        format!("{} {} {}", refusal.status, refusal.code, refusal.reason.as_deref().unwrap_or_default())
    })
}

/// A stream in the dialect of `path` that says `words`, one by one.
fn stream(path: &str, words: &[&str]) -> String {
    match path {
        CHAT | "/v1/completions" => openai(path, words),
        MESSAGES => anthropic(words),
        RESPONSES => responses(words),
        _ => ollama(path, words),
    }
}

fn kind(path: &str) -> &'static str {
    if path.starts_with("/api/") { NDJSON } else { SSE }
}

const STREAMS: [&str; 6] = [CHAT, "/v1/completions", MESSAGES, RESPONSES, OLLAMA, "/api/generate"];

fn openai(path: &str, words: &[&str]) -> String {
    let chunk = |choice: serde_json::Value| {
        let chunk = json!({"id": "c1", "object": "chat.completion.chunk", "created": 7, "model": "m", "choices": [choice]});
        format!("data: {chunk}\n\n")
    };
    let chat = path == CHAT;
    let mut out = if chat {
        chunk(json!({"index": 0, "delta": {"role": "assistant", "content": ""}, "finish_reason": null}))
    } else {
        String::new()
    };
    for word in words {
        out += &if chat {
            chunk(json!({"index": 0, "delta": {"content": word}, "finish_reason": null}))
        } else {
            chunk(json!({"index": 0, "text": word, "finish_reason": null}))
        };
    }
    let end = if chat {
        json!({"index": 0, "delta": {}, "finish_reason": "stop"})
    } else {
        json!({"index": 0, "text": "", "finish_reason": "stop"})
    };
    out + &chunk(end) + "data: [DONE]\n\n"
}

fn named(event: &serde_json::Value) -> String {
    format!("event: {}\ndata: {event}\n\n", event["type"].as_str().unwrap())
}

fn anthropic(words: &[&str]) -> String {
    let mut out = named(
        &json!({"type": "message_start", "message": {"id": "msg_1", "type": "message", "role": "assistant",
        "model": "m", "content": [], "stop_reason": null, "usage": {"input_tokens": 9, "output_tokens": 1}}}),
    );
    out += &named(
        &json!({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}),
    );
    for word in words {
        out += &named(
            &json!({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": word}}),
        );
    }
    out += &named(&json!({"type": "content_block_stop", "index": 0}));
    out += &named(
        &json!({"type": "message_delta", "delta": {"stop_reason": "end_turn", "stop_sequence": null}, "usage": {"output_tokens": 4}}),
    );
    out + &named(&json!({"type": "message_stop"}))
}

fn responses(words: &[&str]) -> String {
    let all = words.concat();
    let response = |status: &str, output: serde_json::Value| {
        json!({"id": "resp_1", "object": "response", "created_at": 7, "model": "m", "status": status,
            "instructions": "never say poison", "output": output})
    };
    let part = json!({"type": "output_text", "text": all, "annotations": []});
    let item = json!({"id": "msg_1", "type": "message", "role": "assistant", "status": "completed", "content": [part]});
    let mut events = vec![
        json!({"type": "response.created", "response": response("in_progress", json!([]))}),
        json!({"type": "response.output_item.added", "output_index": 0, "item": {"id": "msg_1", "type": "message", "content": []}}),
    ];
    events.extend(words.iter().map(|word| {
        json!({"type": "response.output_text.delta", "item_id": "msg_1", "output_index": 0, "content_index": 0, "delta": word})
    }));
    events.push(json!({"type": "response.output_text.done", "item_id": "msg_1", "output_index": 0, "content_index": 0, "text": all}));
    events.push(json!({"type": "response.output_item.done", "output_index": 0, "item": item}));
    events.push(json!({"type": "response.completed", "response": response("completed", json!([item]))}));
    events
        .iter_mut()
        .enumerate()
        .map(|(number, event)| {
            event["sequence_number"] = number.into();
            named(event)
        })
        .collect()
}

fn ollama(path: &str, words: &[&str]) -> String {
    let line = |text: &str, done: bool| {
        let mut line = json!({"model": "m", "created_at": "2026-01-01T00:00:00Z", "done": done});
        if path == OLLAMA {
            line["message"] = json!({"role": "assistant", "content": text});
        } else {
            line["response"] = text.into();
        }
        if done {
            line["done_reason"] = "stop".into();
            line["eval_count"] = 4.into();
        }
        format!("{line}\n")
    };
    words.iter().map(|word| line(word, false)).collect::<String>() + &line("", true)
}
