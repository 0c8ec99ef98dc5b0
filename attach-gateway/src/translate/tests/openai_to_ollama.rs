//! OpenAI's clients in front of a server that speaks Ollama's own interface alone.
//!
//! Fixtures: OpenAI API reference, "Create chat completion" (default, image input, streaming, functions); Ollama
//! `docs/api.md`, "Generate a chat completion" (streaming, no streaming, structured outputs, images, tools).

#![allow(clippy::needless_pass_by_value, reason = "bodies are written where they are used")]

use attach_core::{Api, Payload};
use bytes::Bytes;
use serde_json::{Value, json};

use super::Plan;
use crate::config::Config;

pub(super) const OLLAMA: &str = r#"
[[issuer]]
issuer = "https://idp.example.com"
audience = ["a"]
[[upstream]]
name = "local"
kind = "ollama"
dialects = ["ollama"]
url = "http://127.0.0.1:11434"
"#;

pub(super) fn plan(body: &Value) -> Result<Plan, attach_core::Rejection> {
    let config = Config::parse(OLLAMA, |_| None).unwrap();
    let payload = Payload::parse(Api::OpenAiChat, Bytes::from(body.to_string()))?;
    let plan = Plan::new(&payload, &payload.call().model.as_str().into(), &config.upstreams[0])?;
    Ok(plan.expect("a pair that is translated"))
}

fn sent(body: &Value) -> Value {
    serde_json::from_slice(&plan(body).unwrap().body()).unwrap()
}

fn refused(body: &Value) -> String {
    let rejection = plan(body).unwrap_err();
    assert_eq!((rejection.code(), rejection.status().as_u16()), ("unsupported_field", 400), "{body}");
    rejection.param().unwrap().to_owned()
}

pub(super) fn with(more: Value) -> Value {
    let mut body = json!({"model": "llama3.2", "messages": [{"role": "user", "content": "hi"}]});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    body
}

#[test]
fn the_default_example_is_asked_in_ollamas_words() {
    let body = json!({"model": "gpt-4.1", "messages": [
        {"role": "developer", "content": "You are a helpful assistant."},
        {"role": "user", "content": "Hello!"},
    ]});
    assert_eq!(
        sent(&body),
        json!({"model": "gpt-4.1", "stream": false, "messages": [
            {"role": "system", "content": "You are a helpful assistant."},
            {"role": "user", "content": "Hello!"},
        ]})
    );
    assert_eq!(plan(&body).unwrap().dropped(), None);
}

#[test]
fn settings_become_options_as_they_were_written() {
    let body = r#"{"model":"m","messages":[],"temperature":0.70,"top_p":1e-1,"seed":7,"max_completion_tokens":64,"stop":"\n",
        "presence_penalty":0.5,"frequency_penalty":-0.5,"stream":true,"stream_options":{"include_usage":true},"reasoning_effort":"low"}"#;
    let config = Config::parse(OLLAMA, |_| None).unwrap();
    let payload = Payload::parse(Api::OpenAiChat, Bytes::from_static(body.as_bytes())).unwrap();
    let plan = Plan::new(&payload, &"m".into(), &config.upstreams[0]).unwrap().unwrap();
    let text = r#"{"model":"m","messages":[],"stream":true,"think":"low","options":{"temperature":0.70,"top_p":1e-1,"seed":7,"stop":["\n"],"presence_penalty":0.5,"frequency_penalty":-0.5,"num_predict":64}}"#;
    assert_eq!(plan.body(), text);
    assert_eq!(plan.dropped(), None);
}

#[test]
fn pictures_stand_beside_the_text() {
    let parts = |url: &str| {
        with(json!({"messages": [{"role": "user", "content": [
            {"type": "text", "text": "What is in this image?"},
            {"type": "image_url", "image_url": {"url": url}},
        ]}]}))
    };
    let picture = sent(&parts("data:image/jpeg;base64,/9j/4AAQ"));
    assert_eq!(
        picture["messages"],
        json!([{"role": "user", "content": "What is in this image?", "images": ["/9j/4AAQ"]}])
    );
    assert_eq!(refused(&parts("https://example.com/boardwalk.jpg")), "$.image_url");
}

#[test]
fn tools_calls_and_their_results_find_each_other_by_name() {
    let weather = json!({"name": "get_current_weather", "description": "The weather", "parameters": {"type": "object"}});
    let call = |id: &str, city: &str| {
        let arguments = json!({"location": city}).to_string();
        json!({"id": id, "type": "function", "function": {"name": "get_current_weather", "arguments": arguments}})
    };
    let body = with(json!({
        "tools": [{"type": "function", "function": weather}], "tool_choice": "auto", "parallel_tool_calls": true,
        "messages": [
            {"role": "user", "content": "Boston and Paris?"},
            {"role": "assistant", "content": null, "tool_calls": [call("call_a", "Boston"), call("call_b", "Paris")]},
            {"role": "tool", "tool_call_id": "call_b", "content": [{"type": "text", "text": "rain"}]},
            {"role": "tool", "tool_call_id": "call_a", "content": "sun"},
        ],
    }));
    let called =
        |city: &str| json!({"function": {"name": "get_current_weather", "arguments": {"location": city}}});
    assert_eq!(
        sent(&body),
        json!({
            "model": "llama3.2", "stream": false, "tools": [{"type": "function", "function": weather}],
            "messages": [
                {"role": "user", "content": "Boston and Paris?"},
                {"role": "assistant", "content": "", "tool_calls": [called("Boston"), called("Paris")]},
                {"role": "tool", "content": "rain", "tool_name": "get_current_weather"},
                {"role": "tool", "content": "sun", "tool_name": "get_current_weather"},
            ],
        })
    );
    assert_eq!(plan(&body).unwrap().dropped(), None);
}

#[test]
fn a_schema_is_the_format() {
    let schema = json!({"type": "object", "properties": {"age": {"type": "integer"}}});
    let format =
        json!({"type": "json_schema", "json_schema": {"name": "person", "schema": schema, "strict": true}});
    assert_eq!(sent(&with(json!({"response_format": format})))["format"], schema);
    assert_eq!(sent(&with(json!({"response_format": {"type": "json_object"}})))["format"], json!("json"));
    assert!(sent(&with(json!({"response_format": {"type": "text"}}))).get("format").is_none());
}

#[test]
fn efforts_and_switches_of_thinking() {
    for (effort, think) in [
        ("none", json!(false)),
        ("minimal", json!("low")),
        ("medium", json!("medium")),
        ("xhigh", json!("high")),
    ] {
        assert_eq!(sent(&with(json!({"reasoning_effort": effort})))["think"], think);
    }
}

#[test]
fn thoughts_of_earlier_answers_go_along() {
    let said = json!({"role": "assistant", "content": "4", "reasoning_content": "2 and 2"});
    let messages = sent(&with(json!({"messages": [said]})))["messages"].clone();
    assert_eq!(messages, json!([{"role": "assistant", "content": "4", "thinking": "2 and 2"}]));
}

#[test]
fn settings_without_a_word_are_left_out_and_named() {
    let body = with(json!({
        "logprobs": true, "top_logprobs": 3, "logit_bias": {"1": 2}, "user": "u", "metadata": {"a": "b"}, "service_tier": "flex",
        "store": false, "n": 1, "modalities": ["text"], "verbosity": null, "tool_choice": "required", "parallel_tool_calls": false,
        "tools": [{"type": "function", "function": {"name": "f", "strict": true}}],
        "messages": [{"role": "user", "name": "jane", "content": [{"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBO", "detail": "low"}}]}],
    }));
    let plan = plan(&body).unwrap();
    let names = "logprobs, top_logprobs, logit_bias, user, metadata, service_tier, messages.name, image_url.detail, \
                 tool_choice, parallel_tool_calls, tools.strict";
    let mut dropped: Vec<_> = plan.dropped().unwrap().split(", ").map(str::to_owned).collect();
    let mut expected: Vec<_> = names.split(", ").map(str::to_owned).collect();
    dropped.sort();
    expected.sort();
    assert_eq!(dropped, expected);
}

#[test]
fn no_tool_may_be_called_where_none_is_named() {
    let tools = json!([{"type": "function", "function": {"name": "f"}}]);
    assert!(sent(&with(json!({"tools": tools, "tool_choice": "none"}))).get("tools").is_none());
}

#[test]
fn content_without_a_word_is_refused_by_its_place() {
    let user = |part: Value| with(json!({"messages": [{"role": "user", "content": [part]}]}));
    let audio = json!({"type": "input_audio", "input_audio": {"data": "AA==", "format": "wav"}});
    let file = json!({"type": "file", "file": {"file_data": "data:application/pdf;base64,AA=="}});
    for (body, param) in [
        (with(json!({"n": 2})), "$.n"),
        (user(audio), "$.messages[0].content[0].input_audio"),
        (user(file), "$.messages[0].content[0].file"),
        (with(json!({"audio": {"voice": "alloy", "format": "mp3"}})), "$.audio"),
        (with(json!({"modalities": ["text", "audio"]})), "$.modalities"),
        (with(json!({"functions": [{"name": "f"}]})), "$.functions"),
        (with(json!({"tools": [{"type": "custom", "custom": {"name": "f"}}]})), "$.tools[0]"),
        (with(json!({"tool_choice": {"type": "allowed_tools", "allowed_tools": {}}})), "$.tool_choice"),
        (with(json!({"response_format": {"type": "grammar"}})), "$.response_format"),
    ] {
        assert_eq!(refused(&body), param);
    }
    let orphan = with(json!({"messages": [{"role": "tool", "tool_call_id": "call_x", "content": "sun"}]}));
    assert_eq!(plan(&orphan).unwrap_err().code(), "invalid_request");
}
