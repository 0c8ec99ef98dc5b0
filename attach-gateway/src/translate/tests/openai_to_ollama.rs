//! OpenAI's clients in front of a server that speaks Ollama's own interface alone.
//!
//! Fixtures: OpenAI API reference, "Create chat completion" (default, image input, streaming, functions); Ollama
//! `docs/api.md`, "Generate a chat completion" (streaming, no streaming, structured outputs, images, tools).

#![allow(clippy::needless_pass_by_value, reason = "bodies are written where they are used")]

use attach_core::body::{Events, Guard, Step};
use attach_core::usage::Wire;
use attach_core::{Api, Exchange, Payload};
use bytes::Bytes;
use serde_json::{Value, json};

use super::{Plan, exchange};
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

fn plan(body: &Value) -> Result<Plan, attach_core::Rejection> {
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

fn with(more: Value) -> Value {
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

/// What a client reads of a stream, whose bytes come in pieces of `size`.
fn streamed(body: &Value, lines: &str, size: usize) -> String {
    let exchange = exchange(Api::OpenAiChat);
    let mut guard = plan(body).unwrap().translator().unwrap().stream(&exchange);
    let (mut events, mut out) = (Events::new(Wire::Ndjson), Vec::new());
    let mut take = |step: Step| match step {
        Step::Pass(bytes) => out.extend_from_slice(&bytes),
        _ => panic!("a translation only passes"),
    };
    for piece in lines.as_bytes().chunks(size) {
        if let Some(whole) = events.push(Bytes::copy_from_slice(piece)).unwrap() {
            take(guard.frame(whole, false));
        }
    }
    if let Some(rest) = events.finish() {
        take(guard.frame(rest, false));
    }
    take(guard.end());
    without_ids(&String::from_utf8(out).unwrap(), &exchange)
}

/// The exchange's id and the time, which are new every time.
fn without_ids(text: &str, exchange: &Exchange) -> String {
    let text = text.replace(&exchange.id().to_string(), "ID");
    let mut parts = text.split("\"created\":");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |all, part| {
        all + "\"created\":0" + part.trim_start_matches(|c: char| c.is_ascii_digit())
    })
}

fn chunk(rest: &str) -> String {
    format!(
        "data: {{\"id\":\"chatcmpl-ID\",\"object\":\"chat.completion.chunk\",\"created\":0,\"model\":\"llama3.2\",{rest}}}\n\n"
    )
}

fn delta(delta: &str, finish: &str) -> String {
    chunk(&format!(r#""choices":[{{"index":0,"delta":{delta},"logprobs":null,"finish_reason":{finish}}}]"#))
}

const STREAM: &str = r#"{"model":"llama3.2","created_at":"2023-08-04T08:52:19.385406455-07:00","message":{"role":"assistant","content":"The","images":null},"done":false}
{"model":"llama3.2","created_at":"2023-08-04T08:52:19.5-07:00","message":{"role":"assistant","content":" \u00fcber 👋"},"done":false}
{"model":"llama3.2","created_at":"2023-08-04T19:22:45.499127Z","message":{"role":"assistant","content":""},"done":true,"done_reason":"stop","total_duration":4883583458,"load_duration":1334875,"prompt_eval_count":26,"prompt_eval_duration":342546000,"eval_count":282,"eval_duration":4535599000}
"#;

#[test]
fn a_stream_is_chunks_wherever_it_is_split() {
    let expected = [
        delta(r#"{"role":"assistant","content":""}"#, "null"),
        delta(r#"{"content":"The"}"#, "null"),
        delta(r#"{"content":" über 👋"}"#, "null"),
        delta("{}", "\"stop\""),
        "data: [DONE]\n\n".into(),
    ]
    .concat();
    for size in 1..STREAM.len() {
        assert_eq!(streamed(&with(json!({"stream": true})), STREAM, size), expected, "{size}");
    }
}

#[test]
fn usage_stands_before_the_end_if_it_was_asked_for() {
    let body = with(json!({"stream": true, "stream_options": {"include_usage": true}}));
    let text = streamed(&body, STREAM, 4096);
    let usage = chunk(
        r#""choices":[],"usage":{"prompt_tokens":26,"completion_tokens":282,"total_tokens":308,"prompt_tokens_details":{"cached_tokens":0},"completion_tokens_details":{"reasoning_tokens":0}}"#,
    );
    assert!(text.ends_with(&format!("{usage}data: [DONE]\n\n")), "{text}");
    assert_eq!(text.matches("\"usage\":null").count(), 4);
}

#[test]
fn tools_and_thoughts_stream_with_ids_of_their_own() {
    let lines = concat!(
        r#"{"message":{"role":"assistant","content":"","thinking":"hm"},"done":false}"#,
        "\n",
        r#"{"message":{"role":"assistant","content":"","tool_calls":[{"function":{"name":"f","arguments":{"a": 1}}}]},"done":false}"#,
        "\n",
        r#"{"message":{"role":"assistant","content":"","tool_calls":[{"function":{"index":1,"name":"g","arguments":{}}}]},"done":false}"#,
        "\n",
        r#"{"message":{"role":"assistant","content":""},"done":true,"done_reason":"stop"}"#,
        "\n"
    );
    let text = streamed(&with(json!({"stream": true})), lines, 5);
    let values: Vec<Value> =
        text.lines().filter_map(|line| serde_json::from_str(line.strip_prefix("data: ")?).ok()).collect();
    assert_eq!(values[1]["choices"][0]["delta"], json!({"reasoning_content": "hm"}));
    let calls: Vec<_> =
        values.iter().filter_map(|value| value.pointer("/choices/0/delta/tool_calls/0")).collect();
    let ids: Vec<_> = calls.iter().map(|call| call["id"].as_str().unwrap()).collect();
    assert!(ids[0].starts_with("call_") && ids[0] != ids[1], "{ids:?}");
    assert_eq!(calls[0]["function"], json!({"name": "f", "arguments": "{\"a\": 1}"}));
    assert_eq!((&calls[0]["index"], &calls[1]["index"]), (&json!(0), &json!(1)));
    assert_eq!(calls[1]["type"], json!("function"));
    assert_eq!(values.last().unwrap()["choices"][0]["finish_reason"], json!("tool_calls"));
}

#[test]
fn a_stream_that_breaks_off_has_no_end() {
    let half = STREAM.split_inclusive('\n').next().unwrap();
    assert!(!streamed(&with(json!({"stream": true})), half, 4096).contains("[DONE]"));
}

#[test]
fn an_error_line_is_an_error_event_and_the_last() {
    let lines = "{\"error\":\"model runner has unexpectedly stopped\"}\n{\"done\":true}\n";
    let text = streamed(&with(json!({"stream": true})), lines, 4096);
    let error = r#"{"error":{"message":"model runner has unexpectedly stopped","type":"server_error","param":null,"code":null,"request_id":"ID"}}"#;
    assert_eq!(text, format!("data: {error}\n\ndata: [DONE]\n\n"));
}

fn whole(body: &Value, answer: &str) -> Option<Value> {
    let exchange = exchange(Api::OpenAiChat);
    let bytes = plan(body).unwrap().translator().unwrap().unary(answer.as_bytes(), &exchange)?;
    Some(serde_json::from_str(&without_ids(std::str::from_utf8(&bytes).unwrap(), &exchange)).unwrap())
}

#[test]
fn a_whole_answer_is_a_completion() {
    let answer = r#"{"model":"llama3.2","created_at":"2023-12-12T14:13:43.416799Z","message":{"role":"assistant","content":"Hello! How are you today?"},"done":true,"total_duration":5191566416,"load_duration":2154458,"prompt_eval_count":26,"prompt_eval_duration":383809000,"eval_count":298,"eval_duration":4799921000}"#;
    assert_eq!(
        whole(&with(json!({})), answer).unwrap(),
        json!({
            "id": "chatcmpl-ID", "object": "chat.completion", "created": 0, "model": "llama3.2",
            "choices": [{
                "index": 0, "message": {"role": "assistant", "content": "Hello! How are you today?", "refusal": null},
                "logprobs": null, "finish_reason": "stop",
            }],
            "usage": {
                "prompt_tokens": 26, "completion_tokens": 298, "total_tokens": 324,
                "prompt_tokens_details": {"cached_tokens": 0}, "completion_tokens_details": {"reasoning_tokens": 0},
            },
        })
    );
}

#[test]
fn a_whole_answer_with_tools_has_no_content() {
    let answer = r#"{"model":"llama3.2","created_at":"2024-07-22T20:33:28.123648Z","message":{"role":"assistant","content":"","thinking":"hm","tool_calls":[{"id":"call_k","function":{"name":"get_current_weather","arguments":{"format":"celsius","location":"Paris, FR"}}}]},"done_reason":"stop","done":true,"eval_count":35}"#;
    let choice = whole(&with(json!({})), answer).unwrap()["choices"][0].clone();
    let arguments = "{\"format\":\"celsius\",\"location\":\"Paris, FR\"}";
    assert_eq!(
        choice["message"],
        json!({
            "role": "assistant", "content": null, "reasoning_content": "hm", "refusal": null,
            "tool_calls": [{"id": "call_k", "type": "function", "function": {"name": "get_current_weather", "arguments": arguments}}],
        })
    );
    assert_eq!(choice["finish_reason"], json!("tool_calls"));
}

#[test]
fn what_is_no_answer_is_none() {
    for answer in ["<html>", "{\"error\":\"x\"}", "{\"done\":false,\"message\":{\"content\":\"a\"}}", "[]"] {
        assert!(whole(&with(json!({})), answer).is_none(), "{answer}");
    }
}

#[test]
fn an_error_has_openais_shape_and_the_servers_words() {
    let plan = plan(&with(json!({}))).unwrap();
    let error = |status: u16, body: &str| -> Value {
        let status = http::StatusCode::from_u16(status).unwrap();
        let bytes = plan.translator().unwrap().error(status, body.as_bytes(), &exchange(Api::OpenAiChat));
        serde_json::from_slice(&bytes).unwrap()
    };
    let missing = error(404, "{\"error\":\"model 'x' not found\"}")["error"].clone();
    assert_eq!(
        (&missing["message"], &missing["type"]),
        (&json!("model 'x' not found"), &json!("invalid_request_error"))
    );
    assert_eq!(
        error(429, "{\"error\":{\"message\":\"slow down\"}}")["error"]["type"],
        json!("rate_limit_error")
    );
    assert!(error(503, "server busy")["error"]["message"].is_string());
}
