use std::borrow::Cow;

use attach_core::Rejection;
use bytes::Bytes;
use serde::Serialize;
use serde_json::value::RawValue;

use super::write_message::{Out, messages};
use crate::translate::canonical::{
    Chat, Effort, Format, Losses, Message, Reasoning, Said, Sampling, Tool, ToolChoice,
};

/// The body of `POST /api/chat`.
///
/// # Errors
///
/// When the conversation holds what Ollama cannot be told, such as an image that it would have to fetch.
pub(crate) fn write_chat(chat: &Chat<'_>, model: &str, losses: &mut Losses) -> Result<Bytes, Rejection> {
    note_losses(chat, losses)?;
    // There is no word for "none of them", but there is no need to name them then.
    let tools = if chat.tool_choice == Some(ToolChoice::None) { &[][..] } else { &chat.tools };
    let body = Body {
        model,
        messages: messages(&chat.messages)?,
        tools: tools.iter().map(tool).collect(),
        stream: chat.stream,
        format: format(&chat.format),
        think: chat.reasoning.map(think),
        options: options(&chat.sampling),
    };
    // Writing into memory fails only for a map key that is not a string, and there is no map.
    Ok(serde_json::to_vec(&body).map(Bytes::from).unwrap_or_default())
}

fn note_losses(chat: &Chat<'_>, losses: &mut Losses) -> Result<(), Rejection> {
    let said = chat.messages.iter().flat_map(|message| match message {
        Message::Assistant(said) => said.as_slice(),
        _ => &[],
    });
    let mut hidden = said.filter(|said| matches!(said, Said::RedactedThinking(_)));
    let failed = |message: &Message<'_>| matches!(message, Message::ToolResult { is_error: true, .. });
    let forced = matches!(chat.tool_choice, Some(ToolChoice::Required | ToolChoice::Named(_)));
    let lost = [
        ("tool_choice", forced),
        ("parallel_tool_calls", chat.parallel_tools == Some(false) && !chat.tools.is_empty()),
        ("tools.strict", chat.tools.iter().any(|tool| tool.strict == Some(true))),
        ("thinking.budget_tokens", matches!(chat.reasoning, Some(Reasoning::Budget(_)))),
        ("messages.thinking", hidden.next().is_some()),
        ("messages.is_error", chat.messages.iter().any(failed)),
    ];
    lost.into_iter().filter(|(_, lost)| *lost).try_for_each(|(name, _)| losses.setting(name))
}

#[derive(Serialize)]
struct Body<'a> {
    model: &'a str,
    messages: Vec<Out<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tools: Vec<OutTool<'a>>,
    stream: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    format: Option<OutFormat<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    think: Option<Think>,
    #[serde(skip_serializing_if = "Option::is_none")]
    options: Option<Options<'a>>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum OutFormat<'a> {
    Word(&'static str),
    Schema(&'a RawValue),
}

#[derive(Serialize)]
#[serde(untagged)]
enum Think {
    Switch(bool),
    Word(&'static str),
}

#[derive(Serialize)]
struct OutTool<'a> {
    r#type: &'static str,
    function: OutFunction<'a>,
}

#[derive(Serialize)]
struct OutFunction<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parameters: Option<&'a RawValue>,
}

#[derive(Serialize)]
struct Options<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_p: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_k: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seed: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    stop: &'a [Cow<'a, str>],
    #[serde(skip_serializing_if = "Option::is_none")]
    presence_penalty: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    frequency_penalty: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    num_predict: Option<u64>,
}

fn options<'a>(from: &'a Sampling<'a>) -> Option<Options<'a>> {
    let numbers =
        [from.temperature, from.top_p, from.top_k, from.seed, from.presence_penalty, from.frequency_penalty];
    let set = numbers.iter().any(Option::is_some) || !from.stop.is_empty() || from.max_tokens.is_some();
    set.then_some(Options {
        temperature: from.temperature,
        top_p: from.top_p,
        top_k: from.top_k,
        seed: from.seed,
        stop: &from.stop,
        presence_penalty: from.presence_penalty,
        frequency_penalty: from.frequency_penalty,
        num_predict: from.max_tokens,
    })
}

fn format<'a>(from: &Format<'a>) -> Option<OutFormat<'a>> {
    match from {
        Format::Text => None,
        Format::Json => Some(OutFormat::Word("json")),
        Format::Schema { schema, .. } => Some(OutFormat::Schema(schema)),
    }
}

/// Ollama knows three efforts.
fn think(from: Reasoning) -> Think {
    match from {
        Reasoning::Off => Think::Switch(false),
        Reasoning::On | Reasoning::Budget(_) => Think::Switch(true),
        Reasoning::Effort(Effort::Minimal | Effort::Low) => Think::Word("low"),
        Reasoning::Effort(Effort::Medium) => Think::Word("medium"),
        Reasoning::Effort(Effort::High) => Think::Word("high"),
    }
}

fn tool<'a>(from: &'a Tool<'a>) -> OutTool<'a> {
    let Tool { name, description, parameters, .. } = from;
    let description = description.as_deref();
    OutTool { r#type: "function", function: OutFunction { name, description, parameters: *parameters } }
}
