//! What OpenAI's clients get from a server that speaks Ollama's own interface alone.
//!
//! Fixtures: Ollama `docs/api.md`, "Generate a chat completion" (streaming, no streaming, tools); OpenAI API reference,
//! "The chat completion object", "The chat completion chunk object".

use attach_core::body::{Events, Guard, Step};
use attach_core::usage::Wire;
use attach_core::{Api, Exchange};
use bytes::Bytes;
use serde_json::{Value, json};

use super::exchange;
use super::openai_to_ollama::{plan, with};

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
    let bytes = plan(body).unwrap().translator().unwrap().whole(answer.as_bytes(), &exchange)?.0;
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
        let bytes =
            plan.translator().unwrap().error(status, (None, body.as_bytes()), &exchange(Api::OpenAiChat));
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

#[test]
fn why_it_stopped_is_told_in_openais_words() {
    // The last one is what the gateway itself tells Ollama's clients, so it is what a gateway before it hears.
    for reason in ["stop", "length", "content_filter"] {
        let line =
            json!({"message": {"role": "assistant", "content": "x"}, "done": true, "done_reason": reason});
        let text = streamed(&with(json!({"stream": true})), &format!("{line}\n"), 7);
        assert!(text.contains(&format!("\"finish_reason\":\"{reason}\"")), "{text}");
    }
}
