use serde_json::{Value, json};

use super::{INPUT, MODELS, OUTPUT, Said, pieces, vectors};
use crate::support::Reply;

pub(crate) fn models() -> Value {
    let entry =
        |name: &&str| json!({"id": name, "object": "model", "created": 1_686_935_002, "owned_by": "system"});
    json!({"object": "list", "data": MODELS.iter().map(entry).collect::<Vec<_>>()})
}

fn usage() -> Value {
    json!({"prompt_tokens": INPUT, "completion_tokens": OUTPUT, "total_tokens": INPUT + OUTPUT})
}

pub(crate) fn chat(said: &Said) -> Value {
    json!({
        "id": "chatcmpl-123", "object": "chat.completion", "created": 1_694_268_190, "model": said.model,
        "system_fingerprint": "fp_44709d6fcb",
        "choices": [{
            "index": 0, "message": {"role": "assistant", "content": said.text, "refusal": null},
            "logprobs": null, "finish_reason": "stop",
        }],
        "usage": usage(),
    })
}

/// One event of a chat's stream.
pub(crate) fn chat_chunk(model: &str, delta: &Value, finish: &Value) -> String {
    let chunk = json!({
        "id": "chatcmpl-123", "object": "chat.completion.chunk", "created": 1_694_268_190, "model": model,
        "system_fingerprint": "fp_44709d6fcb",
        "choices": [{"index": 0, "delta": delta, "logprobs": null, "finish_reason": finish}],
    });
    format!("data: {chunk}\n\n")
}

pub(crate) fn chat_events(said: &Said, letters: usize) -> Vec<String> {
    let chunk = |delta: Value, finish: Value| chat_chunk(&said.model, &delta, &finish);
    let mut events = vec![chunk(json!({"role": "assistant", "content": "", "refusal": null}), Value::Null)];
    events.extend(
        pieces(&said.text, letters).iter().map(|piece| chunk(json!({"content": piece}), Value::Null)),
    );
    events.push(chunk(json!({}), json!("stop")));
    if said.usage {
        let last = json!({
            "id": "chatcmpl-123", "object": "chat.completion.chunk", "created": 1_694_268_190,
            "model": said.model, "choices": [], "usage": usage(),
        });
        events.push(format!("data: {last}\n\n"));
    }
    events.push("data: [DONE]\n\n".into());
    events
}

pub(crate) fn chat_stream(said: &Said, letters: usize) -> Reply {
    Reply::events("text/event-stream", chat_events(said, letters))
}

pub(crate) fn completion(said: &Said, text: &str, finish: &Value) -> Value {
    json!({
        "id": "cmpl-123", "object": "text_completion", "created": 1_589_478_378, "model": said.model,
        "choices": [{"text": text, "index": 0, "logprobs": null, "finish_reason": finish}],
        "usage": usage(),
    })
}

pub(crate) fn completion_stream(said: &Said, letters: usize) -> Reply {
    let event = |text: &str, finish: &Value| format!("data: {}\n\n", completion(said, text, finish));
    let mut events: Vec<_> =
        pieces(&said.text, letters).iter().map(|piece| event(piece, &Value::Null)).collect();
    events.push(event("", &json!("stop")));
    events.push("data: [DONE]\n\n".into());
    Reply::events("text/event-stream", events)
}

pub(crate) fn embeddings(said: &Said, input: &Value) -> Value {
    let entry = |(index, vector): (usize, [f64; 3])| json!({"object": "embedding", "index": index, "embedding": vector});
    json!({
        "object": "list", "model": said.model,
        "data": vectors(input).into_iter().enumerate().map(entry).collect::<Vec<_>>(),
        "usage": {"prompt_tokens": INPUT, "total_tokens": INPUT},
    })
}

fn output_text(text: &str) -> Value {
    json!({"type": "output_text", "text": text, "annotations": []})
}

fn response_with(said: &Said, status: &str, output: &Value, usage: &Value) -> Value {
    json!({
        "id": "resp_67ccd2", "object": "response", "created_at": 1_741_476_542, "status": status, "error": null,
        "incomplete_details": null, "instructions": null, "max_output_tokens": null, "model": said.model,
        "output": output, "parallel_tool_calls": true, "tool_choice": "auto", "tools": [], "usage": usage,
        "metadata": {},
    })
}

fn item(status: &str, content: &Value) -> Value {
    json!({"type": "message", "id": "msg_67ccd3", "status": status, "role": "assistant", "content": content})
}

pub(crate) fn response(said: &Said) -> Value {
    let usage = json!({
        "input_tokens": INPUT, "input_tokens_details": {"cached_tokens": 0}, "output_tokens": OUTPUT,
        "output_tokens_details": {"reasoning_tokens": 0}, "total_tokens": INPUT + OUTPUT,
    });
    response_with(said, "completed", &json!([item("completed", &json!([output_text(&said.text)]))]), &usage)
}

pub(crate) fn response_stream(said: &Said, letters: usize) -> Reply {
    let at = |more: Value| {
        let mut all = json!({"item_id": "msg_67ccd3", "output_index": 0, "content_index": 0});
        all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        all
    };
    let started = response_with(said, "in_progress", &json!([]), &Value::Null);
    let mut steps = vec![
        ("response.created", json!({"response": started.clone()})),
        ("response.in_progress", json!({"response": started})),
        ("response.output_item.added", json!({"output_index": 0, "item": item("in_progress", &json!([]))})),
        ("response.content_part.added", at(json!({"part": output_text("")}))),
    ];
    let deltas = pieces(&said.text, letters).into_iter();
    steps.extend(deltas.map(|piece| ("response.output_text.delta", at(json!({"delta": piece})))));
    steps.push(("response.output_text.done", at(json!({"text": said.text}))));
    steps.push(("response.content_part.done", at(json!({"part": output_text(&said.text)}))));
    let done = item("completed", &json!([output_text(&said.text)]));
    steps.push(("response.output_item.done", json!({"output_index": 0, "item": done})));
    steps.push(("response.completed", json!({"response": response(said)})));
    let events = steps.into_iter().enumerate().map(|(number, (name, mut data))| {
        data["type"] = json!(name);
        data["sequence_number"] = json!(number);
        format!("event: {name}\ndata: {data}\n\n")
    });
    Reply::events("text/event-stream", events)
}
