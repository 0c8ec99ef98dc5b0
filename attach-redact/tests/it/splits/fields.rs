//! The running texts of every dialect, as they are on the wire.

use attach_core::usage::Wire;
use serde_json::{Value, json};

/// A running text and how its dialect streams it.
pub(super) struct Field {
    pub(super) name: &'static str,
    pub(super) wire: Wire,
    /// JSON in a string.
    pub(super) is_json: bool,
    pub(super) before: fn() -> Vec<Value>,
    pub(super) piece: fn(&str) -> Value,
    pub(super) after: fn() -> Vec<Value>,
    /// The piece of this text in an event of the answer.
    read: &'static str,
}

impl Field {
    /// The text in all events.
    pub(super) fn read(&self, events: &[Value]) -> String {
        let kind = (self.piece)("")["type"].clone();
        let of_kind = events.iter().filter(|event| event["type"] == kind || event["index"] == 1);
        of_kind.filter_map(|event| event.pointer(self.read)?.as_str().map(str::to_owned)).collect()
    }
}

pub(super) fn chunk(index: u32, delta: &Value, finish: Option<&str>) -> Value {
    json!({"id": "c1", "object": "chat.completion.chunk", "created": 7, "model": "m",
        "choices": [{"index": index, "delta": delta, "logprobs": null, "finish_reason": finish}]})
}

fn finished() -> Vec<Value> {
    let both = [0, 1].map(|index| chunk(index, &json!({}), Some("stop"))["choices"][0].clone());
    vec![
        json!({"id": "c1", "choices": both}),
        json!({"id": "c1", "choices": [], "usage": {"total_tokens": 3}}),
    ]
}

fn begun() -> Vec<Value> {
    vec![chunk(0, &json!({"role": "assistant", "content": ""}), None)]
}

macro_rules! chat {
    ($name:literal, $is_json:literal, $read:literal, $piece:expr) => {
        Field {
            name: $name,
            wire: Wire::Sse,
            is_json: $is_json,
            before: begun,
            piece: $piece,
            after: finished,
            read: concat!("/choices/0/delta", $read),
        }
    };
}

macro_rules! item {
    ($kind:literal, $is_json:literal) => {
        Field {
            name: $kind,
            wire: Wire::Sse,
            is_json: $is_json,
            before: || vec![json!({"type": "response.created", "sequence_number": 0, "response": {"output": []}})],
            piece: |piece| json!({"type": concat!("response.", $kind, ".delta"), "sequence_number": 4, "item_id": "i",
                "output_index": 0, "content_index": 0, "delta": piece, "obfuscation": "xyz"}),
            after: || vec![json!({"type": concat!("response.", $kind, ".done"), "item_id": "i", "output_index": 0}),
                json!({"type": "response.completed", "response": {"status": "completed"}})],
            read: "/delta",
        }
    };
}

macro_rules! block {
    ($name:literal, $is_json:literal, $start:expr, $piece:expr, $read:literal) => {
        Field {
            name: $name,
            wire: Wire::Sse,
            is_json: $is_json,
            before: || {
                let start =
                    json!({"type": "content_block_start", "index": 1, "content_block": $start, "x": "y"});
                vec![json!({"type": "message_start", "message": {"id": "m1"}}), json!({"type": "ping"}), start]
            },
            piece: $piece,
            after: || {
                vec![
                    json!({"type": "content_block_stop", "index": 1}),
                    json!({"type": "message_delta", "delta": {"stop_reason": "end_turn"}}),
                    json!({"type": "message_stop"}),
                ]
            },
            read: $read,
        }
    };
}

macro_rules! ollama {
    ($name:literal, $piece:expr, $read:literal) => {
        Field {
            name: $name,
            wire: Wire::Ndjson,
            is_json: false,
            before: Vec::new,
            piece: $piece,
            after: || vec![json!({"model": "m", "created_at": "t", "done": true, "eval_count": 4})],
            read: $read,
        }
    };
}

/// OpenAI API reference ("Chat streaming", "Completions", "Responses streaming"), DeepSeek (`reasoning_content`), vLLM
/// (`reasoning`), Anthropic ("Streaming messages"), Ollama (`docs/api.md`).
pub(super) fn fields() -> Vec<Field> {
    vec![
        chat!("content", false, "/content", |piece| chunk(0, &json!({"content": piece}), None)),
        chat!("refusal", false, "/refusal", |piece| chunk(0, &json!({"refusal": piece}), None)),
        chat!("reasoning_content", false, "/reasoning_content", |piece| chunk(
            0,
            &json!({"reasoning_content": piece}),
            None
        )),
        chat!("reasoning", false, "/reasoning", |piece| chunk(0, &json!({"reasoning": piece}), None)),
        chat!("second choice", false, "/content", |piece| chunk(1, &json!({"content": piece}), None)),
        chat!("transcript", false, "/audio/transcript", |piece| chunk(
            0,
            &json!({"audio": {"transcript": piece}}),
            None
        )),
        chat!("tool call", true, "/tool_calls/0/function/arguments", |piece| chunk(
            0,
            &json!({"tool_calls": [{"index": 1, "function": {"arguments": piece}}]}),
            None
        )),
        chat!("custom tool call", false, "/tool_calls/0/custom/input", |piece| chunk(
            0,
            &json!({"tool_calls": [{"index": 0, "type": "custom", "custom": {"input": piece}}]}),
            None
        )),
        chat!("function call", true, "/function_call/arguments", |piece| chunk(
            0,
            &json!({"function_call": {"arguments": piece}}),
            None
        )),
        Field {
            read: "/choices/0/text",
            ..chat!(
                "completion",
                false,
                "",
                |piece| json!({"id": "c", "choices": [{"index": 0, "text": piece, "finish_reason": null}]})
            )
        },
        item!("output_text", false),
        item!("refusal", false),
        item!("reasoning_text", false),
        item!("reasoning_summary_text", false),
        item!("function_call_arguments", true),
        item!("mcp_call_arguments", true),
        item!("custom_tool_call_input", false),
        item!("code_interpreter_call_code", false),
        block!(
            "text",
            false,
            json!({"type": "text", "text": ""}),
            |piece| json!({"type": "content_block_delta", "index": 1, "delta": {"type": "text_delta", "text": piece}}),
            "/delta/text"
        ),
        block!(
            "tool_use",
            true,
            json!({"type": "tool_use", "id": "t", "name": "f", "input": {}}),
            |piece| json!({"type": "content_block_delta", "index": 1, "delta": {"type": "input_json_delta", "partial_json": piece}}),
            "/delta/partial_json"
        ),
        ollama!(
            "message",
            |piece| json!({"model": "m", "created_at": "2026-01-02T03:04:05Z", "message": {"role": "assistant", "content": piece}, "done": false}),
            "/message/content"
        ),
        ollama!(
            "message's thinking",
            |piece| json!({"model": "m", "message": {"role": "assistant", "content": "", "thinking": piece}, "done": false}),
            "/message/thinking"
        ),
        ollama!("response", |piece| json!({"model": "m", "response": piece, "done": false}), "/response"),
        ollama!(
            "thinking",
            |piece| json!({"model": "m", "response": "", "thinking": piece, "done": false}),
            "/thinking"
        ),
    ]
}
