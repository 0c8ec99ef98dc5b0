//! Model servers of every kind that do as they are told: call a tool, answer in a shape, stop short, refuse, break off.

use serde_json::{Value, json};

use crate::bedrock::replay;
use crate::support::wire::{Said, anthropic, ollama, openai};
use crate::support::{Reply, Seen, Step};

const CALL: &str = "call_weather";
const TOOL: &str = "get_weather";

/// What a model says to a request, in the words of the server that was asked.
pub(super) fn answer(seen: &Seen) -> Reply {
    let body = seen.json();
    let (last, is_result) = last(&body);
    let streamed = seen.path.ends_with("/converse-stream") || body["stream"] == true;
    match &*last {
        _ if is_result => said(seen, &format!("It is {last}."), streamed),
        "weather?" => called(seen, streamed),
        "structured?" => said(seen, "{\"city\": \"Paris\", \"days\": 3}", streamed),
        "long" => said(seen, &"word ".repeat(400), streamed),
        "limited" => refused(seen),
        "broken" => broken(seen),
        _ => said(seen, &format!("You said: {last}"), streamed),
    }
}

/// The text of the last message, and whether it is a tool's result.
fn last(body: &Value) -> (String, bool) {
    let message = body["messages"].as_array().and_then(|all| all.last()).cloned().unwrap_or_default();
    let content = &message["content"];
    let places = [
        (content, message["role"] == "tool"),
        (&content[0]["text"], message["role"] == "tool"),
        (&content[0]["content"][0]["text"], true),
        (&content[0]["toolResult"]["content"][0]["text"], true),
    ];
    let mut texts = places.into_iter().filter_map(|(place, is_result)| Some((place.as_str()?, is_result)));
    texts.next().map_or_else(Default::default, |(text, is_result)| (text.to_owned(), is_result))
}

fn said(seen: &Seen, text: &str, streamed: bool) -> Reply {
    let said = Said { model: "m".into(), text: text.to_owned(), usage: true };
    match (&*seen.path, streamed) {
        ("/v1/chat/completions", true) => openai::chat_stream(&said, 3),
        ("/v1/chat/completions", false) => Reply::json(200, &openai::chat(&said)),
        ("/v1/messages", true) => anthropic::message_stream(&said, 3),
        ("/v1/messages", false) => Reply::json(200, &anthropic::message(&said)),
        ("/api/chat", true) => ollama::stream(&said, true, 3),
        ("/api/chat", false) => Reply::json(200, &ollama::line(&said, text, true, true)),
        (path, true) if path.starts_with("/model/") => replay::streamed(text, "end_turn"),
        (path, false) if path.starts_with("/model/") => replay::whole(&json!([{"text": text}]), "end_turn"),
        _ => Reply::json(404, &json!({"error": {"message": "no such path"}})),
    }
}

fn called(seen: &Seen, streamed: bool) -> Reply {
    match (&*seen.path, streamed) {
        ("/v1/chat/completions", true) => openai_calls(),
        ("/v1/messages", true) => anthropic_calls(),
        ("/api/chat", true) => {
            let line =
                |message: Value| format!("{}\n", json!({"model": "m", "message": message, "done": false}));
            let call = line(
                json!({"role": "assistant", "content": "", "tool_calls": [{"function": {"name": TOOL, "arguments": {"location": "Paris"}}}]}),
            );
            let end =
                ollama::line(&Said { model: "m".into(), text: String::new(), usage: true }, "", true, true);
            Reply::events("application/x-ndjson", [call, format!("{end}\n")])
        }
        (_, true) => {
            let delta = |input: &str| {
                replay::event(
                    "contentBlockDelta",
                    &json!({"contentBlockIndex": 0, "delta": {"toolUse": {"input": input}}}),
                )
            };
            replay::stream(vec![
                replay::event(
                    "contentBlockStart",
                    &json!({"contentBlockIndex": 0, "start": {"toolUse": {"toolUseId": CALL, "name": TOOL}}}),
                ),
                delta("{\"location\":"),
                delta("\"Paris\"}"),
                replay::event("contentBlockStop", &json!({"contentBlockIndex": 0})),
                replay::stop("tool_use"),
                replay::metadata(),
            ])
        }
        (path, false) => whole_call(path),
    }
}

fn whole_call(path: &str) -> Reply {
    let said = Said { model: "m".into(), text: String::new(), usage: true };
    let input = json!({"location": "Paris"});
    match path {
        "/v1/chat/completions" => {
            let mut answer = openai::chat(&said);
            answer["choices"][0]["message"] = json!({"role": "assistant", "content": null, "tool_calls": [{"id": CALL, "type": "function", "function": {"name": TOOL, "arguments": input.to_string()}}]});
            answer["choices"][0]["finish_reason"] = json!("tool_calls");
            Reply::json(200, &answer)
        }
        "/v1/messages" => {
            let mut answer = anthropic::message(&said);
            answer["content"] = json!([{"type": "tool_use", "id": CALL, "name": TOOL, "input": input}]);
            answer["stop_reason"] = json!("tool_use");
            Reply::json(200, &answer)
        }
        "/api/chat" => {
            let mut answer = ollama::line(&said, "", true, true);
            answer["message"]["tool_calls"] = json!([{"function": {"name": TOOL, "arguments": input}}]);
            Reply::json(200, &answer)
        }
        _ => replay::whole(
            &json!([{"toolUse": {"toolUseId": CALL, "name": TOOL, "input": input}}]),
            "tool_use",
        ),
    }
}

fn openai_calls() -> Reply {
    let chunk = |call: Value| openai::chat_chunk("m", &json!({"tool_calls": [call]}), &Value::Null);
    let usage = json!({"choices": [], "usage": {"prompt_tokens": 11, "completion_tokens": 7}});
    Reply::events(
        "text/event-stream",
        [
            chunk(
                json!({"index": 0, "id": CALL, "type": "function", "function": {"name": TOOL, "arguments": ""}}),
            ),
            chunk(json!({"index": 0, "function": {"arguments": "{\"location\":"}})),
            chunk(json!({"index": 0, "function": {"arguments": "\"Paris\"}"}})),
            openai::chat_chunk("m", &json!({}), &json!("tool_calls")),
            format!("data: {usage}\n\n"),
            "data: [DONE]\n\n".to_owned(),
        ],
    )
}

fn anthropic_calls() -> Reply {
    let said = Said { model: "m".into(), text: String::new(), usage: true };
    let mut message = anthropic::message(&said);
    (message["content"], message["stop_reason"]) = (json!([]), Value::Null);
    let delta = |input: &str| json!({"type": "content_block_delta", "index": 0, "delta": {"type": "input_json_delta", "partial_json": input}});
    let events = [
        json!({"type": "message_start", "message": message}),
        json!({"type": "content_block_start", "index": 0, "content_block": {"type": "tool_use", "id": CALL, "name": TOOL, "input": {}}}),
        delta("{\"location\":"),
        delta("\"Paris\"}"),
        json!({"type": "content_block_stop", "index": 0}),
        json!({"type": "message_delta", "delta": {"stop_reason": "tool_use", "stop_sequence": null}, "usage": {"output_tokens": 7}}),
        json!({"type": "message_stop"}),
    ];
    let event = |step: &Value| format!("event: {}\ndata: {step}\n\n", step["type"].as_str().unwrap());
    Reply::events("text/event-stream", events.iter().map(event).collect::<Vec<_>>())
}

fn refused(seen: &Seen) -> Reply {
    let reply = match &*seen.path {
        path if path.starts_with("/model/") => replay::failure(429, "ThrottlingException", "not now"),
        "/api/chat" => Reply::json(429, &json!({"error": "not now"})),
        _ => Reply::json(
            429,
            &json!({"type": "error", "error": {"type": "rate_limit_error", "message": "not now"}}),
        ),
    };
    reply.header("retry-after", "17")
}

/// The beginning of a stream, and no end.
fn broken(seen: &Seen) -> Reply {
    match &*seen.path {
        "/v1/messages" => {
            let text = "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"one\"}}\n\n";
            Reply::stream("text/event-stream", vec![Step::Send(text.into()), Step::Break])
        }
        "/api/chat" => {
            let line = format!(
                "{}\n",
                json!({"model": "m", "message": {"role": "assistant", "content": "one"}, "done": false})
            );
            Reply::stream("application/x-ndjson", vec![Step::Send(line.into()), Step::Break])
        }
        "/v1/chat/completions" => {
            let event = openai::chat_chunk("m", &json!({"content": "one"}), &Value::Null);
            Reply::stream("text/event-stream", vec![Step::Send(event.into()), Step::Break])
        }
        _ => {
            let steps = vec![Step::Send(replay::text("one").into()), Step::Break];
            Reply::stream("application/vnd.amazon.eventstream", steps)
        }
    }
}
