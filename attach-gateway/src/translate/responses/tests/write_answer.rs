use attach_core::usage::Source;
use attach_core::{Api, Payload, Usage};
use http::StatusCode;
use serde_json::{Value, json};

use super::{exchange, question};
use crate::translate::canonical::{Event, Failure, Finish, WriteAnswer};
use crate::translate::responses::{Echo, Writer};

/// For a call with these members.
pub(super) fn writer(body: &Value) -> Writer {
    let body = question(body).to_string();
    let payload = Payload::parse(Api::OpenAiResponses, body.into()).unwrap();
    Writer::new("m", Echo::of(&payload), &exchange())
}

pub(super) fn text(text: &str) -> Event {
    Event::Text(text.to_owned())
}

pub(super) fn thought(text: &str) -> Event {
    Event::Thinking(text.to_owned())
}

pub(super) fn call(index: u64, id: Option<&str>, name: &str, arguments: &str) -> Event {
    Event::Tool { index, id: id.map(str::to_owned), name: name.to_owned(), arguments: arguments.to_owned() }
}

pub(super) fn usage(input: u64, output: u64) -> Event {
    let mut usage = Usage::default();
    (usage.input, usage.output, usage.source) = (input, output, Source::Reported);
    Event::Usage(usage)
}

#[test]
fn a_whole_answer_is_the_references_object() {
    let body = json!({
        "instructions": "Be brief.", "metadata": {"topic": "demo"}, "temperature": 0.5, "max_output_tokens": 99,
        "reasoning": {"effort": "low"}, "tool_choice": "auto", "user": "u-1", "safety_identifier": "s-1",
        "text": {"format": {"type": "text"}, "verbosity": "low"},
        "tools": [{"type": "function", "name": "f", "parameters": {"type": "object"}}],
    });
    let mut counts = Usage::default();
    (counts.input, counts.output, counts.source) = (328, 52, Source::Reported);
    (counts.cache_read, counts.cache_write, counts.reasoning) = (100, 20, 7);
    let pieces = vec![
        thought("hm"),
        text("Hi"),
        call(0, Some("call_1"), "f", "{}"),
        Event::Usage(counts),
        Event::Finish(Finish::Tools),
    ];
    let mut answer: Value = serde_json::from_slice(&writer(&body).whole(pieces).unwrap()).unwrap();
    let object = answer.as_object_mut().unwrap();
    let id = object.remove("id").unwrap();
    assert!(id.as_str().unwrap().starts_with("resp_") && !id.as_str().unwrap().contains('-'));
    assert!(object.remove("created_at").unwrap().as_u64() > Some(1_700_000_000));
    for (item, prefix) in object["output"].as_array_mut().unwrap().iter_mut().zip(["rs_", "msg_", "fc_"]) {
        let id = item.as_object_mut().unwrap().remove("id").unwrap();
        assert!(id.as_str().unwrap().starts_with(prefix), "{id}");
    }
    assert_eq!(
        answer,
        json!({
            "object": "response", "status": "completed", "background": false, "error": null, "incomplete_details": null,
            "model": "m",
            "output": [
                {"type": "reasoning", "status": "completed", "summary": [{"type": "summary_text", "text": "hm"}]},
                {"type": "message", "status": "completed", "role": "assistant",
                 "content": [{"type": "output_text", "text": "Hi", "annotations": [], "logprobs": []}]},
                {"type": "function_call", "status": "completed", "call_id": "call_1", "name": "f", "arguments": "{}"},
            ],
            "usage": {"input_tokens": 328, "input_tokens_details": {"cached_tokens": 100, "cache_write_tokens": 20},
                      "output_tokens": 52, "output_tokens_details": {"reasoning_tokens": 7}, "total_tokens": 380},
            "instructions": "Be brief.", "max_output_tokens": 99, "max_tool_calls": null, "metadata": {"topic": "demo"},
            "parallel_tool_calls": true, "previous_response_id": null, "prompt_cache_key": null,
            "reasoning": {"effort": "low"}, "safety_identifier": "s-1", "store": false, "temperature": 0.5,
            "text": {"format": {"type": "text"}, "verbosity": "low"}, "tool_choice": "auto",
            "tools": [{"type": "function", "name": "f", "parameters": {"type": "object"}}],
            "top_p": null, "truncation": "disabled", "user": "u-1",
        })
    );
}

#[test]
fn what_is_no_answer_is_none() {
    assert!(writer(&json!({})).whole(vec![usage(1, 1)]).is_none());
    let failure = Failure { code: None, message: "no".into() };
    assert!(writer(&json!({})).whole(vec![text("Hi"), Event::Error(failure)]).is_none());
}

#[test]
fn an_error_is_openais_object() {
    let failure = Failure { code: Some("overloaded_error".into()), message: "not now".into() };
    let body = writer(&json!({})).failure(StatusCode::TOO_MANY_REQUESTS, &failure);
    let mut body: Value = serde_json::from_slice(&body).unwrap();
    assert!(body["error"].as_object_mut().unwrap().remove("request_id").is_some());
    assert_eq!(
        body,
        json!({"error": {"message": "not now", "type": "rate_limit_error", "param": null, "code": "overloaded_error"}})
    );
}
