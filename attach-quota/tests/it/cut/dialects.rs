//! The ends that clients of each dialect see.

use serde_json::{Value, json};

use super::*;

const MESSAGES: &str = "/v1/messages";
const RESPONSES: &str = "/v1/responses";

fn sse(data: &Value) -> String {
    format!("event: {}\ndata: {data}\n\n", data["type"].as_str().unwrap_or("message"))
}

/// How an answer begins, one of the many pieces that follow, and its media type.
fn script(path: &str, tool: bool) -> (&'static str, String, String) {
    match path {
        CHAT => {
            let call = json!([{"index": 0, "id": "call_1", "type": "function", "function": {"name": "f", "arguments": ""}}]);
            let open = json!({"id": "c", "object": "chat.completion.chunk", "created": 7, "model": "m",
                "choices": [{"index": 0, "delta": {"role": "assistant", "tool_calls": tool.then_some(call)}}]});
            let more = json!([{"index": 0, "function": {"arguments": "word"}}]);
            let delta = if tool { json!({"tool_calls": more}) } else { json!({"content": "word"}) };
            let more = json!({"id": "c", "object": "chat.completion.chunk", "created": 7, "model": "m",
                "choices": [{"index": 0, "delta": delta}]});
            (SSE, format!("data: {open}\n\n"), format!("data: {more}\n\n"))
        }
        MESSAGES => {
            let message = json!({"id": "msg_1", "type": "message", "role": "assistant", "model": "m", "content": [],
                "stop_reason": null, "stop_sequence": null, "usage": {"input_tokens": 9, "output_tokens": 1}});
            let block = if tool {
                json!({"type": "tool_use", "id": "toolu_1", "name": "f", "input": {}})
            } else {
                json!({"type": "text", "text": ""})
            };
            let open = sse(&json!({"type": "message_start", "message": message}))
                + &sse(&json!({"type": "content_block_start", "index": 0, "content_block": block}));
            let delta = if tool {
                json!({"type": "input_json_delta", "partial_json": "[\"w\","})
            } else {
                json!({"type": "text_delta", "text": "word"})
            };
            (SSE, open, sse(&json!({"type": "content_block_delta", "index": 0, "delta": delta})))
        }
        RESPONSES => response(tool),
        _ => {
            let line = |text: &str| {
                let mut line = json!({"model": "m", "created_at": "2026-01-01T00:00:00Z", "done": false});
                match path {
                    "/api/chat" => line["message"] = json!({"role": "assistant", "content": text}),
                    _ => line["response"] = text.into(),
                }
                format!("{line}\n")
            };
            ("application/x-ndjson", line(""), line("word"))
        }
    }
}

fn response(tool: bool) -> (&'static str, String, String) {
    let response = json!({"id": "resp_1", "object": "response", "created_at": 7, "status": "in_progress", "model": "m",
        "output": [], "error": null, "incomplete_details": null, "parallel_tool_calls": true, "tools": [],
        "tool_choice": "auto", "instructions": null, "metadata": {}, "temperature": 1.0, "top_p": 1.0});
    let item = if tool {
        json!({"id": "i", "type": "function_call", "status": "in_progress", "call_id": "call_1", "name": "f",
            "arguments": ""})
    } else {
        json!({"id": "i", "type": "message", "status": "in_progress", "role": "assistant", "content": []})
    };
    let mut open = sse(&json!({"type": "response.created", "sequence_number": 0, "response": response}))
        + &sse(
            &json!({"type": "response.output_item.added", "sequence_number": 1, "output_index": 0, "item": item}),
        );
    let place = json!({"item_id": "i", "output_index": 0, "sequence_number": 2});
    let with = |more: Value| {
        let mut event = place.clone();
        event.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        sse(&event)
    };
    if tool {
        return (SSE, open, with(json!({"type": "response.function_call_arguments.delta", "delta": "word"})));
    }
    let part = json!({"type": "output_text", "text": "", "annotations": []});
    open += &with(json!({"type": "response.content_part.added", "content_index": 0, "part": part}));
    let delta =
        json!({"type": "response.output_text.delta", "content_index": 0, "delta": "word", "logprobs": []});
    (SSE, open, with(delta))
}

/// A server that never stops talking, in the dialect it is asked in.
pub(super) async fn endless(tool: bool) -> Server {
    serve(vec![limit()], move |request: Request<Body>| {
        let (kind, open, more) = script(request.uri().path(), tool);
        let (writer, body) = stream();
        writer.send(&open);
        for _ in 0..3000 {
            writer.send(&more);
        }
        keep(writer);
        async move { typed(kind, body) }
    })
    .await
}

async fn last_of(path: &str, tool: bool, many: usize) -> Vec<Value> {
    let server = endless(tool).await;
    let ask: &'static str = match path {
        RESPONSES => r#"{"model":"m","input":"hello there friends!","stream":true}"#,
        "/api/generate" => r#"{"model":"m","prompt":"hello there friends!"}"#,
        _ => HELLO,
    };
    let text = text(server.post(path, ask).await).await;
    assert!((600..=600 + 2 * BOUND).contains(&server.tokens()), "{path}: {}", server.tokens());
    let mut events = match path {
        "/api/chat" | "/api/generate" => {
            text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
        }
        _ => events(&text),
    };
    events.split_off(events.len() - many)
}

#[tokio::test]
async fn a_chat_completion_is_cut_also_within_a_tool_call() {
    for tool in [false, true] {
        let [finish, done]: [Value; 2] = last_of(CHAT, tool, 2).await.try_into().unwrap();
        assert_eq!((&finish["model"], &finish["created"]), (&json!("m"), &json!(7)));
        assert_eq!(finish["choices"][0]["finish_reason"], "length");
        assert_eq!(done, "[DONE]");
    }
}

#[tokio::test]
async fn a_message_is_cut_also_within_a_tool_use() {
    for tool in [false, true] {
        let [block, delta, stop]: [Value; 3] = last_of(MESSAGES, tool, 3).await.try_into().unwrap();
        assert_eq!((&block["type"], &block["index"]), (&json!("content_block_stop"), &json!(0)));
        assert_eq!(delta["delta"]["stop_reason"], "max_tokens");
        assert!(delta["usage"]["output_tokens"].as_u64().unwrap() >= 600 - INPUT);
        assert_eq!(delta["attach"]["limit"], "tpm");
        assert_eq!(stop["type"], "message_stop");
    }
}

#[tokio::test]
async fn a_response_is_cut_also_within_a_function_call() {
    for (tool, many) in [(false, 4), (true, 3)] {
        let events = last_of(RESPONSES, tool, many).await;
        let last = &events[many - 1];
        assert_eq!(last["type"], "response.incomplete");
        assert_eq!(last["response"]["incomplete_details"]["reason"], "max_output_tokens");
        let item = &last["response"]["output"][0];
        let text = if tool { &item["arguments"] } else { &item["content"][0]["text"] };
        assert!(text.as_str().unwrap().len() >= 4 * 580, "the whole of what was said is repeated");
        assert_eq!(events[many - 2]["item"], *item);
    }
}

#[tokio::test]
async fn an_ollama_answer_is_cut() {
    for path in ["/api/chat", "/api/generate"] {
        let line = last_of(path, false, 1).await.remove(0);
        assert_eq!((&line["done"], &line["done_reason"]), (&json!(true), &json!("length")));
        assert!(line["eval_count"].as_u64().unwrap() >= 600 - 2 * INPUT);
        assert_eq!(line["attach"]["code"], "quota_exceeded");
    }
}
