use std::collections::HashSet;

use attach_core::Rejection;
use attach_core::json::Value;

use crate::translate::canonical::{Format, Losses, Reasoning, Tool, ToolChoice};
use crate::translate::fields::{each, place, raw, set, text};
use crate::translate::openai;

/// Members of a tool that are translated.
const OF_TOOL: [&str; 5] = ["type", "name", "description", "parameters", "strict"];

/// What an answer may hold besides, and does if it is asked for.
pub(super) const SEALED: &str = "reasoning.encrypted_content";

/// The tools, and which of them may be used. Those that a choice does not allow are left out, which is the same.
pub(super) fn tools<'a>(
    root: Value<'a>,
    losses: &mut Losses,
) -> Result<(Vec<Tool<'a>>, Option<ToolChoice<'a>>), Rejection> {
    let mut tools = Vec::new();
    for from in each(root, "tools") {
        tools.push(tool(from, losses)?);
    }
    let Some(choice) = set(root, "tool_choice") else { return Ok((tools, None)) };
    let refused = || Losses::content("tool_choice");
    if let Some(word) = choice.as_str() {
        return Ok((tools, Some(mode(&word).ok_or_else(refused)?)));
    }
    match text(choice, "type").as_deref() {
        Some("function") => {
            let name = text(choice, "name").ok_or_else(refused)?;
            Ok((tools, Some(ToolChoice::Named(name))))
        }
        Some("allowed_tools") => {
            let allowed = each(choice, "tools").map(|tool| {
                let is_function = text(tool, "type").as_deref() == Some("function");
                text(tool, "name").filter(|_| is_function).ok_or_else(|| Losses::content(&place(tool)))
            });
            let allowed: HashSet<_> = allowed.collect::<Result<_, _>>()?;
            tools.retain(|tool| allowed.contains(&tool.name));
            let mode = text(choice, "mode").and_then(|word| mode(&word)).ok_or_else(refused)?;
            Ok((tools, Some(mode)))
        }
        _ => Err(refused()),
    }
}

fn mode(word: &str) -> Option<ToolChoice<'static>> {
    match word {
        "auto" => Some(ToolChoice::Auto),
        "none" => Some(ToolChoice::None),
        "required" => Some(ToolChoice::Required),
        _ => None,
    }
}

/// Only functions: tools that the provider runs, and custom ones, are in no other dialect.
fn tool<'a>(from: Value<'a>, losses: &mut Losses) -> Result<Tool<'a>, Rejection> {
    if text(from, "type").as_deref() != Some("function") {
        return Err(Losses::content(&place(from)));
    }
    let name = text(from, "name").filter(|name| !name.is_empty());
    let name = name.ok_or_else(|| {
        Rejection::bad_request(
            "invalid_request",
            "a function needs a `name`; in this API it stands in the tool",
        )
        .with_param(format!("{}.name", from.path()))
    })?;
    for (member, value) in from.members() {
        if !OF_TOOL.contains(&&*member) && !value.is_null() && value.as_bool() != Some(false) {
            losses.setting(&format!("tools.{member}"))?;
        }
    }
    Ok(Tool {
        name,
        description: text(from, "description"),
        parameters: set(from, "parameters").and_then(raw),
        strict: set(from, "strict").and_then(Value::as_bool),
    })
}

/// `text`: the shape of the answer, and how much is to be said, for which others have no word.
pub(super) fn format<'a>(root: Value<'a>, losses: &mut Losses) -> Result<Format<'a>, Rejection> {
    let Some(around) = set(root, "text") else { return Ok(Format::Text) };
    for (member, value) in around.members() {
        let usual = member == "verbosity" && value.as_str().as_deref() == Some("medium");
        if member != "format" && !usual && !value.is_null() {
            losses.setting(&format!("text.{member}"))?;
        }
    }
    let Some(format) = set(around, "format") else { return Ok(Format::Text) };
    match text(format, "type").as_deref() {
        Some("text") => Ok(Format::Text),
        Some("json_object") => Ok(Format::Json),
        Some("json_schema") => {
            if set(format, "description").is_some() {
                losses.setting("text.format.description")?;
            }
            Ok(Format::Schema {
                name: text(format, "name"),
                schema: set(format, "schema")
                    .and_then(raw)
                    .ok_or_else(|| Losses::content("text.format.schema"))?,
                strict: set(format, "strict").and_then(Value::as_bool),
            })
        }
        _ => Err(Losses::content("text.format")),
    }
}

/// Whatever a server shows of its thoughts is in the answer as a summary: to ask for one needs no word.
pub(super) fn reasoning(root: Value<'_>, losses: &mut Losses) -> Result<Option<Reasoning>, Rejection> {
    let Some(around) = set(root, "reasoning") else { return Ok(None) };
    for (member, value) in around.members() {
        if !["effort", "summary", "generate_summary"].contains(&&*member) && !value.is_null() {
            losses.setting(&format!("reasoning.{member}"))?;
        }
    }
    let Some(word) = text(around, "effort") else { return Ok(None) };
    let effort = openai::effort(&word);
    if effort.is_none() {
        losses.setting("reasoning.effort")?;
    }
    Ok(effort)
}

/// What is asked for besides: of the names, one means something without tools that the provider runs.
pub(super) fn include(root: Value<'_>, losses: &mut Losses) -> Result<(), Rejection> {
    let mut names = each(root, "include").filter_map(Value::as_str);
    if names.any(|name| name != SEALED) { losses.setting("include") } else { Ok(()) }
}
