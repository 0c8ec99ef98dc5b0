use attach_core::json::Value;
use attach_core::{Call, Rejection};

use super::read_input::read_input;
use super::read_settings::{format, include, reasoning, tools};
use crate::translate::canonical::{Chat, Losses, Sampling};
use crate::translate::fields::{raw, set};

/// Members that are translated or said again in the answer, or that the translation has no need of; every other one is a
/// loss.
const KNOWN: [&str; 15] = [
    "model",
    "input",
    "instructions",
    "stream",
    "stream_options",
    "tools",
    "tool_choice",
    "parallel_tool_calls",
    "text",
    "reasoning",
    "include",
    "max_output_tokens",
    "temperature",
    "top_p",
    "metadata",
];

/// What refers to, or asks for, something that is kept: neither the gateway nor these servers keep anything.
const STATE: [&str; 5] = ["previous_response_id", "conversation", "prompt", "background", "store"];

/// Reads the body of `POST /v1/responses`.
///
/// # Errors
///
/// When it says something that no other dialect can express.
pub(crate) fn read_chat<'a>(
    root: Value<'a>,
    call: &Call,
    losses: &mut Losses,
) -> Result<Chat<'a>, Rejection> {
    let kept = |name: &&str| set(root, name).is_some_and(|value| value.as_bool() != Some(false));
    if let Some(name) = STATE.into_iter().find(kept) {
        return Err(Losses::content(name));
    }
    note_losses(root, losses)?;
    include(root, losses)?;
    let (tools, tool_choice) = tools(root, losses)?;
    let number = |name| set(root, name).and_then(raw);
    Ok(Chat {
        messages: read_input(root, losses)?,
        tools,
        tool_choice,
        parallel_tools: set(root, "parallel_tool_calls").and_then(Value::as_bool),
        stream: call.stream,
        format: format(root, losses)?,
        reasoning: reasoning(root, losses)?,
        sampling: Sampling {
            temperature: number("temperature"),
            top_p: number("top_p"),
            max_tokens: call.output_cap,
            ..Sampling::default()
        },
    })
}

fn note_losses(root: Value<'_>, losses: &mut Losses) -> Result<(), Rejection> {
    let mut unknown =
        root.members().filter(|(name, value)| !KNOWN.contains(&&**name) && !says_nothing(name, *value));
    unknown.try_for_each(|(name, _)| losses.setting(&name))
}

/// Whether a member only states what holds without it.
fn says_nothing(name: &str, value: Value<'_>) -> bool {
    let word = value.as_str();
    let usual = match name {
        "store" | "background" => value.as_bool() == Some(false),
        "top_logprobs" => value.as_u64() == Some(0),
        "truncation" => word.as_deref() == Some("disabled"),
        "service_tier" => matches!(word.as_deref(), Some("auto" | "default")),
        _ => false,
    };
    usual || value.is_null() || matches!(value.raw(), b"{}" | b"[]")
}
