use serde_json::{Value, json};

use super::{plan, plan_of, question, sent, upstream};

/// The guides' examples of a picture, a function and its result, in one conversation.
fn conversation() -> Value {
    json!({
        "model": "m", "instructions": "Be brief.", "max_output_tokens": 300, "temperature": 0.50, "top_p": 0.9,
        "parallel_tool_calls": false, "tool_choice": "required", "store": false, "truncation": "disabled",
        "metadata": {"topic": "demo"}, "stream_options": {"include_obfuscation": false},
        "tools": [{"type": "function", "name": "get_weather", "description": "The weather.", "strict": true,
                   "parameters": {"type": "object", "properties": {"location": {"type": "string"}}, "required": ["location"], "additionalProperties": false}}],
        "input": [
            {"role": "developer", "content": "Talk like a pirate."},
            {"type": "message", "role": "user", "content": [
                {"type": "input_text", "text": "what is in this image?"},
                {"type": "input_image", "image_url": "data:image/jpeg;base64,/9j/4AAQ", "detail": "auto"},
            ]},
            {"type": "reasoning", "id": "rs_1", "summary": []},
            {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed",
             "content": [{"type": "output_text", "text": "Paris.", "annotations": [], "logprobs": []}]},
            {"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "get_weather", "arguments": "{\"location\":\"Paris\"}", "status": "completed"},
            {"type": "function_call", "id": "fc_2", "call_id": "call_2", "name": "get_weather", "arguments": "{\"location\":\"Rome\"}"},
            {"type": "function_call_output", "call_id": "call_1", "output": "25°C"},
            {"type": "function_call_output", "call_id": "call_2", "output": [{"type": "input_text", "text": "30°C"}]},
            {"role": "user", "content": "And?"},
        ],
    })
}

fn schema() -> Value {
    conversation()["tools"][0]["parameters"].clone()
}

#[test]
fn a_conversation_in_the_words_of_chat_completions() {
    let call = |id: &str, city: &str| json!({"id": id, "type": "function", "function": {"name": "get_weather", "arguments": format!("{{\"location\":\"{city}\"}}")}});
    assert_eq!(
        sent("openai", &conversation()),
        json!({
            "model": "m", "stream": false, "max_tokens": 300, "temperature": 0.5, "top_p": 0.9,
            "parallel_tool_calls": false, "tool_choice": "required",
            "tools": [{"type": "function", "function": {"name": "get_weather", "description": "The weather.", "strict": true, "parameters": schema()}}],
            "messages": [
                {"role": "system", "content": "Be brief."},
                {"role": "system", "content": "Talk like a pirate."},
                {"role": "user", "content": [
                    {"type": "text", "text": "what is in this image?"},
                    {"type": "image_url", "image_url": {"url": "data:image/jpeg;base64,/9j/4AAQ"}},
                ]},
                {"role": "assistant", "content": "Paris.", "tool_calls": [call("call_1", "Paris"), call("call_2", "Rome")]},
                {"role": "tool", "tool_call_id": "call_1", "content": "25°C"},
                {"role": "tool", "tool_call_id": "call_2", "content": "30°C"},
                {"role": "user", "content": "And?"},
            ],
        })
    );
    assert_eq!(plan("openai", &conversation()).unwrap().dropped(), None);
}

#[test]
fn a_conversation_in_anthropics_words() {
    let call = |id: &str, city: &str| json!({"type": "tool_use", "id": id, "name": "get_weather", "input": {"location": city}});
    let result = |id: &str, text: &str| json!({"type": "tool_result", "tool_use_id": id, "content": [{"type": "text", "text": text}]});
    assert_eq!(
        sent("anthropic", &conversation()),
        json!({
            "model": "m", "stream": false, "max_tokens": 300, "temperature": 0.5, "top_p": 0.9,
            "system": "Be brief.\n\nTalk like a pirate.",
            "tool_choice": {"type": "any", "disable_parallel_tool_use": true},
            "tools": [{"name": "get_weather", "description": "The weather.", "strict": true, "input_schema": schema()}],
            "messages": [
                {"role": "user", "content": [
                    {"type": "text", "text": "what is in this image?"},
                    {"type": "image", "source": {"type": "base64", "media_type": "image/jpeg", "data": "/9j/4AAQ"}},
                ]},
                {"role": "assistant", "content": [{"type": "text", "text": "Paris."}, call("call_1", "Paris"), call("call_2", "Rome")]},
                {"role": "user", "content": [result("call_1", "25°C"), result("call_2", "30°C"), {"type": "text", "text": "And?"}]},
            ],
        })
    );
}

#[test]
fn a_conversation_in_ollamas_words() {
    let call = |city: &str| json!({"function": {"name": "get_weather", "arguments": {"location": city}}});
    let body = sent("ollama", &conversation());
    assert_eq!(body["options"], json!({"num_predict": 300, "temperature": 0.5, "top_p": 0.9}));
    assert_eq!(
        body["messages"],
        json!([
            {"role": "system", "content": "Be brief."},
            {"role": "system", "content": "Talk like a pirate."},
            {"role": "user", "content": "what is in this image?", "images": ["/9j/4AAQ"]},
            {"role": "assistant", "content": "Paris.", "tool_calls": [call("Paris"), call("Rome")]},
            {"role": "tool", "tool_name": "get_weather", "content": "25°C"},
            {"role": "tool", "tool_name": "get_weather", "content": "30°C"},
            {"role": "user", "content": "And?"},
        ])
    );
    let dropped = plan("ollama", &conversation()).unwrap().dropped().unwrap();
    assert_eq!(dropped, "tool_choice, parallel_tool_calls, tools.strict");
}

#[test]
fn a_conversation_in_the_words_of_converse() {
    let body = sent("bedrock", &conversation());
    assert_eq!(body["system"], json!([{"text": "Be brief."}, {"text": "Talk like a pirate."}]));
    assert_eq!(body["inferenceConfig"]["maxTokens"], 300);
    let said = &body["messages"][1]["content"];
    assert_eq!(said[0], json!({"text": "Paris."}));
    assert_eq!(
        said[1]["toolUse"],
        json!({"toolUseId": "call_1", "name": "get_weather", "input": {"location": "Paris"}})
    );
    assert_eq!(body["messages"][2]["content"][0]["toolResult"]["toolUseId"], "call_1");
}

#[test]
fn the_shape_of_the_answer_and_the_effort_are_asked_for() {
    let schema =
        json!({"type": "object", "properties": {"a": {"type": "string"}}, "additionalProperties": false});
    let body = question(&json!({
        "text": {"format": {"type": "json_schema", "name": "event", "schema": schema, "strict": true}, "verbosity": "medium"},
        "reasoning": {"effort": "high", "summary": "auto"},
    }));
    let chat = sent("openai", &body);
    assert_eq!(
        chat["response_format"],
        json!({"type": "json_schema", "json_schema": {"name": "event", "schema": schema, "strict": true}})
    );
    assert_eq!(chat["reasoning_effort"], "high");
    assert_eq!(sent("ollama", &body)["format"], schema);
    assert_eq!(sent("anthropic", &body)["output_config"]["format"]["schema"], schema);
    let object =
        question(&json!({"text": {"format": {"type": "json_object"}}, "reasoning": {"effort": "none"}}));
    assert_eq!(sent("openai", &object)["response_format"], json!({"type": "json_object"}));
    assert_eq!(
        (&sent("ollama", &object)["format"], &sent("ollama", &object)["think"]),
        (&json!("json"), &json!(false))
    );
}

#[test]
fn tools_are_chosen() {
    let tool = |name: &str| json!({"type": "function", "name": name, "parameters": {"type": "object"}});
    let with = |choice: Value| {
        let chat =
            sent("openai", &question(&json!({"tools": [tool("a"), tool("b")], "tool_choice": choice})));
        let names: Vec<_> =
            chat["tools"].as_array().unwrap().iter().map(|tool| tool["function"]["name"].clone()).collect();
        (chat["tool_choice"].clone(), names)
    };
    assert_eq!(with(json!("none")), (json!("none"), vec![json!("a"), json!("b")]));
    let named = json!({"type": "function", "name": "b"});
    assert_eq!(with(named).0, json!({"type": "function", "function": {"name": "b"}}));
    let allowed =
        json!({"type": "allowed_tools", "mode": "required", "tools": [{"type": "function", "name": "b"}]});
    assert_eq!(with(allowed), (json!("required"), vec![json!("b")]));
}

#[test]
fn settings_without_a_counterpart_are_named_or_refused() {
    let body = question(&json!({
        "user": "u-1", "safety_identifier": "s-1", "prompt_cache_key": "k", "truncation": "auto", "service_tier": "flex",
        "max_tool_calls": 3, "top_logprobs": 2, "include": ["message.output_text.logprobs"],
        "text": {"verbosity": "low"}, "reasoning": {"effort": "max"},
        "background": false, "conversation": null, "previous_response_id": null,
    }));
    let mut dropped: Vec<_> =
        plan("openai", &body).unwrap().dropped().unwrap().split(", ").map(str::to_owned).collect();
    dropped.sort();
    assert_eq!(
        dropped,
        [
            "include",
            "max_tool_calls",
            "prompt_cache_key",
            "reasoning.effort",
            "safety_identifier",
            "service_tier",
            "text.verbosity",
            "top_logprobs",
            "truncation",
            "user",
        ]
    );
    let strict = upstream("openai", "[translation]\nunsupported = \"refuse\"\n");
    let refused =
        plan_of(&question(&json!({"text": {"verbosity": "low"}})).to_string(), &strict).unwrap_err();
    assert_eq!((refused.code(), refused.param()), ("unsupported_field", Some("$.text.verbosity")));
}

#[test]
fn nothing_says_anything_where_it_says_what_holds_anyway() {
    let body = question(&json!({
        "user": null, "truncation": "disabled", "service_tier": "auto", "top_logprobs": 0, "include": [],
        "text": {"verbosity": "medium", "format": null}, "reasoning": {"effort": null}, "metadata": {"a": "b"},
        "include": ["reasoning.encrypted_content"],
    }));
    assert_eq!(plan("anthropic", &body).unwrap().dropped(), None);
}

#[test]
fn thoughts_go_back_with_what_their_provider_signed() {
    let item = |sealed: Value| {
        let mut body = question(&json!({}));
        body["input"] = json!([
            {"role": "user", "content": "hi"},
            {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "hm"}], "encrypted_content": sealed},
            {"role": "assistant", "content": "Hello."},
            {"role": "user", "content": "so?"},
        ]);
        (
            sent("anthropic", &body)["messages"][1]["content"].clone(),
            plan("anthropic", &body).unwrap().dropped(),
        )
    };
    let said = json!({"type": "text", "text": "Hello."});
    let (content, dropped) = item(json!("attach.signature.EqQB"));
    assert_eq!(content, json!([{"type": "thinking", "thinking": "hm", "signature": "EqQB"}, said]));
    assert_eq!(dropped, None);
    let (content, dropped) = item(json!("attach.redacted.EmwK"));
    assert_eq!(content, json!([{"type": "redacted_thinking", "data": "EmwK"}, said]));
    assert_eq!(dropped.as_deref(), Some("messages.thinking"));
    // What another provider encrypted says nothing here.
    let (content, dropped) = item(json!("gAAAAABo"));
    assert_eq!(content, json!([said]));
    assert_eq!(dropped.as_deref(), Some("input.encrypted_content, messages.thinking"));
}

#[test]
fn two_messages_in_a_row_stay_two() {
    let body = json!({"model": "m", "input": [
        {"role": "assistant", "content": "One."}, {"role": "assistant", "content": [{"type": "refusal", "refusal": "No."}]},
        {"role": "user", "content": "hi"},
    ]});
    let said = |text: &str| json!({"role": "assistant", "content": text});
    assert_eq!(
        sent("openai", &body)["messages"],
        json!([said("One."), said("No."), {"role": "user", "content": "hi"}])
    );
}
