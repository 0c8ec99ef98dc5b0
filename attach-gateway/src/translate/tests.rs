//! Ollama's documented examples against OpenAI's documented answers, there and back.

use attach_core::body::{Guard, Step};
use attach_core::{Api, Exchange, Payload};
use bytes::Bytes;
use serde_json::{Value, json};

use super::plan::Plan;
use crate::config::Config;

mod embeddings;
mod hostile;
mod ollama_to_openai;
mod openai_from_ollama;
mod openai_to_ollama;
mod round_trip;
mod round_trip_answers;
mod settings;

const OPENAI: &str = r#"
[[issuer]]
issuer = "https://idp.example.com"
audience = ["a"]
[[upstream]]
name = "vllm"
kind = "openai"
url = "http://127.0.0.1:8000"
"#;

fn plan(api: Api, body: &Value) -> Result<Option<Plan>, attach_core::Rejection> {
    let config = Config::parse(OPENAI, |_| None).unwrap();
    let payload = Payload::parse(api, Bytes::from(body.to_string()))?;
    Plan::new(&payload, &payload.call().model.as_str().into(), &config.upstreams[0])
}

fn sent(api: Api, body: &Value) -> Value {
    serde_json::from_slice(&plan(api, body).unwrap().unwrap().body()).unwrap()
}

fn exchange(api: Api) -> Exchange {
    Exchange::of_request(&mut http::Request::post(api.path()).body(()).unwrap())
}

#[test]
fn a_conversation_with_tools_and_images_is_asked_in_openais_words() {
    let body = json!({
        "model": "llama3", "stream": false, "format": "json", "keep_alive": "5m", "think": true,
        "options": {"temperature": 0.2, "num_predict": 64, "num_ctx": 8192, "stop": ["\n"], "seed": 7},
        "tools": [{"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}],
        "messages": [
            {"role": "system", "content": "be brief"},
            {"role": "user", "content": "what is this?", "images": ["/9j/4AAQ"]},
            {"role": "assistant", "content": "", "tool_calls": [{"function": {"name": "weather", "arguments": {"city": "Bonn"}}}]},
            {"role": "tool", "tool_name": "weather", "content": "sunny"},
        ],
    });
    assert_eq!(
        sent(Api::OllamaChat, &body),
        json!({
            "model": "llama3", "stream": false, "response_format": {"type": "json_object"},
            "temperature": 0.2, "max_tokens": 64, "reasoning_effort": "medium", "stop": ["\n"], "seed": 7,
            "tools": [{"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}],
            "messages": [
                {"role": "system", "content": "be brief"},
                {"role": "user", "content": [
                    {"type": "text", "text": "what is this?"},
                    {"type": "image_url", "image_url": {"url": "data:image/jpeg;base64,/9j/4AAQ"}},
                ]},
                {"role": "assistant", "content": "", "tool_calls": [
                    {"id": "call_1", "type": "function", "function": {"name": "weather", "arguments": "{\"city\":\"Bonn\"}"}},
                ]},
                {"role": "tool", "tool_call_id": "call_1", "content": "sunny"},
            ],
        })
    );
    let dropped = plan(Api::OllamaChat, &body).unwrap().unwrap().dropped().unwrap();
    assert_eq!(dropped, "keep_alive, options.num_ctx");
}

#[test]
fn a_stream_asks_for_its_usage() {
    let body = json!({"model": "llama3", "messages": [{"role": "user", "content": "hi"}]});
    assert_eq!(sent(Api::OllamaChat, &body)["stream_options"], json!({"include_usage": true}));
}

#[test]
fn a_generation_is_a_conversation_of_one_question() {
    let body = json!({"model": "llama3", "system": "be brief", "prompt": "why?", "stream": false});
    assert_eq!(
        sent(Api::OllamaGenerate, &body)["messages"],
        json!([{"role": "system", "content": "be brief"}, {"role": "user", "content": "why?"}])
    );
}

#[test]
fn what_cannot_be_said_is_refused_by_name() {
    let body = json!({"model": "llama3", "prompt": "a", "suffix": "b"});
    let rejection = plan(Api::OllamaGenerate, &body).unwrap_err();
    assert_eq!((rejection.code(), rejection.param()), ("unsupported_field", Some("$.suffix")));
}

#[test]
fn a_tool_result_without_its_call_is_refused() {
    let body = json!({"model": "llama3", "messages": [{"role": "tool", "content": "sunny"}]});
    assert_eq!(plan(Api::OllamaChat, &body).unwrap_err().param(), Some("$.messages[0]"));
}

fn lines(api: Api, frames: &[&str]) -> Vec<Value> {
    let body = json!({"model": "llama3", "prompt": "x", "messages": [{"role": "user", "content": "hi"}]});
    let mut body = body;
    if api == Api::OllamaGenerate {
        body.as_object_mut().unwrap().remove("messages");
    }
    let plan = plan(api, &body).unwrap().unwrap();
    let mut guard = plan.translator().unwrap().stream(&exchange(api));
    let mut out = Vec::new();
    for (place, frame) in frames.iter().enumerate() {
        let Step::Pass(bytes) = guard.frame(Bytes::from(frame.to_string()), place + 1 == frames.len()) else {
            panic!("a translation only passes");
        };
        out.extend_from_slice(&bytes);
    }
    let text = String::from_utf8(out).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

const DELTA: &str = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Hel\"}}]}\n\ndata: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"lo\"}}]}\n\n";
const FINISH: &str = "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"length\"}]}\n\n";
const USAGE: &str = "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":3}}\n\n";
const DONE: &str = "data: [DONE]\n\n";

#[test]
fn a_stream_comes_back_line_by_line_and_ends_with_the_counts() {
    let lines = lines(Api::OllamaChat, &[DELTA, FINISH, USAGE, DONE]);
    assert_eq!(lines.len(), 3);
    assert_eq!(lines[0]["message"], json!({"role": "assistant", "content": "Hel"}));
    assert_eq!((&lines[1]["message"]["content"], &lines[1]["done"]), (&json!("lo"), &json!(false)));
    let last = &lines[2];
    assert_eq!((&last["done"], &last["done_reason"]), (&json!(true), &json!("length")));
    assert_eq!((&last["prompt_eval_count"], &last["eval_count"]), (&json!(9), &json!(3)));
}

#[test]
fn a_generation_streams_its_response() {
    let lines = lines(Api::OllamaGenerate, &[DELTA, FINISH, DONE]);
    assert_eq!((&lines[0]["response"], &lines[1]["response"]), (&json!("Hel"), &json!("lo")));
    assert!(lines[0].get("message").is_none());
    assert_eq!(lines[2]["done"], json!(true));
}

#[test]
fn a_tool_call_in_pieces_comes_back_whole() {
    let first = "data: {\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":0,\"id\":\"c\",\"function\":{\"name\":\"weather\",\"arguments\":\"{\\\"ci\"}}]}}]}\n\n";
    let second = "data: {\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":\"ty\\\":\\\"Bonn\\\"}\"}}]},\"finish_reason\":\"tool_calls\"}]}\n\n";
    let lines = lines(Api::OllamaChat, &[first, second, DONE]);
    assert_eq!(
        lines[0]["message"]["tool_calls"],
        json!([{"function": {"name": "weather", "arguments": {"city": "Bonn"}}}])
    );
    assert_eq!(lines[1]["done"], json!(true));
}

#[test]
fn a_stream_that_breaks_off_has_no_last_line() {
    assert!(lines(Api::OllamaChat, &[DELTA]).iter().all(|line| line["done"] == json!(false)));
}

#[test]
fn an_error_event_is_an_error_line_and_the_last() {
    let lines = lines(Api::OllamaChat, &[DELTA, "data: {\"error\":{\"message\":\"overloaded\"}}\n\n", DONE]);
    assert_eq!(lines.last().unwrap(), &json!({"error": "overloaded"}));
}

#[test]
fn a_whole_answer_comes_back_whole() {
    let body = json!({"model": "llama3", "stream": false, "messages": [{"role": "user", "content": "hi"}]});
    let plan = plan(Api::OllamaChat, &body).unwrap().unwrap();
    let answer = br#"{"choices":[{"index":0,"message":{"role":"assistant","content":"Hello","reasoning_content":"hm"},"finish_reason":"stop"}],"usage":{"prompt_tokens":9,"completion_tokens":3}}"#;
    let bytes = plan.translator().unwrap().whole(answer, &exchange(Api::OllamaChat)).unwrap().0;
    let value: Value = serde_json::from_slice(&bytes).unwrap();
    assert_eq!(value["message"], json!({"role": "assistant", "content": "Hello", "thinking": "hm"}));
    assert_eq!((&value["eval_count"], &value["done_reason"]), (&json!(3), &json!("stop")));
}

#[test]
fn embeddings_keep_their_numbers_as_they_were_written() {
    let body = json!({"model": "e", "input": ["a", "b"]});
    let plan = plan(Api::OllamaEmbed, &body).unwrap().unwrap();
    let sent: Value = serde_json::from_slice(&plan.body()).unwrap();
    assert_eq!(sent, json!({"model": "e", "input": ["a", "b"], "encoding_format": "float"}));
    let answer = br#"{"data":[{"index":1,"embedding":[3]},{"index":0,"embedding":[1.0e-2,2]}],"usage":{"prompt_tokens":4}}"#;
    let bytes = plan.translator().unwrap().whole(answer, &exchange(Api::OllamaEmbed)).unwrap().0;
    assert!(String::from_utf8_lossy(&bytes).contains("[[1.0e-2,2],[3]]"));
}

#[test]
fn a_response_is_not_stored_unless_somebody_says_so() {
    let body = json!({"model": "gpt-4o", "input": "hi"});
    let plan = plan(Api::OpenAiResponses, &body).unwrap().unwrap();
    let sent: Value = serde_json::from_slice(&plan.body()).unwrap();
    assert_eq!(sent, json!({"store": false, "model": "gpt-4o", "input": "hi"}));
}

#[test]
fn the_same_dialect_passes_byte_for_byte() {
    let body = r#"{ "model" : "gpt-4o" ,"messages":[{"role":"user","content":"h\u0069"}], "seed":1e0 }"#;
    let config = Config::parse(OPENAI, |_| None).unwrap();
    let payload = Payload::parse(Api::OpenAiChat, Bytes::from(body)).unwrap();
    let plan = Plan::new(&payload, &"gpt-4o".into(), &config.upstreams[0]).unwrap().unwrap();
    assert_eq!(plan.body(), body);
    let plan = Plan::new(&payload, &"other".into(), &config.upstreams[0]).unwrap().unwrap();
    assert_eq!(plan.body(), body.replace("gpt-4o", "other"));
}

#[test]
fn a_model_can_be_shown_where_its_server_cannot() {
    let config = Config::parse(OPENAI, |_| None).unwrap();
    let payload = Payload::parse(Api::OllamaShow, Bytes::from_static(br#"{"model":"llama3"}"#)).unwrap();
    let shown: Value =
        serde_json::from_slice(&Plan::answer_here(&payload, &config.upstreams[0]).unwrap()).unwrap();
    assert_eq!(shown["capabilities"][0], json!("completion"));
}

#[test]
fn a_pair_that_is_not_translated_says_so() {
    let body = json!({"model": "claude", "max_tokens": 5, "messages": [{"role": "user", "content": "hi"}]});
    assert!(plan(Api::AnthropicCountTokens, &body).unwrap().is_none());
}
