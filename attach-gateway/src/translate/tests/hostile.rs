//! What somebody sends to get past what looks at a call, or to keep the gateway busy.

use std::time::Instant;

use attach_core::{Api, Payload, Rejection};
use serde_json::{Value, json};

use crate::config::Config;
use crate::translate::Plan;

/// An address whose sign is an escape within JSON within JSON, beside a key that stands there twice.
const HIDDEN: &str = r#"{"to":1,"to":"jane\u0040example.com"}"#;

fn called(arguments: &str) -> Value {
    json!({"model": "m", "max_tokens": 9, "messages": [
        {"role": "user", "content": "hi"},
        {"role": "assistant", "tool_calls": [
            {"id": "c1", "type": "function", "function": {"name": "f", "arguments": arguments}}]},
        {"role": "tool", "tool_call_id": "c1", "content": "ok"},
    ]})
}

fn asked(api: Api, kind: &str, body: &Value) -> Result<Value, Rejection> {
    let dialects = if kind == "ollama" { "dialects = [\"ollama\"]" } else { "" };
    let file = format!(
        "[[issuer]]\nissuer = \"https://idp.example.com\"\naudience = [\"a\"]\n\
         [[upstream]]\nname = \"one\"\nkind = \"{kind}\"\nurl = \"http://127.0.0.1:8000\"\n{dialects}\n"
    );
    let upstream = &Config::parse(&file, |_| None).expect("a configuration").upstreams[0];
    let payload = Payload::parse(api, body.to_string().into())?;
    let plan = Plan::new(&payload, &payload.call().model.as_str().into(), upstream)?;
    let plan = plan.expect("a pair that is translated");
    Ok(serde_json::from_slice(&plan.body()).expect("JSON"))
}

#[test]
fn arguments_that_parsers_read_differently_are_not_opened_after_redaction() {
    let refused = asked(Api::OpenAiChat, "ollama", &called(HIDDEN)).expect_err("refused");
    assert_eq!(refused.code(), "unsupported_field");
    let body = asked(Api::OpenAiChat, "anthropic", &called(HIDDEN)).expect("asked");
    let input = &body["messages"][1]["content"][0]["input"];
    assert_eq!(input, &json!({"INVALID_JSON": HIDDEN}), "as the text that was looked at");
    let body = asked(Api::OpenAiChat, "ollama", &called("{\"to\":\"jane\"}")).expect("asked");
    assert_eq!(body["messages"][1]["tool_calls"][0]["function"]["arguments"], json!({"to": "jane"}));
}

#[test]
fn a_store_that_is_null_is_off_as_one_that_is_absent() {
    for (said, sent) in [
        (json!({}), json!(false)),
        (json!({"store": null}), json!(false)),
        (json!({"store": false}), json!(false)),
    ] {
        let mut body = json!({"model": "m", "input": "hi"});
        body.as_object_mut().expect("an object").extend(said.as_object().expect("an object").clone());
        assert_eq!(asked(Api::OpenAiResponses, "openai", &body).expect("asked")["store"], sent, "{said}");
    }
}

#[test]
fn no_other_model_than_the_one_that_was_judged_is_named_to_a_server() {
    for (name, value) in [
        ("models", json!(["anthropic/claude-opus"])),
        ("fallbacks", json!([{"model": "dear", "messages": [{"role": "user", "content": "hi"}]}])),
        ("context_window_fallbacks", json!([{"m": ["dear"]}])),
        ("route", json!("fallback")),
        ("preset", json!("our-writer")),
    ] {
        for (api, kind) in [(Api::OpenAiChat, "openai"), (Api::AnthropicMessages, "anthropic")] {
            let mut body =
                json!({"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}]});
            body[name] = value.clone();
            let refused = asked(api, kind, &body).expect_err(name);
            assert_eq!((refused.status().as_u16(), refused.code()), (400, "unsupported_field"), "{name}");
            body[name] = Value::Null;
            assert!(asked(api, kind, &body).is_ok(), "{name}: null says nothing");
        }
    }
}

#[test]
fn a_preset_behind_a_models_name_is_none_of_the_callers_business() {
    for (api, kind) in [(Api::OpenAiChat, "openai"), (Api::AnthropicMessages, "openai")] {
        let body = |model: &str| json!({"model": model, "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}]});
        for model in ["@preset/writer", "openai/gpt-4o@preset/writer", "openai/gpt-4o@Preset/writer"] {
            let refused = asked(api, kind, &body(model)).expect_err(model);
            assert_eq!((refused.status().as_u16(), refused.code()), (400, "unsupported_field"), "{model}");
        }
        assert!(asked(api, kind, &body("claude-sonnet@20250514")).is_ok());
    }
}

#[test]
fn many_tool_results_behind_many_texts_are_put_first_at_once() {
    const MANY: usize = 30_000;
    let texts: Vec<_> = (0..MANY).map(|_| json!({"type": "text", "text": "a"})).collect();
    let mut messages = vec![json!({"role": "user", "content": texts})];
    messages.extend((0..MANY).map(|_| json!({"role": "tool", "tool_call_id": "c", "content": ""})));
    let body = json!({"model": "m", "max_tokens": 9, "messages": messages});
    let began = Instant::now();
    let body = asked(Api::OpenAiChat, "anthropic", &body).expect("asked");
    assert!(began.elapsed().as_secs() < 20, "{:?}", began.elapsed());
    let content = body["messages"][0]["content"].as_array().expect("blocks");
    assert_eq!(content.len(), 2 * MANY);
    assert_eq!((&content[MANY - 1]["type"], &content[MANY]["type"]), (&json!("tool_result"), &json!("text")));
}
