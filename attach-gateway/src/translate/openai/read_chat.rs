use attach_core::json::Value;
use attach_core::{Call, Rejection};

use super::read_message::read_messages;
use super::read_settings::{format, reasoning, sampling, tool, tool_choice};
use crate::translate::canonical::{Chat, Losses};
use crate::translate::fields::{each, set};

/// Members that are translated, or that the translation has no need of; every other one is a loss.
const KNOWN: [&str; 22] = [
    "model",
    "messages",
    "stream",
    "stream_options",
    "tools",
    "tool_choice",
    "parallel_tool_calls",
    "response_format",
    "stop",
    "max_tokens",
    "max_completion_tokens",
    "n_predict",
    "temperature",
    "top_p",
    "top_k",
    "seed",
    "presence_penalty",
    "frequency_penalty",
    "reasoning_effort",
    "n",
    "modalities",
    "audio",
];

/// Members without which the answer would be one to another question. The first two are the older names of tools.
const CONTENT: [&str; 4] = ["functions", "function_call", "web_search_options", "audio"];

/// Reads the body of `POST /v1/chat/completions`.
///
/// # Errors
///
/// When it says something that no other dialect can express.
pub(crate) fn read_chat<'a>(
    root: Value<'a>,
    call: &Call,
    losses: &mut Losses,
) -> Result<Chat<'a>, Rejection> {
    refuse_content(root, call)?;
    note_losses(root, losses)?;
    Ok(Chat {
        messages: read_messages(root, losses)?,
        tools: each(root, "tools").map(tool).collect::<Result<_, _>>()?,
        tool_choice: tool_choice(root)?,
        parallel_tools: set(root, "parallel_tool_calls").and_then(Value::as_bool),
        stream: call.stream,
        format: format(root, losses)?,
        reasoning: reasoning(root, losses)?,
        sampling: sampling(root, call),
    })
}

fn refuse_content(root: Value<'_>, call: &Call) -> Result<(), Rejection> {
    if let Some(name) = CONTENT.into_iter().find(|name| set(root, name).is_some()) {
        return Err(Losses::content(name));
    }
    if call.choices > 1 {
        return Err(Losses::content("n"));
    }
    let spoken = |value: Value<'_>| value.as_str().is_some_and(|modality| modality != "text");
    if each(root, "modalities").any(spoken) {
        return Err(Losses::content("modalities"));
    }
    Ok(())
}

fn note_losses(root: Value<'_>, losses: &mut Losses) -> Result<(), Rejection> {
    let mut unknown =
        root.members().filter(|(name, value)| !KNOWN.contains(&&**name) && !says_nothing(name, *value));
    unknown.try_for_each(|(name, _)| losses.setting(&name))
}

/// Whether a member only states what holds without it.
fn says_nothing(name: &str, value: Value<'_>) -> bool {
    let usual = match name {
        "logprobs" | "store" => value.as_bool() == Some(false),
        "top_logprobs" => value.as_u64() == Some(0),
        _ => false,
    };
    usual || value.is_null() || matches!(value.raw(), b"{}" | b"[]")
}
