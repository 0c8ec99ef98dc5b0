//! What becomes of settings between dialects, and which of an upstream's dialects is chosen.

use attach_core::{Api, Payload};
use bytes::Bytes;
use serde_json::{Value, json};

use super::openai_to_ollama::OLLAMA;
use super::{OPENAI, Plan};
use crate::config::Config;
use crate::translate::Operation;

fn plan(file: &str, api: Api, body: &Value) -> Result<Option<Plan>, attach_core::Rejection> {
    let config = Config::parse(file, |_| None).unwrap();
    let payload = Payload::parse(api, Bytes::from(body.to_string()))?;
    Plan::new(&payload, &payload.call().model.as_str().into(), &config.upstreams[0])
}

fn question(more: &Value) -> Value {
    let mut body = json!({"model": "m", "messages": [{"role": "user", "content": "hi"}]});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    body
}

#[test]
fn a_setting_is_refused_by_name_where_the_configuration_says_so() {
    let strict = format!("[translation]\nunsupported = \"refuse\"\n{OLLAMA}");
    let rejection = plan(&strict, Api::OpenAiChat, &question(&json!({"logit_bias": {"1": 2}}))).unwrap_err();
    assert_eq!((rejection.code(), rejection.param()), ("unsupported_field", Some("$.logit_bias")));
    assert!(plan(&strict, Api::OpenAiChat, &question(&json!({"temperature": 1}))).unwrap().is_some());
    assert!(Config::parse(&strict.replace("refuse", "ignore"), |_| None).is_err());
}

#[test]
fn the_first_dialect_of_an_upstream_that_can_be_asked_is() {
    let both = OLLAMA.replace(r#"dialects = ["ollama"]"#, r#"dialects = ["anthropic", "openai", "ollama"]"#);
    let body = json!({"model": "m", "input": "a"});
    let same = plan(&both, Api::OllamaEmbed, &body).unwrap().unwrap();
    assert!(same.translator().is_none());
    let order = OLLAMA.replace(r#"dialects = ["ollama"]"#, r#"dialects = ["anthropic", "openai"]"#);
    let translated = plan(&order, Api::OllamaEmbed, &body).unwrap().unwrap();
    assert_eq!(translated.operation(), Operation::Api(Api::OpenAiEmbeddings));
}

#[test]
fn thinking_is_switched_and_measured() {
    for (think, effort) in [(json!(false), "none"), (json!(true), "medium"), (json!("high"), "high")] {
        let plan = plan(OPENAI, Api::OllamaChat, &question(&json!({"think": think}))).unwrap().unwrap();
        let sent: Value = serde_json::from_slice(&plan.body()).unwrap();
        assert_eq!(sent["reasoning_effort"], effort);
        assert_eq!(plan.dropped(), None);
    }
}

#[test]
fn models_that_know_no_max_tokens_are_told_in_the_newer_word() {
    for (model, key) in [
        ("gpt-4o", "max_tokens"),
        ("gpt-5-mini", "max_completion_tokens"),
        ("o3", "max_completion_tokens"),
        ("olmo-2", "max_tokens"),
        ("openai/gpt-5.1", "max_completion_tokens"),
        ("llama3", "max_tokens"),
    ] {
        let body = json!({"model": model, "messages": [], "options": {"num_predict": 5}});
        let plan = plan(OPENAI, Api::OllamaChat, &body).unwrap().unwrap();
        let sent: Value = serde_json::from_slice(&plan.body()).unwrap();
        assert_eq!(sent[key], 5, "{model}: {sent}");
        assert_eq!(sent.as_object().unwrap().keys().filter(|key| key.starts_with("max_")).count(), 1);
    }
}

#[test]
fn a_tool_that_is_no_function_is_not_left_out_in_silence() {
    let body = question(&json!({"tools": [{"type": "retrieval"}]}));
    assert_eq!(plan(OPENAI, Api::OllamaChat, &body).unwrap_err().param(), Some("$.tools[0]"));
}

#[test]
fn results_find_their_call_by_id_where_there_is_one() {
    let call = |id: &str| json!({"id": id, "function": {"name": "f", "arguments": {}}});
    let body = question(&json!({"messages": [
        {"role": "assistant", "content": "", "tool_calls": [call("a"), call("b")]},
        {"role": "tool", "tool_call_id": "b", "tool_name": "f", "content": "2"},
        {"role": "tool", "tool_call_id": "a", "tool_name": "f", "content": "1"},
    ]}));
    let plan = plan(OPENAI, Api::OllamaChat, &body).unwrap().unwrap();
    let sent: Value = serde_json::from_slice(&plan.body()).unwrap();
    assert_eq!(sent["messages"][0]["tool_calls"][0]["id"], "a");
    assert_eq!(
        (&sent["messages"][1]["tool_call_id"], &sent["messages"][2]["tool_call_id"]),
        (&json!("b"), &json!("a"))
    );
}
