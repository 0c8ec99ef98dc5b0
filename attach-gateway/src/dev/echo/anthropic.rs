use attach_core::Api;
use serde_json::{Value, json};

use super::{Reply, Said, event};

pub(super) fn reply(api: Api, said: &Said<'_>) -> Reply {
    if api == Api::AnthropicCountTokens {
        return Reply { whole: json!({"input_tokens": said.input}), stream: None };
    }
    let message = |content: Value, stop: Value, output: usize| {
        json!({
            "id": "msg_dev", "type": "message", "role": "assistant", "model": said.model, "content": content,
            "stop_reason": stop, "stop_sequence": null,
            "usage": {"input_tokens": said.input, "output_tokens": output},
        })
    };
    let whole = message(json!([{"type": "text", "text": said.text}]), json!("end_turn"), said.output);
    let mut steps = vec![
        json!({"type": "message_start", "message": message(json!([]), Value::Null, 1)}),
        json!({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}),
    ];
    steps.extend(said.words().map(|word| {
        json!({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": word}})
    }));
    steps.push(json!({"type": "content_block_stop", "index": 0}));
    steps.push(json!({
        "type": "message_delta",
        "delta": {"stop_reason": "end_turn", "stop_sequence": null},
        "usage": {"output_tokens": said.output},
    }));
    steps.push(json!({"type": "message_stop"}));
    let events = steps.iter().map(|step| event(step["type"].as_str(), step)).collect();
    Reply { whole, stream: Some(("text/event-stream", events)) }
}
