//! Requests of other dialects in Anthropic's words.

use attach_core::Api;
use serde_json::{Value, json};

use super::plan;
use crate::translate::anthropic::write_chat;
use crate::translate::canonical::{
    Chat, Effort, Format, Image, Losses, Message, Part, Reasoning, Said, Sampling, Tool, ToolCall, ToolChoice,
};

/// What Anthropic's server is asked, and the names of what it is not.
fn from_ollama(body: &Value) -> (Value, String) {
    let plan = plan(Api::OllamaChat, "anthropic", body).unwrap().unwrap();
    assert_eq!(plan.dialect(), attach_core::Dialect::Anthropic);
    (serde_json::from_slice(&plan.body()).unwrap(), plan.dropped().unwrap_or_default())
}

#[test]
fn an_ollama_call_is_asked_in_anthropics_words() {
    let body = json!({
        "model": "claude-haiku-4-5", "stream": false, "keep_alive": "5m",
        "options": {"temperature": 0.2, "top_k": 40, "num_predict": 64, "stop": ["\n", "END"], "seed": 7},
        "tools": [{"type": "function", "function": {"name": "weather", "parameters": {"properties": {}}}}],
        "messages": [
            {"role": "system", "content": "be brief"},
            {"role": "user", "content": "what is this?", "images": ["/9j/4AAQ"]},
            {"role": "assistant", "content": "", "tool_calls": [
                {"function": {"name": "weather", "arguments": {"city": "Bonn"}}},
                {"function": {"name": "weather", "arguments": {"city": "Rome"}}},
            ]},
            {"role": "tool", "tool_name": "weather", "content": "sunny"},
            {"role": "tool", "tool_name": "weather", "content": ""},
            {"role": "system", "content": "in words"},
            {"role": "user", "content": "so?"},
        ],
    });
    let (sent, dropped) = from_ollama(&body);
    assert_eq!(
        sent,
        json!({
            "model": "claude-haiku-4-5", "max_tokens": 64, "stream": false, "system": "be brief\n\nin words",
            "temperature": 0.2, "top_k": 40, "stop_sequences": ["END"],
            "tools": [{"name": "weather", "input_schema": {"type": "object", "properties": {}}}],
            "messages": [
                {"role": "user", "content": [
                    {"type": "text", "text": "what is this?"},
                    {"type": "image", "source": {"type": "base64", "media_type": "image/jpeg", "data": "/9j/4AAQ"}},
                ]},
                {"role": "assistant", "content": [
                    {"type": "tool_use", "id": "call_1", "name": "weather", "input": {"city": "Bonn"}},
                    {"type": "tool_use", "id": "call_2", "name": "weather", "input": {"city": "Rome"}},
                ]},
                {"role": "user", "content": [
                    {"type": "tool_result", "tool_use_id": "call_1", "content": [{"type": "text", "text": "sunny"}]},
                    {"type": "tool_result", "tool_use_id": "call_2"},
                    {"type": "text", "text": "so?"},
                ]},
            ],
        })
    );
    assert_eq!(dropped, "keep_alive, seed, stop");
}

#[test]
fn a_call_without_a_cap_gets_one() {
    let body = json!({"model": "claude-haiku-4-5", "messages": [{"role": "user", "content": "hi"}]});
    let (sent, _) = from_ollama(&body);
    assert_eq!((&sent["max_tokens"], &sent["stream"]), (&json!(8192), &json!(true)));
}

#[test]
fn a_conversation_that_nobody_began_is_refused_in_words() {
    for messages in
        [json!([{"role": "system", "content": "s"}]), json!([{"role": "assistant", "content": "Hello!"}])]
    {
        let rejection = plan(Api::OllamaChat, "anthropic", &json!({"model": "claude", "messages": messages}))
            .unwrap_err();
        assert_eq!((rejection.code(), rejection.param()), ("invalid_request", Some("$.messages")));
        assert!(rejection.message().contains("message of the user"), "{rejection}");
    }
}

#[test]
fn embeddings_have_no_counterpart() {
    assert!(plan(Api::OllamaEmbed, "anthropic", &json!({"model": "e", "input": "a"})).unwrap().is_none());
}

/// What Anthropic's server is asked for a call of any dialect, and what of it is lost.
fn written(model: &str, chat: &Chat<'_>) -> (Value, Vec<String>) {
    let mut losses = Losses::default();
    let bytes = write_chat(chat, model, &mut losses).unwrap();
    (serde_json::from_slice(&bytes).unwrap(), losses.into_names())
}

fn chat(change: impl FnOnce(&mut Chat<'static>)) -> Chat<'static> {
    let mut chat = Chat { messages: vec![Message::User(vec![Part::Text("hi".into())])], ..Chat::default() };
    change(&mut chat);
    chat
}

fn raw(text: &'static str) -> Option<&'static serde_json::value::RawValue> {
    Some(serde_json::from_str(text).unwrap())
}

#[test]
fn thinking_is_said_as_the_model_takes_it() {
    let said = |model: &str, reasoning, cap: Option<u64>| {
        let (sent, lost) = written(
            model,
            &chat(|chat| {
                chat.reasoning = Some(reasoning);
                chat.sampling.max_tokens = cap;
            }),
        );
        (
            sent["thinking"].clone(),
            sent["output_config"]["effort"].clone(),
            sent["max_tokens"].clone(),
            lost.join(","),
        )
    };
    let none = Value::Null;
    let budget = |tokens: u64| json!({"type": "enabled", "budget_tokens": tokens});
    let adaptive = json!({"type": "adaptive", "display": "summarized"});
    let low = Reasoning::Effort(Effort::Low);
    assert_eq!(
        said("claude-haiku-4-5", low, None),
        (budget(4096), none.clone(), json!(8192 + 4096), String::new())
    );
    assert_eq!(
        said("claude-haiku-4-5", low, Some(4000)),
        (budget(2000), none.clone(), json!(4000), String::new())
    );
    assert_eq!(
        said("claude-haiku-4-5", low, Some(2000)),
        (none.clone(), none.clone(), json!(2000), "reasoning".into())
    );
    assert_eq!(
        said("qwen3", Reasoning::Budget(5000), Some(4000)),
        (budget(3999), none.clone(), json!(4000), String::new())
    );
    assert_eq!(
        said("claude-opus-4-6", low, Some(500)),
        (adaptive.clone(), json!("low"), json!(500), String::new())
    );
    assert_eq!(
        said("claude-opus-5", Reasoning::Budget(10_000), Some(9)),
        (adaptive.clone(), json!("medium"), json!(9), String::new())
    );
    assert_eq!(
        said("claude-opus-5", Reasoning::On, Some(9)),
        (adaptive, none.clone(), json!(9), String::new())
    );
    assert_eq!(
        said("claude-opus-4-6", Reasoning::Off, Some(9)),
        (json!({"type": "disabled"}), none.clone(), json!(9), String::new())
    );
    assert_eq!(
        said("claude-fable-5", Reasoning::Off, Some(9)),
        (none, json!("low"), json!(9), "reasoning".into())
    );
}

#[test]
fn claude_is_not_told_to_think_where_it_would_refuse_to() {
    let tool = || Tool { name: "t".into(), description: None, parameters: None, strict: None };
    let forced = chat(|chat| {
        chat.reasoning = Some(Reasoning::On);
        chat.tools = vec![tool()];
        chat.tool_choice = Some(ToolChoice::Required);
    });
    let (sent, lost) = written("claude-sonnet-4-5", &forced);
    assert_eq!(
        (&sent["thinking"], &sent["tool_choice"], lost),
        (&Value::Null, &json!({"type": "any"}), vec!["reasoning".to_owned()])
    );
    let answered = |thought: Option<&'static str>| {
        chat(|chat| {
            let call = ToolCall { id: "a".into(), name: "t".into(), arguments: "{}".into() };
            let signature = thought.map(Into::into);
            let said = vec![Said::Thinking { text: "hm".into(), signature }, Said::Call(call)];
            chat.reasoning = Some(Reasoning::On);
            chat.messages.push(Message::Assistant(said));
            chat.messages.push(Message::ToolResult {
                call_id: "a".into(),
                content: Vec::new(),
                is_error: true,
            });
        })
    };
    assert_eq!(written("claude-sonnet-4-5", &answered(None)).1, ["reasoning", "messages.thinking"]);
    let (sent, lost) = written("claude-sonnet-4-5", &answered(Some("s")));
    assert!(lost.is_empty() && sent["thinking"]["type"] == "enabled");
    assert_eq!(
        sent["messages"][1]["content"][0],
        json!({"type": "thinking", "thinking": "hm", "signature": "s"})
    );
    assert_eq!(
        sent["messages"][2]["content"][0],
        json!({"type": "tool_result", "tool_use_id": "a", "is_error": true})
    );
    assert_eq!(written("claude-opus-5", &answered(None)).1, ["messages.thinking"]);
}

#[test]
fn sampling_is_said_as_the_model_takes_it() {
    let said = |model: &str, temperature| {
        let (sent, lost) = written(
            model,
            &chat(|chat| {
                chat.sampling = Sampling {
                    temperature: raw(temperature),
                    top_p: raw("0.9"),
                    top_k: raw("40"),
                    presence_penalty: raw("1"),
                    max_tokens: Some(9),
                    ..Sampling::default()
                };
            }),
        );
        (
            sent["temperature"].to_string(),
            sent["top_p"].to_string(),
            sent["top_k"].to_string(),
            lost.join(" "),
        )
    };
    let of = |words: [&str; 4]| {
        let [a, b, c, d] = words.map(str::to_owned);
        (a, b, c, d)
    };
    assert_eq!(said("llama", "0.50"), of(["0.5", "0.9", "40", "presence_penalty"]));
    assert_eq!(said("llama", "1.5"), of(["1", "0.9", "40", "temperature presence_penalty"]));
    assert_eq!(said("claude-haiku-4-5", "0.5"), of(["0.5", "null", "40", "top_p presence_penalty"]));
    assert_eq!(
        said("claude-opus-5", "0.5"),
        of(["null", "null", "null", "temperature top_p top_k presence_penalty"])
    );
}

#[test]
fn a_choice_of_tools_is_said() {
    let said = |choice, parallel| {
        let (sent, _) = written(
            "claude-opus-5",
            &chat(|chat| {
                chat.tools = vec![Tool {
                    name: "t".into(),
                    description: Some("d".into()),
                    parameters: None,
                    strict: Some(true),
                }];
                (chat.tool_choice, chat.parallel_tools) = (choice, parallel);
            }),
        );
        assert_eq!(
            sent["tools"],
            json!([{"name": "t", "description": "d", "input_schema": {"type": "object"}, "strict": true}])
        );
        sent["tool_choice"].clone()
    };
    assert_eq!(said(None, Some(true)), Value::Null);
    assert_eq!(said(None, Some(false)), json!({"type": "auto", "disable_parallel_tool_use": true}));
    assert_eq!(said(Some(ToolChoice::None), Some(false)), json!({"type": "none"}));
    assert_eq!(said(Some(ToolChoice::Named("t".into())), None), json!({"type": "tool", "name": "t"}));
    let none = chat(|chat| chat.tool_choice = Some(ToolChoice::Auto));
    assert_eq!(written("claude-opus-5", &none).0["tool_choice"], Value::Null);
}

#[test]
fn a_schema_is_said_and_json_alone_is_asked_for_in_words() {
    let schema = raw(r#"{"type":"object","properties":{"a":{"type":"string"}}}"#).unwrap();
    let (sent, lost) = written(
        "claude-opus-5",
        &chat(|chat| {
            chat.format = Format::Schema { name: Some("x".into()), schema, strict: None };
        }),
    );
    assert_eq!(sent["output_config"]["format"]["type"], "json_schema");
    assert_eq!(sent["output_config"]["format"]["schema"]["additionalProperties"], false);
    assert!(lost.is_empty());
    let (sent, lost) = written("claude-opus-5", &chat(|chat| chat.format = Format::Json));
    assert!(sent["system"].as_str().unwrap().contains("one JSON object"));
    assert_eq!((&sent["output_config"], lost), (&Value::Null, vec!["response_format".to_owned()]));
}

#[test]
fn a_conversation_that_began_elsewhere_goes_on_here() {
    let elsewhere = chat(|chat| {
        let call = |id: &'static str, arguments: &'static str| {
            Said::Call(ToolCall { id: id.into(), name: "t".into(), arguments: arguments.into() })
        };
        let result = |id: &'static str| Message::ToolResult {
            call_id: id.into(),
            content: vec![Part::Image(Image::Url("https://example.com/a.png".into()))],
            is_error: false,
        };
        let thought = Said::Thinking { text: "another provider's".into(), signature: None };
        chat.messages.push(Message::User(vec![Part::Text("".into()), Part::Text("there?".into())]));
        chat.messages.push(Message::Assistant(vec![
            thought,
            call("functions.t:0", "not {json"),
            call("b", " "),
        ]));
        chat.messages.push(Message::User(vec![Part::Text("and?".into())]));
        chat.messages.extend([result("functions.t:0"), result("b")]);
    });
    let image = json!([{"type": "image", "source": {"type": "url", "url": "https://example.com/a.png"}}]);
    assert_eq!(
        written("claude-opus-5", &elsewhere).0["messages"],
        json!([
            {"role": "user", "content": [{"type": "text", "text": "hi"}, {"type": "text", "text": "there?"}]},
            {"role": "assistant", "content": [
                {"type": "tool_use", "id": "functions_t_0", "name": "t", "input": {"INVALID_JSON": "not {json"}},
                {"type": "tool_use", "id": "b", "name": "t", "input": {}},
            ]},
            {"role": "user", "content": [
                {"type": "tool_result", "tool_use_id": "functions_t_0", "content": image},
                {"type": "tool_result", "tool_use_id": "b", "content": image},
                {"type": "text", "text": "and?"},
            ]},
        ])
    );
}
