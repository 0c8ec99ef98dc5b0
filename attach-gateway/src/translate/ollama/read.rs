use attach_core::json::{Kind, Value};
use attach_core::{Call, Rejection};

use super::read_message::{parts, read_messages};
use crate::translate::canonical::{Chat, Effort, Embed, Format, Losses, Message, Reasoning, Sampling, Tool};
use crate::translate::fields::{each, place, raw, set, text, texts};

/// Members that are translated, or that the translation has no need of; every other one is a loss.
const CHAT: [&str; 8] = ["model", "messages", "prompt", "tools", "format", "options", "stream", "think"];
const GENERATE: [&str; 12] = [
    "model", "prompt", "system", "images", "format", "options", "stream", "think", "suffix", "template",
    "context", "raw",
];
const EMBED: [&str; 5] = ["model", "input", "prompt", "dimensions", "truncate"];
const OPTIONS: [&str; 8] =
    ["temperature", "top_p", "top_k", "seed", "stop", "presence_penalty", "frequency_penalty", "num_predict"];

/// Reads the body of `POST /api/chat`.
///
/// # Errors
///
/// When it says something that no other dialect can express.
pub(crate) fn read_chat<'a>(
    root: Value<'a>,
    call: &Call,
    losses: &mut Losses,
) -> Result<Chat<'a>, Rejection> {
    let messages = read_messages(root)?;
    let tools = each(root, "tools").map(tool).collect::<Result<_, _>>()?;
    let chat = common(root, call, losses)?;
    note_losses(root, &CHAT, losses)?;
    Ok(Chat { messages, tools, ..chat })
}

/// Reads the body of `POST /api/generate` as a conversation of one question.
///
/// # Errors
///
/// When it says something that no other dialect can express.
pub(crate) fn read_generate<'a>(
    root: Value<'a>,
    call: &Call,
    losses: &mut Losses,
) -> Result<Chat<'a>, Rejection> {
    for field in ["suffix", "template", "context", "raw"] {
        let used = |value: &Value<'_>| !value.is_null() && value.as_bool() != Some(false);
        if root.get(field).as_ref().is_some_and(used) {
            return Err(Losses::content(field));
        }
    }
    let mut chat = common(root, call, losses)?;
    note_losses(root, &GENERATE, losses)?;
    if let Some(system) = text(root, "system").filter(|system| !system.is_empty()) {
        chat.messages.push(Message::System(system));
    }
    chat.messages.push(Message::User(parts(text(root, "prompt").unwrap_or_default(), root)));
    Ok(chat)
}

/// Reads the body of `POST /api/embed`.
///
/// # Errors
///
/// When there is no input.
pub(crate) fn read_embed<'a>(root: Value<'a>, losses: &mut Losses) -> Result<Embed<'a>, Rejection> {
    note_losses(root, &EMBED, losses)?;
    // Every other server refuses what is too long, which is what `false` asks for.
    if set(root, "truncate").and_then(Value::as_bool) == Some(true) {
        losses.setting("truncate")?;
    }
    let input = root.get("input").or_else(|| root.get("prompt")).and_then(raw).ok_or_else(|| {
        Rejection::bad_request("invalid_request", "`input` is missing").with_param("$.input")
    })?;
    Ok(Embed { input, dimensions: set(root, "dimensions").and_then(raw) })
}

fn common<'a>(root: Value<'a>, call: &Call, losses: &mut Losses) -> Result<Chat<'a>, Rejection> {
    Ok(Chat {
        stream: call.stream,
        format: format(root)?,
        reasoning: think(root, losses)?,
        sampling: sampling(root.get("options"), call),
        ..Chat::default()
    })
}

/// What is set, is not `known`, and hence not said to the upstream.
fn note_losses(root: Value<'_>, known: &[&str], losses: &mut Losses) -> Result<(), Rejection> {
    let mut note = |prefix: &str, holder: Value<'_>, known: &[&str]| {
        let mut unknown =
            holder.members().filter(|(name, value)| !known.contains(&&**name) && !value.is_null());
        unknown.try_for_each(|(name, _)| losses.setting(&format!("{prefix}{name}")))
    };
    note("", root, known)?;
    root.get("options").map_or(Ok(()), |options| note("options.", options, &OPTIONS))
}

fn format(root: Value<'_>) -> Result<Format<'_>, Rejection> {
    let Some(format) = root.get("format") else { return Ok(Format::Text) };
    match (format.kind(), format.as_str().as_deref()) {
        (Kind::Null, _) | (_, Some("")) => Ok(Format::Text),
        (_, Some("json")) => Ok(Format::Json),
        (Kind::Object, _) => {
            Ok(raw(format).map_or(Format::Json, |schema| Format::Schema { name: None, schema, strict: None }))
        }
        _ => Err(Losses::content("format")),
    }
}

fn think(root: Value<'_>, losses: &mut Losses) -> Result<Option<Reasoning>, Rejection> {
    let Some(think) = set(root, "think") else { return Ok(None) };
    Ok(Some(match (think.as_bool(), think.as_str().as_deref()) {
        (Some(false), _) => Reasoning::Off,
        (Some(true), _) => Reasoning::On,
        (_, Some("low")) => Reasoning::Effort(Effort::Low),
        (_, Some("medium")) => Reasoning::Effort(Effort::Medium),
        (_, Some("high")) => Reasoning::Effort(Effort::High),
        _ => {
            losses.setting("think")?;
            return Ok(None);
        }
    }))
}

fn sampling<'a>(options: Option<Value<'a>>, call: &Call) -> Sampling<'a> {
    let option = |name| set(options?, name).and_then(raw);
    Sampling {
        temperature: option("temperature"),
        top_p: option("top_p"),
        seed: option("seed"),
        stop: options.and_then(|options| options.get("stop")).map(texts).unwrap_or_default(),
        top_k: option("top_k"),
        presence_penalty: option("presence_penalty"),
        frequency_penalty: option("frequency_penalty"),
        max_tokens: call.output_cap,
    }
}

fn tool(from: Value<'_>) -> Result<Tool<'_>, Rejection> {
    let function = set(from, "function").and_then(|function| Some((text(function, "name")?, function)));
    let (name, function) = function.ok_or_else(|| Losses::content(&place(from)))?;
    Ok(Tool {
        name,
        description: text(function, "description"),
        parameters: set(function, "parameters").and_then(raw),
        strict: None,
    })
}
