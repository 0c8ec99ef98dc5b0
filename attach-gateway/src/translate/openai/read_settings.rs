use attach_core::json::Value;
use attach_core::{Call, Rejection};

use crate::translate::canonical::{Effort, Format, Losses, Reasoning, Sampling, Tool, ToolChoice};
use crate::translate::fields::{place, raw, set, text, texts};

/// Only functions: tools that a provider runs, and custom ones, are in no other dialect.
pub(super) fn tool(from: Value<'_>) -> Result<Tool<'_>, Rejection> {
    let function = set(from, "function").and_then(|function| Some((text(function, "name")?, function)));
    let (name, function) = function.ok_or_else(|| Losses::content(&place(from)))?;
    Ok(Tool {
        name,
        description: text(function, "description"),
        parameters: set(function, "parameters").and_then(raw),
        strict: set(function, "strict").and_then(Value::as_bool),
    })
}

pub(super) fn tool_choice(root: Value<'_>) -> Result<Option<ToolChoice<'_>>, Rejection> {
    let Some(choice) = set(root, "tool_choice") else { return Ok(None) };
    let named = || text(choice.get("function")?, "name").map(ToolChoice::Named);
    let choice = match choice.as_str().as_deref() {
        Some("auto") => Some(ToolChoice::Auto),
        Some("none") => Some(ToolChoice::None),
        Some("required") => Some(ToolChoice::Required),
        Some(_) => None,
        None => named(),
    };
    choice.map(Some).ok_or_else(|| Losses::content("tool_choice"))
}

pub(super) fn format<'a>(root: Value<'a>, losses: &mut Losses) -> Result<Format<'a>, Rejection> {
    let Some(format) = set(root, "response_format") else { return Ok(Format::Text) };
    // llama.cpp and others take the schema without a name around it.
    let bare = set(format, "schema").and_then(raw);
    match text(format, "type").as_deref() {
        Some("text") => Ok(Format::Text),
        Some("json_object") => {
            Ok(bare.map_or(Format::Json, |schema| Format::Schema { name: None, schema, strict: None }))
        }
        Some("json_schema") => {
            let around = set(format, "json_schema").unwrap_or(format);
            if set(around, "description").is_some() {
                losses.setting("response_format.json_schema.description")?;
            }
            let schema = set(around, "schema").and_then(raw);
            Ok(Format::Schema {
                name: text(around, "name"),
                schema: schema.ok_or_else(|| Losses::content("response_format.json_schema"))?,
                strict: set(around, "strict").and_then(Value::as_bool),
            })
        }
        _ => Err(Losses::content("response_format")),
    }
}

pub(super) fn reasoning(root: Value<'_>, losses: &mut Losses) -> Result<Option<Reasoning>, Rejection> {
    let Some(word) = text(root, "reasoning_effort") else { return Ok(None) };
    let effort = effort(&word);
    if effort.is_none() {
        losses.setting("reasoning_effort")?;
    }
    Ok(effort)
}

/// What a word for an effort means; `None` if it is none of OpenAI's. `xhigh` is the most that any other dialect can be
/// asked for.
pub(in crate::translate) fn effort(word: &str) -> Option<Reasoning> {
    Some(Reasoning::Effort(match word {
        "none" => return Some(Reasoning::Off),
        "minimal" => Effort::Minimal,
        "low" => Effort::Low,
        "medium" => Effort::Medium,
        "high" | "xhigh" => Effort::High,
        _ => return None,
    }))
}

pub(super) fn sampling<'a>(root: Value<'a>, call: &Call) -> Sampling<'a> {
    let number = |name| set(root, name).and_then(raw);
    Sampling {
        temperature: number("temperature"),
        top_p: number("top_p"),
        top_k: number("top_k"),
        seed: number("seed"),
        presence_penalty: number("presence_penalty"),
        frequency_penalty: number("frequency_penalty"),
        stop: set(root, "stop").map(texts).unwrap_or_default(),
        max_tokens: call.output_cap,
    }
}
