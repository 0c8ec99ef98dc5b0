//! Tools that run outside the perimeter get placeholders, not values.

use std::sync::OnceLock;

use attach_core::usage::Wire;
use attach_redact::Redactor;
use attach_redact::fuzzing::Asked;
use serde_json::{Value, json};

use crate::support::{CHAT, MESSAGES, OLLAMA, RESPONSES, Seen, call_in_pieces, chat, placeholders};

const MAIL: &str = "bob@example.org";
const SSE: &str = "text/event-stream";

fn redactor() -> Redactor {
    static REDACTOR: OnceLock<Redactor> = OnceLock::new();
    let build = || Redactor::builder().external_tools(["web_*", "send"]).build().unwrap();
    REDACTOR.get_or_init(build).clone()
}

async fn ask(
    path: &str,
    body: &str,
    kind: &'static str,
    answer: impl Fn(&str) -> String + Clone + Send + Sync + 'static,
) -> Seen {
    call_in_pieces(redactor(), path, body, kind, usize::MAX, answer).await
}

fn first(sent: &str) -> String {
    placeholders(sent).into_iter().next().unwrap()
}

fn user(path: &str) -> String {
    match path {
        RESPONSES => json!({"model": "m", "input": MAIL}).to_string(),
        _ => json!({"model": "m", "max_tokens": 9, "stream": false, "messages": [{"role": "user", "content": MAIL}]})
            .to_string(),
    }
}

/// The answer with `NAME` called with `PII` as its argument, and no more placeholders than that.
fn unary(path: &str) -> Value {
    let arguments = "{\"to\":\"PII\"}";
    match path {
        CHAT => json!({"choices": [{"message": {"tool_calls": [
            {"id": "c", "type": "function", "function": {"arguments": arguments, "name": "NAME"}}]}}]}),
        MESSAGES => {
            json!({"content": [{"type": "tool_use", "id": "c", "name": "NAME", "input": {"to": ["PII"]}}]})
        }
        RESPONSES => json!({"output": [{"type": "function_call", "name": "NAME", "arguments": arguments}]}),
        _ => {
            json!({"message": {"tool_calls": [{"function": {"name": "NAME", "arguments": {"to": {"x": "PII"}}}}]}})
        }
    }
}

#[tokio::test]
async fn arguments_of_external_tools_keep_their_placeholders() {
    let legacy = json!({"choices": [{"message": {"function_call": {"name": "NAME", "arguments": "PII"}}}]});
    let custom =
        json!({"choices": [{"message": {"tool_calls": [{"custom": {"name": "NAME", "input": "PII"}}]}}]});
    let all = [CHAT, MESSAGES, RESPONSES, OLLAMA].map(|path| (path, unary(path)));
    for (path, template) in all.into_iter().chain([(CHAT, legacy), (CHAT, custom)]) {
        for (name, is_external) in
            [("web_search", true), ("Send", true), ("web", false), ("sender", false), ("f", false)]
        {
            let template = template.to_string().replace("NAME", name);
            let answer = move |sent: &str| template.replace("PII", &first(sent));
            let seen = ask(path, &user(path), "application/json", answer).await;
            assert_eq!(seen.client.contains(MAIL), !is_external, "{name} {}", seen.client);
            assert_eq!(seen.restored_and_withheld(), if is_external { (0, 1) } else { (1, 0) });
        }
    }
}

#[tokio::test]
async fn what_is_not_their_arguments_is_restored() {
    let answer = |sent: &str| {
        let pii = first(sent);
        json!({"choices": [{"message": {"content": pii, "tool_calls": [
            {"function": {"name": "send", "arguments": format!("{{\"{pii}\":\"{pii}\"}}")}},
            {"function": {"name": "local", "arguments": format!("{{\"a\":\"{pii}\"}}")}},
        ]}}]})
        .to_string()
    };
    let seen = ask(CHAT, &chat(MAIL), "application/json", answer).await;
    assert_eq!(seen.restored_and_withheld(), (2, 2), "{}", seen.client);
}

/// The events of a stream in which `NAME` is called with `A` and `B` as the two halves of its arguments.
fn streams() -> Vec<(&'static str, Wire, Vec<Value>)> {
    let chunk = |delta: Value| json!({"choices": [{"index": 0, "delta": delta, "finish_reason": null}]});
    let called = |call: Value| chunk(json!({"tool_calls": [call]}));
    let done = json!({"choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}]});
    let block = |delta: &str| json!({"type": "content_block_delta", "index": 1, "delta": {"type": "input_json_delta", "partial_json": delta}});
    let item = |delta: &str| json!({"type": "response.function_call_arguments.delta", "output_index": 2, "delta": delta});
    let snapshot = json!({"type": "function_call", "name": "NAME", "arguments": "AB"});
    vec![
        (
            "chat",
            Wire::Sse,
            vec![
                called(
                    json!({"index": 0, "id": "c", "type": "function", "function": {"name": "NAME", "arguments": ""}}),
                ),
                called(json!({"index": 0, "function": {"arguments": "A"}})),
                called(json!({"index": 0, "function": {"arguments": "B"}})),
                done.clone(),
            ],
        ),
        (
            "the name in pieces, as OpenAI's clients put it together",
            Wire::Sse,
            vec![
                called(json!({"index": 0, "function": {"name": "NA"}})),
                called(json!({"index": 0, "function": {"name": "ME", "arguments": "A"}})),
                called(json!({"index": 0, "function": {"arguments": "B"}})),
            ],
        ),
        (
            "the name with every piece",
            Wire::Sse,
            vec![
                called(json!({"index": 0, "function": {"name": "NAME", "arguments": "A"}})),
                called(json!({"index": 0, "function": {"name": "NAME", "arguments": "B"}})),
            ],
        ),
        (
            "custom",
            Wire::Sse,
            vec![
                called(json!({"index": 3, "custom": {"name": "NAME", "input": "A"}})),
                called(json!({"index": 3, "custom": {"input": "B"}})),
            ],
        ),
        (
            "legacy",
            Wire::Sse,
            vec![
                chunk(json!({"function_call": {"name": "NAME", "arguments": "A"}})),
                chunk(json!({"function_call": {"arguments": "B"}})),
            ],
        ),
        (
            "messages",
            Wire::Sse,
            vec![
                json!({"type": "content_block_start", "index": 1, "content_block": {"type": "tool_use", "name": "NAME", "input": {}}}),
                block("A"),
                block("B"),
                json!({"type": "content_block_stop", "index": 1}),
            ],
        ),
        (
            "responses",
            Wire::Sse,
            vec![
                json!({"type": "response.output_item.added", "output_index": 2, "item": {"type": "function_call", "name": "NAME", "arguments": ""}}),
                item("A"),
                item("B"),
                json!({"type": "response.function_call_arguments.done", "output_index": 2, "arguments": "AB"}),
                json!({"type": "response.output_item.done", "output_index": 2, "item": snapshot}),
                json!({"type": "response.completed", "response": {"output": [snapshot]}}),
            ],
        ),
        (
            "ollama",
            Wire::Ndjson,
            vec![
                json!({"message": {"tool_calls": [{"function": {"name": "NAME", "arguments": {"to": "AB"}}}]}, "done": false}),
            ],
        ),
    ]
}

#[test]
fn streamed_arguments_of_external_tools_keep_their_placeholders() {
    for (what, wire, events) in streams() {
        for (name, is_external) in [("web_fetch", true), ("local", false)] {
            let mut asked = Asked::about(&redactor(), &[("EMAIL", MAIL)]);
            let pii = asked.placeholder("EMAIL", MAIL).unwrap();
            let (a, b) = pii.split_at(6);
            let (head, tail) = name.split_at(2);
            let written = |event: &Value| {
                let json = event.to_string().replace("\"NAME\"", &format!("\"{name}\""));
                let json =
                    json.replace("\"NA\"", &format!("\"{head}\"")).replace("\"ME\"", &format!("\"{tail}\""));
                let json = json.replace("\"AB\"", &format!("\"{pii}\""));
                let json = json.replace("\"A\"", &format!("\"{a}\"")).replace("\"B\"", &format!("\"{b}\""));
                if wire == Wire::Sse { format!("data: {json}\n\n") } else { format!("{json}\n") }
            };
            let stream: String = events.iter().map(written).collect();
            let answer = asked.stream(wire, [stream.as_bytes()]).concat();
            let answer = String::from_utf8_lossy(&answer);
            assert_eq!(answer.contains("bob@"), !is_external, "{what}: {answer}");
            assert_eq!(answer.contains(b), is_external, "{what}: {answer}");
        }
    }
}

#[tokio::test]
async fn streamed_placeholders_of_external_tools_are_counted_once_each() {
    let answer = |sent: &str| {
        let pii = first(sent);
        let (_, _, events) = streams().swap_remove(0);
        let text = json!({"choices": [{"index": 0, "delta": {"content": pii}}]});
        let (a, b) = pii.split_at(6);
        let all = events.iter().chain([&text]).map(|event| {
            let json = event.to_string().replace("NAME", "send");
            format!(
                "data: {}\n\n",
                json.replace("\"A\"", &format!("\"{a}\"")).replace("\"B\"", &format!("\"{b}\""))
            )
        });
        all.collect()
    };
    let seen = ask(CHAT, &chat(MAIL), SSE, answer).await;
    assert_eq!(seen.restored_and_withheld(), (1, 1), "{}", seen.client);
}

#[test]
fn arguments_of_a_call_that_was_never_named_stay_as_they_are() {
    let mut asked = Asked::about(&redactor(), &[("EMAIL", MAIL)]);
    let pii = asked.placeholder("EMAIL", MAIL).unwrap();
    let delta = json!({"choices": [{"index": 0, "delta": {"tool_calls": [{"index": 0, "function": {"arguments": pii}}]}}]});
    let stream = format!("data: {delta}\n\n");
    assert_eq!(asked.stream(Wire::Sse, [stream.as_bytes()]).concat(), stream.as_bytes());
}

/// The client sends the call back as it got it: the model must see its own placeholder in the history as one that is not
/// to be restored, and the answer's own ones as before.
#[tokio::test]
async fn a_placeholder_that_was_kept_comes_back_as_it_was() {
    let pii = first(ask(CHAT, &chat(MAIL), SSE, |_| String::new()).await.upstream());
    let arguments = json!({"to": pii}).to_string();
    let body = json!({"model": "m", "messages": [
        {"role": "user", "content": MAIL},
        {"role": "assistant", "content": null, "tool_calls": [{"id": "c", "type": "function", "function": {"name": "send", "arguments": arguments}}]},
        {"role": "tool", "tool_call_id": "c", "content": "sent"},
    ]});
    let echo = |sent: &str| {
        let sent: Value = serde_json::from_str(sent).unwrap();
        let call = sent.pointer("/messages/1/tool_calls/0/function/arguments").unwrap();
        json!({"choices": [{"message": {"content": call}}]}).to_string()
    };
    let seen = ask(CHAT, &body.to_string(), "application/json", echo).await;
    let got: Value = serde_json::from_str(&seen.client).unwrap();
    assert_eq!(got["choices"][0]["message"]["content"], arguments);
}
