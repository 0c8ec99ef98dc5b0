//! Requests as the Amazon Bedrock User Guide shows them ("Converse API examples", "Call a tool with the Converse API").

use serde_json::{Value, json};

use super::*;
use crate::translate::canonical::{Effort, Image, Message, Part, Reasoning, Said, Sampling, Tool, ToolCall};

const CLAUDE: &str = "anthropic.claude-3-7-sonnet-20250219-v1:0";

fn raw(text: &str) -> &RawValue {
    serde_json::from_str(text).unwrap()
}

fn written(chat: &Chat<'_>, model: &str) -> (Value, Vec<String>) {
    let mut losses = Losses::default();
    let bytes = write_chat(chat, model, &mut losses).unwrap();
    (serde_json::from_slice(&bytes).unwrap(), losses.into_names())
}

fn refused(chat: &Chat<'_>) -> String {
    write_chat(chat, CLAUDE, &mut Losses::default()).unwrap_err().to_string()
}

fn text(text: &str) -> Vec<Part<'_>> {
    vec![Part::Text(text.into())]
}

fn top_song() -> Tool<'static> {
    Tool {
        name: "top_song".into(),
        description: Some("Get the most popular song played on a radio station.".into()),
        parameters: Some(raw(
            r#"{"type":"object","properties":{"sign":{"type":"string"}},"required":["sign"]}"#,
        )),
        strict: None,
    }
}

fn call(arguments: &str) -> Said<'_> {
    let (id, name) = ("tooluse_hbTgdi0CSLq_hM4P8csZJA".into(), "top_song".into());
    Said::Call(ToolCall { id, name, arguments: arguments.into() })
}

fn result(content: &str, is_error: bool) -> Message<'_> {
    Message::ToolResult { call_id: "tooluse_hbTgdi0CSLq_hM4P8csZJA".into(), content: text(content), is_error }
}

#[test]
fn the_guides_first_example() {
    let chat = Chat {
        messages: vec![
            Message::System("You are an economist with access to lots of data".into()),
            Message::User(text("Write an article about impact of high inflation to GDP of a country")),
        ],
        sampling: Sampling { max_tokens: Some(1000), temperature: Some(raw("0.50")), ..Sampling::default() },
        ..Chat::default()
    };
    let bytes = write_chat(&chat, "amazon.titan-text-express-v1", &mut Losses::default()).unwrap();
    let expected = r#"{"messages":[{"role":"user","content":[{"text":"Write an article about impact of high inflation to GDP of a country"}]}],"system":[{"text":"You are an economist with access to lots of data"}],"inferenceConfig":{"maxTokens":1000,"temperature":0.50}}"#;
    assert_eq!(bytes, expected);
}

#[test]
fn a_tool_its_call_and_its_result() {
    let chat = Chat {
        messages: vec![
            Message::User(text("What is the most popular song on WZPZ?")),
            Message::Assistant(vec![Said::Text(" ".into()), call(r#"{"sign": "WZPZ"}"#)]),
            result("Elemental Hotel by 8 Storey Hike", false),
        ],
        tools: vec![top_song()],
        tool_choice: Some(ToolChoice::Named("top_song".into())),
        ..Chat::default()
    };
    let (body, losses) = written(&chat, CLAUDE);
    assert_eq!(
        body["messages"],
        json!([
            {"role": "user", "content": [{"text": "What is the most popular song on WZPZ?"}]},
            {"role": "assistant", "content": [{"toolUse": {"toolUseId": "tooluse_hbTgdi0CSLq_hM4P8csZJA",
                "name": "top_song", "input": {"sign": "WZPZ"}}}]},
            {"role": "user", "content": [{"toolResult": {"toolUseId": "tooluse_hbTgdi0CSLq_hM4P8csZJA",
                "content": [{"text": "Elemental Hotel by 8 Storey Hike"}]}}]},
        ])
    );
    assert_eq!(
        body["toolConfig"],
        json!({"tools": [{"toolSpec": {"name": "top_song",
            "description": "Get the most popular song played on a radio station.",
            "inputSchema": {"json": {"type": "object", "properties": {"sign": {"type": "string"}},
                "required": ["sign"]}}}}],
            "toolChoice": {"tool": {"name": "top_song"}}})
    );
    assert!(losses.is_empty() && body.get("inferenceConfig").is_none());
}

#[test]
fn neighbours_of_one_side_are_one_message_and_a_failed_result_says_so() {
    let chat = Chat {
        messages: vec![
            Message::User(text("one")),
            Message::User(text("two")),
            Message::Assistant(vec![call(""), call("{}")]),
            result("a", false),
            result("b", true),
            Message::User(text("three")),
        ],
        tools: vec![Tool {
            name: "top_song".into(),
            description: None,
            parameters: None,
            strict: Some(true),
        }],
        ..Chat::default()
    };
    let (body, _) = written(&chat, CLAUDE);
    let roles: Vec<_> = body["messages"].as_array().unwrap().iter().map(|one| one["role"].clone()).collect();
    assert_eq!(roles, ["user", "assistant", "user"]);
    let last = &body["messages"][2]["content"];
    assert_eq!((last.as_array().unwrap().len(), &last[1]["toolResult"]["status"]), (3, &json!("error")));
    let spec = &body["toolConfig"]["tools"][0]["toolSpec"];
    assert_eq!((&spec["strict"], &spec["inputSchema"]["json"]["type"]), (&json!(true), &json!("object")));
}

#[test]
fn a_picture_goes_as_bytes_and_never_as_an_address() {
    let picture = |image| Chat { messages: vec![Message::User(vec![Part::Image(image)])], ..Chat::default() };
    let chat = picture(Image::Base64 { media_type: "image/png".into(), data: "iVBORw0KGgo=".into() });
    let block = json!({"image": {"format": "png", "source": {"bytes": "iVBORw0KGgo="}}});
    assert_eq!(written(&chat, CLAUDE).0["messages"][0]["content"], json!([block]));
    assert!(refused(&picture(Image::Url("https://x.example/a.png".into()))).contains("image_url"));
    let svg = Image::Base64 { media_type: "image/svg+xml".into(), data: "PHN2Zz4=".into() };
    assert!(refused(&picture(svg)).contains("media_type"));
}

#[test]
fn thoughts_go_back_with_their_signature_or_not_at_all() {
    let signed = Said::Thinking { text: "hm".into(), signature: Some("EpsBCkgIARAB".into()) };
    let said = vec![signed, Said::RedactedThinking("c2VjcmV0".into()), Said::Text("a".into())];
    let unsigned = Said::Thinking { text: "hm".into(), signature: None };
    let messages = vec![
        Message::Assistant(said),
        Message::User(text("x")),
        Message::Assistant(vec![unsigned, Said::Text("b".into())]),
    ];
    let (body, _) = written(&Chat { messages, ..Chat::default() }, CLAUDE);
    assert_eq!(
        body["messages"][0]["content"],
        json!([
            {"reasoningContent": {"reasoningText": {"text": "hm", "signature": "EpsBCkgIARAB"}}},
            {"reasoningContent": {"redactedContent": "c2VjcmV0"}},
            {"text": "a"},
        ])
    );
    assert_eq!(body["messages"][2]["content"], json!([{"text": "b"}]));
}

#[test]
fn each_family_is_told_of_its_own_settings() {
    let chat = |reasoning, max_tokens| Chat {
        messages: vec![Message::User(text("x"))],
        reasoning,
        sampling: Sampling { top_k: Some(raw("200")), max_tokens, ..Sampling::default() },
        ..Chat::default()
    };
    let extra = |chat: &Chat<'_>, model: &str| {
        let (body, losses) = written(chat, model);
        (body["additionalModelRequestFields"].clone(), losses.join(" "))
    };
    let budget = chat(Some(Reasoning::Budget(2000)), Some(4000));
    let expected = json!({"top_k": 200, "thinking": {"type": "enabled", "budget_tokens": 2000}});
    assert_eq!(extra(&budget, &format!("us.{CLAUDE}")), (expected, String::new()));
    let high = chat(Some(Reasoning::Effort(Effort::High)), Some(4000));
    assert_eq!(extra(&high, CLAUDE).0["thinking"]["budget_tokens"], 3999);
    let tight = chat(Some(Reasoning::On), Some(800));
    assert_eq!(extra(&tight, CLAUDE).1, "reasoning");
    let nova = json!({"inferenceConfig": {"topK": 200}});
    assert_eq!(extra(&high, "amazon.nova-pro-v1:0"), (nova, "reasoning".into()));
    let config = extra(&high, "us.amazon.nova-2-lite-v1:0").0["reasoningConfig"].clone();
    assert_eq!(config, json!({"type": "enabled", "maxReasoningEffort": "high"}));
    let unknown = "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/a1b2";
    assert_eq!(extra(&budget, unknown), (Value::Null, "top_k reasoning".into()));
    assert_eq!(extra(&chat(Some(Reasoning::Off), None), unknown).1, "top_k");
}

#[test]
fn a_schema_is_a_text_and_what_has_no_word_is_named() {
    let schema = r#"{"type":"object"}"#;
    let chat = Chat {
        messages: vec![Message::User(text("x"))],
        format: Format::Schema { name: Some("answer".into()), schema: raw(schema), strict: Some(true) },
        parallel_tools: Some(false),
        sampling: Sampling { seed: Some(raw("1")), stop: vec!["END".into()], ..Sampling::default() },
        ..Chat::default()
    };
    let (body, losses) = written(&chat, CLAUDE);
    let structure = json!({"jsonSchema": {"name": "answer", "schema": schema}});
    assert_eq!(body["outputConfig"], json!({"textFormat": {"type": "json_schema", "structure": structure}}));
    assert_eq!(body["additionalModelResponseFieldPaths"], json!(["/stop_sequence"]));
    assert_eq!(body["inferenceConfig"], json!({"stopSequences": ["END"]}));
    assert_eq!(losses, ["seed", "parallel_tool_calls"]);
}

#[test]
fn no_tool_is_no_tools_unless_the_conversation_speaks_of_some() {
    let mut chat = Chat {
        messages: vec![Message::User(text("x"))],
        tools: vec![top_song()],
        tool_choice: Some(ToolChoice::None),
        ..Chat::default()
    };
    assert!(written(&chat, CLAUDE).0.get("toolConfig").is_none());
    chat.messages.extend([Message::Assistant(vec![call("{}")]), result("a", false)]);
    assert!(refused(&chat).contains("tool_choice"));
    chat.tool_choice = Some(ToolChoice::Required);
    assert_eq!(written(&chat, CLAUDE).0["toolConfig"]["toolChoice"], json!({"any": {}}));
}
