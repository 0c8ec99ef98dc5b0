//! Where the pieces of running texts stand in the events of each dialect.
//!
//! Sources: OpenAI API reference, "Chat streaming", "Completions" and "Responses streaming events"; Anthropic API
//! reference, "Streaming messages"; Ollama `docs/api.md`.

use attach_core::json::{Kind, NodeId, Value};

use super::text::Into;

/// One running text of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Slot {
    /// The choice, content block or output item.
    pub(super) choice: u64,
    pub(super) field: Field,
    /// The tool call, or the part of an output item.
    pub(super) item: u64,
}

/// Which of a choice's texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Field {
    Content,
    Refusal,
    ReasoningContent,
    Reasoning,
    /// The spoken words of an answer that is sound.
    Transcript,
    ToolCall,
    /// The input of a custom tool: text, not JSON.
    CustomCall,
    FunctionCall,
    Completion,
    /// `delta` of an event of the Responses API; the event's type makes the difference.
    Item(ItemText),
    BlockText,
    BlockJson,
    /// Never restored: it is signed.
    BlockThinking,
    Message,
    MessageThinking,
    Response,
    Thinking,
}

/// The texts an output item of the Responses API can stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum ItemText {
    Output,
    Refusal,
    Arguments,
    CustomInput,
    Code,
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
    All,
    /// All of this choice, content block or output item.
    Choice(u64),
}

impl Slot {
    pub(crate) fn new(choice: u64, field: Field, item: u64) -> Self {
        Self { choice, field, item }
    }

    /// Whether its text is JSON, not words.
    pub(crate) fn is_json(self) -> bool {
        self.into() == Into::Json
    }

    pub(super) fn into(self) -> Into {
        match self.field {
            Field::ToolCall | Field::FunctionCall | Field::BlockJson | Field::Item(ItemText::Arguments) => {
                Into::Json
            }
            _ => Into::Text,
        }
    }
}

/// The pieces of running texts in an event, for others: whose each is, and where it stands.
pub(crate) fn pieces(event: Value<'_>) -> Vec<(Slot, NodeId)> {
    deltas(event).into_iter().map(|delta| (delta.slot, delta.node)).collect()
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
        choices.elements().enumerate().for_each(|(at, choice)| {
            openai_choice(choice, number(choice, "index").unwrap_or(at as u64), &mut add);
        });
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
    let transcript = delta.get("audio").and_then(|audio| audio.get("transcript"));
    add(transcript, Slot::new(index, Field::Transcript, 0));
    let function = delta.get("function_call").and_then(|call| call.get("arguments"));
    add(function, Slot::new(index, Field::FunctionCall, 0));
    let calls = delta.get("tool_calls").into_iter().flat_map(Value::elements);
    for (at, call) in calls.enumerate() {
        let item = number(call, "index").unwrap_or(at as u64);
        let arguments = call.get("function").and_then(|function| function.get("arguments"));
        add(arguments, Slot::new(index, Field::ToolCall, item));
        let input = call.get("custom").and_then(|custom| custom.get("input"));
        add(input, Slot::new(index, Field::CustomCall, item));
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
    } else if kind == "content_block_start" {
        // Empty with Anthropic itself; others begin with the first piece here.
        let index = number(event, "index").unwrap_or(0);
        add(
            event.get("content_block").and_then(|block| block.get("text")),
            Slot::new(index, Field::BlockText, 0),
        );
    } else if kind.starts_with("response.") && kind.ends_with(".delta") && !kind.ends_with("audio.delta") {
        let text = match kind.trim_end_matches(".delta") {
            "response.output_text" => ItemText::Output,
            "response.refusal" => ItemText::Refusal,
            "response.function_call_arguments" | "response.mcp_call_arguments" => ItemText::Arguments,
            "response.custom_tool_call_input" => ItemText::CustomInput,
            "response.code_interpreter_call_code" => ItemText::Code,
            "response.reasoning_text" => ItemText::Reasoning,
            "response.reasoning_summary_text" => ItemText::Summary,
            _ => ItemText::Other,
        };
        let part = number(event, "content_index").or_else(|| number(event, "summary_index")).unwrap_or(0);
        add(
            event.get("delta"),
            Slot::new(number(event, "output_index").unwrap_or(0), Field::Item(text), part),
        );
    }
}

/// Which running texts end with an event.
pub(super) fn ends(event: Value<'_>) -> Vec<Ends> {
    if let Some(choices) = event.get("choices") {
        let finished = choices
            .elements()
            .enumerate()
            .filter(|(_, choice)| choice.get("finish_reason").is_some_and(|reason| !reason.is_null()));
        return finished
            .map(|(at, choice)| Ends::Choice(number(choice, "index").unwrap_or(at as u64)))
            .collect();
    }
    let kind = event.get("type").and_then(Value::as_str);
    let ends = match kind.as_deref() {
        Some("content_block_stop") => number(event, "index").map_or(Ends::All, Ends::Choice),
        Some("message_delta" | "message_stop" | "error") => Ends::All,
        Some("response.completed" | "response.failed" | "response.incomplete" | "response.cancelled") => {
            Ends::All
        }
        Some(kind) if kind.starts_with("response.") && kind.ends_with(".done") => {
            number(event, "output_index").map_or(Ends::All, Ends::Choice)
        }
        None if event.get("done").and_then(Value::as_bool) == Some(true) || event.get("error").is_some() => {
            Ends::All
        }
        _ => return Vec::new(),
    };
    vec![ends]
}

fn number(value: Value<'_>, key: &str) -> Option<u64> {
    value.get(key)?.as_u64()
}
