use serde_json::{Value, json};

use super::{INPUT, OUTPUT, Said, pieces};
use crate::support::Reply;

fn message_with(said: &Said, content: &Value, stop: &Value, output: u64) -> Value {
    json!({
        "id": "msg_013Zva2CMHLNnXjNJJKqJ2EF", "type": "message", "role": "assistant", "model": said.model,
        "content": content, "stop_reason": stop, "stop_sequence": null,
        "usage": {"input_tokens": INPUT, "output_tokens": output},
    })
}

pub(crate) fn message(said: &Said) -> Value {
    message_with(said, &json!([{"type": "text", "text": said.text}]), &json!("end_turn"), OUTPUT)
}

pub(crate) fn message_stream(said: &Said, letters: usize) -> Reply {
    let mut steps = vec![
        json!({"type": "message_start", "message": message_with(said, &json!([]), &Value::Null, 1)}),
        json!({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}),
        json!({"type": "ping"}),
    ];
    steps.extend(pieces(&said.text, letters).into_iter().map(|piece| {
        json!({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": piece}})
    }));
    steps.push(json!({"type": "content_block_stop", "index": 0}));
    steps.push(json!({
        "type": "message_delta", "delta": {"stop_reason": "end_turn", "stop_sequence": null},
        "usage": {"output_tokens": OUTPUT},
    }));
    steps.push(json!({"type": "message_stop"}));
    let event = |step: &Value| format!("event: {}\ndata: {step}\n\n", step["type"].as_str().unwrap());
    Reply::events("text/event-stream", steps.iter().map(event).collect::<Vec<_>>())
}
