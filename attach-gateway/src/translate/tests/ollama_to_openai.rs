//! Ollama's documented examples against OpenAI's documented answers.
//!
//! Fixtures: Ollama `docs/api.md`, "Generate request (With options)", "Chat request (with tools)", "Chat request
//! (Structured outputs)"; OpenAI API reference, "Create chat completion" (streaming, functions).

use attach_core::Api;
use attach_core::body::{Events, Guard, Step};
use attach_core::usage::Wire;
use bytes::Bytes;
use serde_json::{Value, json};

use super::{exchange, plan, sent};

#[test]
fn every_documented_option_is_said_or_named() {
    let body = json!({
        "model": "llama3.2", "prompt": "Why is the sky blue?", "stream": false,
        "options": {
            "num_keep": 5, "seed": 42, "num_predict": 100, "top_k": 20, "top_p": 0.9, "min_p": 0.0, "typical_p": 0.7,
            "repeat_last_n": 33, "temperature": 0.8, "repeat_penalty": 1.2, "presence_penalty": 1.5,
            "frequency_penalty": 1.0, "penalize_newline": true, "stop": ["\n", "user:"], "numa": false, "num_ctx": 1024,
        },
    });
    assert_eq!(
        sent(Api::OllamaGenerate, &body),
        json!({
            "model": "llama3.2", "messages": [{"role": "user", "content": "Why is the sky blue?"}], "stream": false,
            "temperature": 0.8, "top_p": 0.9, "seed": 42, "stop": ["\n", "user:"], "presence_penalty": 1.5,
            "frequency_penalty": 1.0, "max_tokens": 100,
        })
    );
    let dropped = plan(Api::OllamaGenerate, &body).unwrap().unwrap().dropped().unwrap();
    assert_eq!(
        dropped,
        "options.num_keep, options.min_p, options.typical_p, options.repeat_last_n, options.repeat_penalty, \
         options.penalize_newline, options.numa, options.num_ctx, top_k"
    );
}

#[test]
fn a_schema_gets_the_name_that_openai_wants() {
    let schema = json!({"type": "object", "properties": {"age": {"type": "integer"}}, "required": ["age"]});
    let body = json!({"model": "llama3.1", "messages": [], "format": schema});
    let format = sent(Api::OllamaChat, &body)["response_format"].clone();
    assert_eq!(format, json!({"type": "json_schema", "json_schema": {"name": "answer", "schema": schema}}));
}

/// What a client reads of a stream, whose bytes come in pieces of `size`.
fn streamed(stream: &str, size: usize) -> Vec<Value> {
    let body = json!({"model": "llama3.2", "messages": []});
    let plan = plan(Api::OllamaChat, &body).unwrap().unwrap();
    let mut guard = plan.translator().unwrap().stream(&exchange(Api::OllamaChat));
    let (mut events, mut out) = (Events::new(Wire::Sse), Vec::new());
    let mut take = |step: Step| match step {
        Step::Pass(bytes) => out.extend_from_slice(&bytes),
        _ => panic!("a translation only passes"),
    };
    for piece in stream.as_bytes().chunks(size) {
        if let Some(whole) = events.push(Bytes::copy_from_slice(piece)).unwrap() {
            take(guard.frame(whole, false));
        }
    }
    if let Some(rest) = events.finish() {
        take(guard.frame(rest, false));
    }
    take(guard.end());
    let text = String::from_utf8(out).unwrap();
    let mut lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    for line in lines.iter_mut().filter_map(Value::as_object_mut) {
        line.retain(|key, _| key != "created_at" && !key.ends_with("_duration"));
    }
    lines
}

const STREAM: &str = r#"data: {"id":"chatcmpl-123","object":"chat.completion.chunk","created":1694268190,"model":"gpt-4o-mini","system_fingerprint":"fp_44709d6fcb","choices":[{"index":0,"delta":{"role":"assistant","content":""},"logprobs":null,"finish_reason":null}]}

: a comment

data: {"id":"chatcmpl-123","object":"chat.completion.chunk","created":1694268190,"model":"gpt-4o-mini","choices":[{"index":0,"delta":{"content":"Grüße"},"logprobs":null,"finish_reason":null}]}

data: {"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"call_abc","type":"function","function":{"name":"get_current_weather","arguments":""}}]},"finish_reason":null}]}

data: {"choices":[{"index":0,"delta":{"tool_calls":[{"index":1,"id":"call_def","type":"function","function":{"name":"time","arguments":"{}"}}]},"finish_reason":null}]}

data: {"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{\"location\": \"Boston, MA\"}"}}]},"finish_reason":null}]}

data: {"id":"chatcmpl-123","object":"chat.completion.chunk","created":1694268190,"model":"gpt-4o-mini","choices":[{"index":0,"delta":{},"logprobs":null,"finish_reason":"tool_calls"}]}

data: {"choices":[],"usage":{"prompt_tokens":19,"completion_tokens":10,"total_tokens":29,"prompt_tokens_details":{"cached_tokens":0}}}

data: [DONE]

"#;

#[test]
fn a_stream_is_lines_wherever_it_is_split() {
    let calls = json!([
        {"function": {"name": "get_current_weather", "arguments": {"location": "Boston, MA"}}},
        {"function": {"name": "time", "arguments": {}}},
    ]);
    let line = |content: &str| json!({"role": "assistant", "content": content});
    let expected = [
        json!({"model": "llama3.2", "message": line("Grüße"), "done": false}),
        json!({"model": "llama3.2", "message": {"role": "assistant", "content": "", "tool_calls": calls}, "done": false}),
        json!({
            "model": "llama3.2", "message": line(""), "done": true, "done_reason": "stop", "prompt_eval_count": 19,
            "eval_count": 10,
        }),
    ];
    for size in 1..STREAM.len() {
        assert_eq!(streamed(STREAM, size), expected, "{size}");
    }
}
