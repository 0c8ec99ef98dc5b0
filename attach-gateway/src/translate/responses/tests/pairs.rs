//! Every upstream's documented answers, whole and as a stream, in the words of Responses.

use attach_core::body::{Guard, Step};
use aws_smithy_eventstream::frame::write_message_to;
use aws_smithy_types::event_stream::{Header, HeaderValue, Message};
use bytes::Bytes;
use serde_json::{Value, json};

use super::assemble::{assembled, events};
use super::{exchange, plan, question};

const KINDS: [&str; 4] = ["openai", "anthropic", "ollama", "bedrock"];

/// The answer of a model that thinks, says something and asks for a tool, as `kind` puts it.
fn whole(kind: &str) -> Value {
    let input = json!({"location": "Paris"});
    match kind {
        "openai" => json!({
            "id": "chatcmpl-abc123", "object": "chat.completion", "created": 1_699_896_916, "model": "m",
            "choices": [{"index": 0, "logprobs": null, "finish_reason": "tool_calls", "message": {
                "role": "assistant", "content": "Let me look.", "reasoning_content": "hm",
                "tool_calls": [{"id": "call_1", "type": "function", "function": {"name": "get_weather", "arguments": input.to_string()}}],
            }}],
            "usage": {"prompt_tokens": 82, "completion_tokens": 17, "total_tokens": 99},
        }),
        "anthropic" => json!({
            "id": "msg_01", "type": "message", "role": "assistant", "model": "m", "stop_reason": "tool_use", "stop_sequence": null,
            "content": [
                {"type": "thinking", "thinking": "hm", "signature": "EqQB"}, {"type": "text", "text": "Let me look."},
                {"type": "tool_use", "id": "call_1", "name": "get_weather", "input": input},
            ],
            "usage": {"input_tokens": 82, "output_tokens": 17},
        }),
        "ollama" => json!({
            "model": "m", "created_at": "2023-08-04T19:22:45.499127Z", "done": true, "done_reason": "stop",
            "message": {"role": "assistant", "content": "Let me look.", "thinking": "hm",
                        "tool_calls": [{"function": {"name": "get_weather", "arguments": input}}]},
            "total_duration": 4_883_583_458_u64, "prompt_eval_count": 82, "eval_count": 17,
        }),
        _ => json!({
            "output": {"message": {"role": "assistant", "content": [
                {"reasoningContent": {"reasoningText": {"text": "hm", "signature": "EqQB"}}}, {"text": "Let me look."},
                {"toolUse": {"toolUseId": "call_1", "name": "get_weather", "input": input}},
            ]}},
            "stopReason": "tool_use", "usage": {"inputTokens": 82, "outputTokens": 17, "totalTokens": 99},
            "metrics": {"latencyMs": 1175},
        }),
    }
}

fn sse(events: &[Value]) -> Vec<u8> {
    let name =
        |event: &Value| event["type"].as_str().map_or(String::new(), |name| format!("event: {name}\n"));
    events.iter().map(|event| format!("{}data: {event}\n\n", name(event))).collect::<String>().into()
}

fn converse(events: &[(&str, Value)]) -> Vec<u8> {
    let mut out = Vec::new();
    for (name, payload) in events {
        let text = |text: &str| HeaderValue::String(text.to_owned().into());
        let message = Message::new(payload.to_string())
            .add_header(Header::new(":event-type", text(name)))
            .add_header(Header::new(":content-type", text("application/json")))
            .add_header(Header::new(":message-type", text("event")));
        write_message_to(&message, &mut out).unwrap();
    }
    out
}

/// The same as a stream.
fn streamed(kind: &str) -> Vec<u8> {
    match kind {
        "openai" => {
            let chunk = |delta: Value, finish: Value| json!({"object": "chat.completion.chunk", "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]});
            let call = |call: Value| chunk(json!({"tool_calls": [call]}), Value::Null);
            let mut out = sse(&[
                chunk(json!({"role": "assistant", "content": ""}), Value::Null),
                chunk(json!({"reasoning_content": "hm"}), Value::Null),
                chunk(json!({"content": "Let me"}), Value::Null),
                chunk(json!({"content": " look."}), Value::Null),
                call(
                    json!({"index": 0, "id": "call_1", "type": "function", "function": {"name": "get_weather", "arguments": ""}}),
                ),
                call(json!({"index": 0, "function": {"arguments": "{\"location\":"}})),
                call(json!({"index": 0, "function": {"arguments": "\"Paris\"}"}})),
                chunk(json!({}), json!("tool_calls")),
                json!({"choices": [], "usage": {"prompt_tokens": 82, "completion_tokens": 17}}),
            ]);
            out.extend_from_slice(b"data: [DONE]\n\n");
            out
        }
        "anthropic" => {
            let start = |index: u64, block: Value| json!({"type": "content_block_start", "index": index, "content_block": block});
            let delta = |index: u64, delta: Value| json!({"type": "content_block_delta", "index": index, "delta": delta});
            let stop = |index: u64| json!({"type": "content_block_stop", "index": index});
            sse(&[
                json!({"type": "message_start", "message": {"id": "msg_01", "type": "message", "role": "assistant", "model": "m", "content": [], "usage": {"input_tokens": 82, "output_tokens": 1}}}),
                start(0, json!({"type": "thinking", "thinking": "", "signature": ""})),
                delta(0, json!({"type": "thinking_delta", "thinking": "hm"})),
                delta(0, json!({"type": "signature_delta", "signature": "EqQB"})),
                stop(0),
                start(1, json!({"type": "text", "text": ""})),
                json!({"type": "ping"}),
                delta(1, json!({"type": "text_delta", "text": "Let me look."})),
                stop(1),
                start(2, json!({"type": "tool_use", "id": "call_1", "name": "get_weather", "input": {}})),
                delta(2, json!({"type": "input_json_delta", "partial_json": "{\"location\":"})),
                delta(2, json!({"type": "input_json_delta", "partial_json": "\"Paris\"}"})),
                stop(2),
                json!({"type": "message_delta", "delta": {"stop_reason": "tool_use", "stop_sequence": null}, "usage": {"output_tokens": 17}}),
                json!({"type": "message_stop"}),
            ])
        }
        "ollama" => {
            let line = |message: Value| {
                format!("{}\n", json!({"model": "m", "created_at": "t", "message": message, "done": false}))
            };
            let call = json!([{"function": {"name": "get_weather", "arguments": {"location": "Paris"}}}]);
            let end = json!({"model": "m", "created_at": "t", "message": {"role": "assistant", "content": ""}, "done": true, "done_reason": "stop", "prompt_eval_count": 82, "eval_count": 17});
            [
                line(json!({"role": "assistant", "content": "", "thinking": "hm"})),
                line(json!({"role": "assistant", "content": "Let me look."})),
                line(json!({"role": "assistant", "content": "", "tool_calls": call})),
                format!("{end}\n"),
            ]
            .concat()
            .into()
        }
        _ => converse(&[
            ("messageStart", json!({"role": "assistant"})),
            (
                "contentBlockDelta",
                json!({"contentBlockIndex": 0, "delta": {"reasoningContent": {"text": "hm"}}}),
            ),
            (
                "contentBlockDelta",
                json!({"contentBlockIndex": 0, "delta": {"reasoningContent": {"signature": "EqQB"}}}),
            ),
            ("contentBlockStop", json!({"contentBlockIndex": 0})),
            ("contentBlockDelta", json!({"contentBlockIndex": 1, "delta": {"text": "Let me look."}})),
            ("contentBlockStop", json!({"contentBlockIndex": 1})),
            (
                "contentBlockStart",
                json!({"contentBlockIndex": 2, "start": {"toolUse": {"toolUseId": "call_1", "name": "get_weather"}}}),
            ),
            (
                "contentBlockDelta",
                json!({"contentBlockIndex": 2, "delta": {"toolUse": {"input": "{\"location\":"}}}),
            ),
            (
                "contentBlockDelta",
                json!({"contentBlockIndex": 2, "delta": {"toolUse": {"input": "\"Paris\"}"}}}),
            ),
            ("contentBlockStop", json!({"contentBlockIndex": 2})),
            ("messageStop", json!({"stopReason": "tool_use"})),
            (
                "metadata",
                json!({"usage": {"inputTokens": 82, "outputTokens": 17, "totalTokens": 99}, "metrics": {"latencyMs": 1}}),
            ),
        ]),
    }
}

/// What any client of Responses reads of that answer.
fn judge(kind: &str, response: &Value) {
    assert_eq!(
        (&response["object"], &response["status"], &response["model"]),
        (&json!("response"), &json!("completed"), &json!("m")),
        "{kind}"
    );
    let output = &response["output"];
    let kinds: Vec<_> =
        output.as_array().unwrap().iter().map(|item| item["type"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["reasoning", "message", "function_call"], "{kind}");
    assert_eq!(output[0]["summary"], json!([{"type": "summary_text", "text": "hm"}]), "{kind}");
    let signed = matches!(kind, "anthropic" | "bedrock").then_some("attach.signature.EqQB");
    assert_eq!(output[0]["encrypted_content"].as_str(), signed, "{kind}");
    assert_eq!(output[1]["content"][0]["text"], "Let me look.", "{kind}");
    let arguments: Value = serde_json::from_str(output[2]["arguments"].as_str().unwrap()).unwrap();
    assert_eq!(
        (&output[2]["name"], arguments),
        (&json!("get_weather"), json!({"location": "Paris"})),
        "{kind}"
    );
    let id = output[2]["call_id"].as_str().unwrap();
    assert!(id == "call_1" || kind == "ollama" && id.starts_with("call_"), "{kind}: {id}");
    let usage = ["input_tokens", "output_tokens", "total_tokens"]
        .map(|name| response["usage"][name].as_u64().unwrap());
    assert_eq!(usage, [82, 17, 99], "{kind}");
}

fn asked(stream: bool) -> Value {
    question(&json!({
        "stream": stream, "include": ["reasoning.encrypted_content"],
        "tools": [{"type": "function", "name": "get_weather", "parameters": {"type": "object"}}],
    }))
}

#[test]
fn every_upstreams_whole_answer_is_a_response() {
    for kind in KINDS {
        for stream in [false, true] {
            let plan = plan(kind, &asked(stream)).unwrap();
            let answer = whole(kind).to_string();
            let (bytes, _) = plan.translator().unwrap().whole(answer.as_bytes(), &exchange()).unwrap();
            // A server may answer a stream with one whole answer.
            let response =
                if stream { assembled(&events(&bytes)) } else { serde_json::from_slice(&bytes).unwrap() };
            judge(kind, &response);
        }
    }
}

#[test]
fn every_upstreams_stream_is_a_stream_of_events() {
    for kind in KINDS {
        let plan = plan(kind, &asked(true)).unwrap();
        let stream = streamed(kind);
        // A guard is given whole events; Bedrock's frames find their ends themselves.
        let size = if kind == "bedrock" { 7 } else { stream.len() };
        let mut guard = plan.translator().unwrap().stream(&exchange());
        let mut out = Vec::new();
        for piece in stream.chunks(size) {
            let Step::Pass(bytes) = guard.frame(Bytes::copy_from_slice(piece), false) else {
                panic!("{kind}")
            };
            out.extend_from_slice(&bytes);
        }
        let Step::Pass(rest) = guard.end() else { panic!("{kind}") };
        out.extend_from_slice(&rest);
        judge(kind, &assembled(&events(&out)));
    }
}
