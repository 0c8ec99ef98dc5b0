use attach_core::Api;
use bytes::Bytes;
use serde_json::{Value, json};

use super::{Reply, Said, event};

pub(super) fn models(names: &[&str]) -> Value {
    let entry = |name: &&str| json!({"id": name, "object": "model", "created": 0, "owned_by": "attach-dev"});
    json!({"object": "list", "data": names.iter().map(entry).collect::<Vec<_>>()})
}

pub(super) fn reply(api: Api, said: &Said<'_>) -> Reply {
    match api {
        Api::OpenAiEmbeddings => embeddings(said),
        Api::OpenAiResponses => responses(said),
        Api::OpenAiCompletions => completions(said),
        _ => chat(said),
    }
}

fn usage(said: &Said<'_>) -> Value {
    json!({
        "prompt_tokens": said.input,
        "completion_tokens": said.output,
        "total_tokens": said.input + said.output,
    })
}

fn chat(said: &Said<'_>) -> Reply {
    let head =
        |object: &str| json!({"id": "chatcmpl-dev", "object": object, "created": 0, "model": said.model});
    let with = |mut head: Value, choices: Value, usage: Value| {
        head["choices"] = choices;
        head["usage"] = usage;
        head
    };
    let message = json!({"role": "assistant", "content": said.text});
    let whole = json!([{"index": 0, "message": message, "finish_reason": "stop"}]);
    let chunk = |delta: Value, finish: Value, usage: Value| {
        let choices = json!([{"index": 0, "delta": delta, "finish_reason": finish}]);
        event(None, &with(head("chat.completion.chunk"), choices, usage))
    };
    let mut events = vec![chunk(json!({"role": "assistant", "content": ""}), Value::Null, Value::Null)];
    events.extend(said.words().map(|word| chunk(json!({"content": word}), Value::Null, Value::Null)));
    events.push(chunk(json!({}), json!("stop"), usage(said)));
    events.push(Bytes::from_static(b"data: [DONE]\n\n"));
    Reply {
        whole: with(head("chat.completion"), whole, usage(said)),
        stream: Some(("text/event-stream", events)),
    }
}

fn completions(said: &Said<'_>) -> Reply {
    let body = |text: &str, finish: Value| {
        json!({
            "id": "cmpl-dev", "object": "text_completion", "created": 0, "model": said.model,
            "choices": [{"index": 0, "text": text, "logprobs": null, "finish_reason": finish}],
            "usage": usage(said),
        })
    };
    let mut events: Vec<_> = said.words().map(|word| event(None, &body(word, Value::Null))).collect();
    events.push(event(None, &body("", json!("stop"))));
    events.push(Bytes::from_static(b"data: [DONE]\n\n"));
    Reply { whole: body(&said.text, json!("stop")), stream: Some(("text/event-stream", events)) }
}

fn embeddings(said: &Said<'_>) -> Reply {
    let whole = json!({
        "object": "list", "model": said.model,
        "data": [{"object": "embedding", "index": 0, "embedding": [0.1, 0.2, 0.3]}],
        "usage": {"prompt_tokens": said.input, "total_tokens": said.input},
    });
    Reply { whole, stream: None }
}

fn responses(said: &Said<'_>) -> Reply {
    let body = |status: &str, output: Value, usage: Value| {
        json!({
            "id": "resp_dev", "object": "response", "created_at": 0, "status": status, "model": said.model,
            "output": output, "usage": usage, "error": null, "tools": [], "parallel_tool_calls": true,
            "tool_choice": "auto", "metadata": {},
        })
    };
    let part = |text: &str| json!({"type": "output_text", "text": text, "annotations": []});
    let item = |status: &str, content: Value| json!({"type": "message", "id": "msg_dev", "status": status, "role": "assistant", "content": content});
    let output = json!([item("completed", json!([part(&said.text)]))]);
    let usage = json!({
        "input_tokens": said.input, "input_tokens_details": {"cached_tokens": 0},
        "output_tokens": said.output, "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": said.input + said.output,
    });
    let whole = body("completed", output, usage);
    let at = json!({"item_id": "msg_dev", "output_index": 0, "content_index": 0});
    let mut steps = vec![
        ("response.created", json!({"response": body("in_progress", json!([]), Value::Null)})),
        ("response.output_item.added", json!({"output_index": 0, "item": item("in_progress", json!([]))})),
        ("response.content_part.added", merged(&at, json!({"part": part("")}))),
    ];
    steps.extend(
        said.words()
            .map(|word| ("response.output_text.delta", merged(&at, json!({"delta": word, "logprobs": []})))),
    );
    steps.push(("response.output_text.done", merged(&at, json!({"text": said.text, "logprobs": []}))));
    steps.push(("response.content_part.done", merged(&at, json!({"part": part(&said.text)}))));
    let done = item("completed", json!([part(&said.text)]));
    steps.push(("response.output_item.done", json!({"output_index": 0, "item": done})));
    steps.push(("response.completed", json!({"response": whole})));
    let numbered = steps.into_iter().enumerate().map(|(number, (name, data))| {
        event(Some(name), &merged(&data, json!({"type": name, "sequence_number": number})))
    });
    let events = numbered.collect();
    Reply { whole, stream: Some(("text/event-stream", events)) }
}

fn merged(first: &Value, second: Value) -> Value {
    let mut all = first.clone();
    if let (Some(all), Value::Object(second)) = (all.as_object_mut(), second) {
        all.extend(second);
    }
    all
}
