//! Where the pieces of running texts stand in the events of each dialect.
//!
//! Sources: OpenAI API reference, "Chat streaming", "Completions" and "Responses streaming events"; Anthropic API
//! reference, "Streaming messages"; Ollama `docs/api.md`.

use attach_core::json::{Document, Kind, NodeId, Value, escape_into};

use super::text::Into;

/// One running text of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Slot {
    /// The choice, content block or output item.
    pub(super) choice: u64,
    pub(super) field: Field,
    /// The tool call, or the part of an output item.
    pub(super) item: u64,
}

/// Which of a choice's texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Field {
    Content,
    Refusal,
    ReasoningContent,
    Reasoning,
    ToolCall,
    FunctionCall,
    Completion,
    /// `delta` of an event of the Responses API; the event's type makes the difference.
    Item(ItemText),
    BlockText,
    BlockJson,
    Message,
    MessageThinking,
    Response,
    Thinking,
}

/// The texts an output item of the Responses API can stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum ItemText {
    Output,
    Refusal,
    Arguments,
    CustomInput,
    Reasoning,
    Summary,
    Other,
}

/// A piece of a running text in an event.
pub(super) struct Delta {
    pub(super) slot: Slot,
    pub(super) node: NodeId,
}

/// Which running texts end with an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ends {
    None,
    All,
    /// All of this choice, content block or output item.
    Choice(u64),
}

impl Slot {
    fn new(choice: u64, field: Field, item: u64) -> Self {
        Self { choice, field, item }
    }

    pub(super) fn into(self) -> Into {
        match self.field {
            Field::ToolCall | Field::FunctionCall | Field::BlockJson | Field::Item(ItemText::Arguments) => Into::Json,
            _ => Into::Text,
        }
    }
}

/// The pieces of running texts in an event.
pub(super) fn deltas(event: Value<'_>) -> Vec<Delta> {
    let mut found = Vec::new();
    let mut add = |value: Option<Value<'_>>, slot: Slot| {
        if let Some(value) = value.filter(|value| value.kind() == Kind::String) {
            found.push(Delta { slot, node: value.id() });
        }
    };
    if let Some(choices) = event.get("choices") {
        choices.elements().enumerate().for_each(|(at, choice)| openai_choice(choice, number(choice, "index").unwrap_or(at as u64), &mut add));
    } else if let Some(kind) = event.get("type").and_then(Value::as_str) {
        typed(event, &kind, &mut add);
    } else {
        let message = event.get("message");
        add(message.and_then(|message| message.get("content")), Slot::new(0, Field::Message, 0));
        add(message.and_then(|message| message.get("thinking")), Slot::new(0, Field::MessageThinking, 0));
        add(event.get("response"), Slot::new(0, Field::Response, 0));
        add(event.get("thinking"), Slot::new(0, Field::Thinking, 0));
    }
    found
}

fn openai_choice<'a>(choice: Value<'a>, index: u64, add: &mut impl FnMut(Option<Value<'a>>, Slot)) {
    add(choice.get("text"), Slot::new(index, Field::Completion, 0));
    let Some(delta) = choice.get("delta") else { return };
    for (key, field) in [
        ("content", Field::Content),
        ("refusal", Field::Refusal),
        ("reasoning_content", Field::ReasoningContent),
        ("reasoning", Field::Reasoning),
    ] {
        add(delta.get(key), Slot::new(index, field, 0));
    }
    add(delta.get("function_call").and_then(|call| call.get("arguments")), Slot::new(index, Field::FunctionCall, 0));
    let calls = delta.get("tool_calls").into_iter().flat_map(Value::elements);
    for (at, call) in calls.enumerate() {
        let item = number(call, "index").unwrap_or(at as u64);
        add(call.get("function").and_then(|function| function.get("arguments")), Slot::new(index, Field::ToolCall, item));
    }
}

/// Events that say their type: Anthropic's and those of the Responses API.
fn typed<'a>(event: Value<'a>, kind: &str, add: &mut impl FnMut(Option<Value<'a>>, Slot)) {
    if kind == "content_block_delta" {
        let index = number(event, "index").unwrap_or(0);
        let Some(delta) = event.get("delta") else { return };
        // Thinking is signed, so it stays as it is.
        add(delta.get("text"), Slot::new(index, Field::BlockText, 0));
        add(delta.get("partial_json"), Slot::new(index, Field::BlockJson, 0));
    } else if kind.starts_with("response.") && kind.ends_with(".delta") {
        let text = match kind.trim_end_matches(".delta") {
            "response.output_text" => ItemText::Output,
            "response.refusal" => ItemText::Refusal,
            "response.function_call_arguments" | "response.mcp_call_arguments" => ItemText::Arguments,
            "response.custom_tool_call_input" => ItemText::CustomInput,
            "response.reasoning_text" => ItemText::Reasoning,
            "response.reasoning_summary_text" => ItemText::Summary,
            _ => ItemText::Other,
        };
        let part = number(event, "content_index").or_else(|| number(event, "summary_index")).unwrap_or(0);
        add(event.get("delta"), Slot::new(number(event, "output_index").unwrap_or(0), Field::Item(text), part));
    }
}

/// Which running texts end with an event.
pub(super) fn ends(event: Value<'_>) -> Vec<Ends> {
    if let Some(choices) = event.get("choices") {
        let finished = choices.elements().enumerate().filter(|(_, choice)| choice.get("finish_reason").is_some_and(|reason| !reason.is_null()));
        return finished.map(|(at, choice)| Ends::Choice(number(choice, "index").unwrap_or(at as u64))).collect();
    }
    let kind = event.get("type").and_then(Value::as_str);
    let ends = match kind.as_deref() {
        Some("content_block_stop") => number(event, "index").map_or(Ends::All, Ends::Choice),
        Some("message_delta" | "message_stop" | "error") => Ends::All,
        Some("response.completed" | "response.failed" | "response.incomplete" | "response.cancelled") => Ends::All,
        Some(kind) if kind.starts_with("response.") && kind.ends_with(".done") => {
            number(event, "output_index").map_or(Ends::All, Ends::Choice)
        }
        Some(_) => Ends::None,
        None if event.get("done").and_then(Value::as_bool) == Some(true) || event.get("error").is_some() => Ends::All,
        None => Ends::None,
    };
    vec![ends]
}

fn number(value: Value<'_>, key: &str) -> Option<u64> {
    value.get(key)?.as_u64()
}

/// An event that carries `text` for `slot` and nothing else, in the words of `like`, an event that had a piece of it.
pub(super) fn event(slot: Slot, text: &str, like: &Document) -> Vec<u8> {
    let mut json = Vec::with_capacity(256);
    let quoted = quoted(text);
    let root = like.root();
    match slot.field {
        Field::Content | Field::Refusal | Field::ReasoningContent | Field::Reasoning | Field::ToolCall
        | Field::FunctionCall | Field::Completion => openai(slot, &quoted, root, &mut json),
        Field::Message | Field::MessageThinking => {
            let key = if slot.field == Field::Message { "content" } else { "thinking" };
            copied(root, &["model", "created_at"], &mut json);
            let content = if slot.field == Field::Message { "" } else { "\"content\":\"\"," };
            push(&mut json, &[r#""message":{"role":"assistant","#, content, "\"", key, "\":", &quoted, r#"},"done":false}"#]);
        }
        Field::Response | Field::Thinking => {
            let key = if slot.field == Field::Response { "response" } else { "thinking" };
            copied(root, &["model", "created_at"], &mut json);
            push(&mut json, &["\"", key, "\":", &quoted, r#","done":false}"#]);
        }
        Field::BlockText => {
            push(&mut json, &[r#"{"type":"content_block_delta","index":"#, &slot.choice.to_string(), r#","delta":{"type":"text_delta","text":"#, &quoted, "}}"]);
        }
        Field::BlockJson => {
            push(&mut json, &[r#"{"type":"content_block_delta","index":"#, &slot.choice.to_string(), r#","delta":{"type":"input_json_delta","partial_json":"#, &quoted, "}}"]);
        }
        Field::Item(_) => {
            copied(root, &["type", "sequence_number", "item_id", "output_index", "content_index", "summary_index"], &mut json);
            push(&mut json, &["\"delta\":", &quoted, "}"]);
        }
    }
    json
}

fn openai(slot: Slot, quoted: &str, like: Value<'_>, json: &mut Vec<u8>) {
    copied(like, &["id", "object", "created", "model", "system_fingerprint"], json);
    push(json, &[r#""choices":[{"index":"#, &slot.choice.to_string(), ","]);
    match slot.field {
        Field::Completion => push(json, &["\"text\":", quoted]),
        Field::ToolCall => {
            let item = slot.item.to_string();
            push(json, &[r#""delta":{"tool_calls":[{"index":"#, &item, r#","function":{"arguments":"#, quoted, "}}]}"]);
        }
        Field::FunctionCall => push(json, &[r#""delta":{"function_call":{"arguments":"#, quoted, "}}"]),
        field => {
            let key = match field {
                Field::Refusal => "refusal",
                Field::ReasoningContent => "reasoning_content",
                Field::Reasoning => "reasoning",
                _ => "content",
            };
            push(json, &["\"delta\":{\"", key, "\":", quoted, "}"]);
        }
    }
    push(json, &[r#","finish_reason":null}]}"#]);
}

fn push(json: &mut Vec<u8>, parts: &[&str]) {
    parts.iter().for_each(|part| json.extend_from_slice(part.as_bytes()));
}

/// Opens an object with the members of `like` that are called so.
fn copied(like: Value<'_>, keys: &[&str], json: &mut Vec<u8>) {
    json.push(b'{');
    for (key, value) in keys.iter().filter_map(|key| Some((key, like.get(key)?))) {
        push(json, &["\"", key, "\":"]);
        json.extend_from_slice(value.raw());
        json.push(b',');
    }
}

fn quoted(text: &str) -> String {
    let mut quoted = vec![b'"'];
    escape_into(text, &mut quoted);
    quoted.push(b'"');
    String::from_utf8(quoted).unwrap_or_default()
}
