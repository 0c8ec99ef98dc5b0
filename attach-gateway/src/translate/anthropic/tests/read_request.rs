//! Requests of this dialect in OpenAI's words.

use attach_core::{Api, Payload};
use bytes::Bytes;
use serde_json::{Value, json};

use super::{plan, question};
use crate::translate::anthropic::read_chat;
use crate::translate::canonical::{Effort, Losses, Reasoning};

/// What OpenAI's server is asked, and the names of what it is not.
fn to_openai(body: &Value) -> (Value, String) {
    let plan = plan(Api::AnthropicMessages, "openai", body).unwrap().unwrap();
    (serde_json::from_slice(&plan.body()).unwrap(), plan.dropped().unwrap_or_default())
}

fn refused(body: &Value) -> (String, String) {
    let rejection = plan(Api::AnthropicMessages, "openai", body).unwrap_err();
    (rejection.code().to_owned(), rejection.param().unwrap_or_default().to_owned())
}

#[test]
fn a_conversation_with_tools_and_images_is_asked_in_openais_words() {
    let body = json!({
        "model": "gpt-4o", "max_tokens": 1024, "temperature": 0.5, "top_p": 0.9, "stop_sequences": ["END"],
        "system": [{"type": "text", "text": "Be brief."}, {"type": "text", "text": "Be kind."}],
        "tools": [{
            "name": "get_weather", "description": "The current weather",
            "input_schema": {"type": "object", "properties": {"location": {"type": "string"}}, "required": ["location"]},
        }],
        "messages": [
            {"role": "user", "content": [
                {"type": "image", "source": {"type": "base64", "media_type": "image/jpeg", "data": "/9j/4AAQSkZJRg"}},
                {"type": "text", "text": "Where is this, and how is the weather there?"},
            ]},
            {"role": "assistant", "content": [
                {"type": "text", "text": "Let me look."},
                {"type": "tool_use", "id": "toolu_01A09q90qw90lq917835lq9", "name": "get_weather", "input": {"location": "Bonn"}},
            ]},
            {"role": "user", "content": [
                {"type": "tool_result", "tool_use_id": "toolu_01A09q90qw90lq917835lq9", "content": "15 degrees"},
                {"type": "text", "text": "In words?"},
            ]},
        ],
    });
    let (sent, dropped) = to_openai(&body);
    assert_eq!(dropped, "");
    assert_eq!(
        sent["messages"],
        json!([
            {"role": "system", "content": "Be brief.\n\nBe kind."},
            {"role": "user", "content": [
                {"type": "image_url", "image_url": {"url": "data:image/jpeg;base64,/9j/4AAQSkZJRg"}},
                {"type": "text", "text": "Where is this, and how is the weather there?"},
            ]},
            {"role": "assistant", "content": "Let me look.", "tool_calls": [{
                "id": "toolu_01A09q90qw90lq917835lq9", "type": "function",
                "function": {"name": "get_weather", "arguments": "{\"location\":\"Bonn\"}"},
            }]},
            {"role": "tool", "tool_call_id": "toolu_01A09q90qw90lq917835lq9", "content": "15 degrees"},
            {"role": "user", "content": "In words?"},
        ])
    );
    assert_eq!(sent["tools"][0]["function"]["parameters"], body["tools"][0]["input_schema"]);
    assert_eq!(
        (&sent["temperature"], &sent["top_p"], &sent["stop"]),
        (&json!(0.5), &json!(0.9), &json!(["END"]))
    );
}

#[test]
fn settings_of_this_api_alone_are_left_out_and_named() {
    let body = question(&json!({
        "metadata": {"user_id": "u"}, "service_tier": "auto", "context_management": null,
        "system": [{"type": "text", "text": "s", "cache_control": {"type": "ephemeral"}}],
        "output_config": {"effort": "max"},
    }));
    let (sent, dropped) = to_openai(&body);
    assert_eq!(sent["messages"][0], json!({"role": "system", "content": "s"}));
    let mut dropped: Vec<_> = dropped.split(", ").collect();
    dropped.sort_unstable();
    assert_eq!(dropped, ["cache_control", "metadata", "output_config.effort", "service_tier"]);
}

#[test]
fn content_that_cannot_be_said_is_refused_by_its_place() {
    let block = |block: Value| {
        question(&json!({"messages": [{"role": "user", "content": [{"type": "text", "text": "a"}, block]}]}))
    };
    let unsupported = |place: &str| ("unsupported_field".to_owned(), place.to_owned());
    let document =
        json!({"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "x"}});
    assert_eq!(refused(&block(document)), unsupported("$.messages[0].content[1]"));
    let found =
        json!({"type": "search_result", "source": "https://example.com", "title": "t", "content": []});
    assert_eq!(refused(&block(found)), unsupported("$.messages[0].content[1]"));
    let result = json!({"type": "tool_result", "tool_use_id": "a", "content": [{"type": "document"}]});
    assert_eq!(refused(&block(result)), unsupported("$.messages[0].content[1].content[0]"));
    let hosted = question(&json!({"tools": [{"type": "web_search_20250305", "name": "web_search"}]}));
    assert_eq!(refused(&hosted), unsupported("$.tools[0]"));
    let servers =
        question(&json!({"mcp_servers": [{"type": "url", "url": "https://example.com", "name": "x"}]}));
    assert_eq!(refused(&servers), unsupported("$.mcp_servers"));
    assert!(
        plan(Api::AnthropicMessages, "openai", &question(&json!({"mcp_servers": []}))).unwrap().is_some()
    );
}

#[test]
fn an_answer_without_a_cap_is_refused_as_the_api_does() {
    let body = json!({"model": "m", "messages": [{"role": "user", "content": "hi"}]});
    assert_eq!(refused(&body), ("invalid_request".to_owned(), "$.max_tokens".to_owned()));
}

#[test]
fn counting_tokens_is_not_translated() {
    assert!(plan(Api::AnthropicCountTokens, "openai", &question(&json!({}))).unwrap().is_none());
}

#[test]
fn how_much_to_think_is_read() {
    let read = |more: Value| {
        let payload =
            Payload::parse(Api::AnthropicMessages, Bytes::from(question(&more).to_string())).unwrap();
        read_chat(payload.document().root(), payload.call(), &mut Losses::default()).unwrap().reasoning
    };
    assert_eq!(read(json!({})), None);
    assert_eq!(read(json!({"thinking": {"type": "disabled"}})), Some(Reasoning::Off));
    let budget =
        json!({"thinking": {"type": "enabled", "budget_tokens": 2048}, "output_config": {"effort": "low"}});
    assert_eq!(read(budget), Some(Reasoning::Budget(2048)));
    assert_eq!(read(json!({"thinking": {"type": "adaptive"}})), Some(Reasoning::On));
    let effort = json!({"thinking": {"type": "adaptive"}, "output_config": {"effort": "medium"}});
    assert_eq!(read(effort), Some(Reasoning::Effort(Effort::Medium)));
    assert_eq!(read(json!({"output_config": {"effort": "max"}})), Some(Reasoning::Effort(Effort::High)));
}
