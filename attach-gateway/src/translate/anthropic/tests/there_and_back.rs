//! What is read of a request and written again is the same request.

use attach_core::{Api, Payload, Rejection};
use bytes::Bytes;
use serde_json::{Value, json};

use super::question;
use crate::translate::anthropic::{read_chat, write_chat};
use crate::translate::canonical::Losses;

/// Through the canonical model and out again.
fn again(body: &Value) -> Result<Value, Rejection> {
    let payload = Payload::parse(Api::AnthropicMessages, Bytes::from(body.to_string()))?;
    let mut losses = Losses::refused(true);
    let chat = read_chat(payload.document().root(), payload.call(), &mut losses)?;
    let bytes = write_chat(&chat, payload.call().model.as_str(), &mut losses)?;
    Ok(serde_json::from_slice(&bytes).unwrap())
}

/// Every block a message of the role may hold.
fn pieces(role: &str) -> Vec<Value> {
    let image = json!({"type": "image", "source": {"type": "url", "url": "https://example.com/a.png"}});
    let mut all = vec![json!({"type": "text", "text": "A \u{1F44B}\n\"b\""})];
    if role == "user" {
        all.push(image.clone());
        all.insert(0, json!({"type": "tool_result", "tool_use_id": "toolu_1", "content": [{"type": "text", "text": "15"}, image], "is_error": true}));
        all.insert(0, json!({"type": "tool_result", "tool_use_id": "toolu_2"}));
    } else {
        all.insert(0, json!({"type": "thinking", "thinking": "hm", "signature": "EqQB=="}));
        all.insert(1, json!({"type": "redacted_thinking", "data": "EmwK"}));
        all.push(
            json!({"type": "tool_use", "id": "toolu_1", "name": "t", "input": {"a": [1.50, {"b": null}]}}),
        );
    }
    all
}

#[test]
fn there_and_back_is_the_same_call() {
    let subsets = |role: &str| -> Vec<Value> {
        let all = pieces(role);
        let chosen = |bits: usize| {
            all.iter()
                .enumerate()
                .filter(|(at, _)| bits >> at & 1 == 1)
                .map(|(_, block)| block.clone())
                .collect()
        };
        (1..1 << all.len()).map(chosen).map(Value::Array).collect()
    };
    let mut seen = 0;
    for user in subsets("user") {
        for assistant in subsets("assistant") {
            let mut body = question(&json!({
                "model": "claude-opus-4-6", "stream": true, "system": "s", "stop_sequences": ["END"], "top_k": 5,
                "temperature": 0.25,
                "tools": [{"name": "t", "description": "d", "input_schema": {"type": "object"}, "strict": true}],
                "tool_choice": {"type": "auto", "disable_parallel_tool_use": true},
                "thinking": {"type": "disabled"},
                "output_config": {"format": {"type": "json_schema", "schema": {"type": "array"}}},
            }));
            body["messages"] = json!([
                {"role": "user", "content": user}, {"role": "assistant", "content": assistant}, {"role": "user", "content": user},
            ]);
            assert_eq!(again(&body).unwrap(), body);
            seen += 1;
        }
    }
    assert_eq!(seen, 15 * 15);
}
