use std::borrow::Cow;

use attach_core::Rejection;
use attach_core::json::{Kind, Value};
use serde_json::value::RawValue;

use crate::translate::canonical::{Image, Losses, Message, Part, Said, ToolCall};
use crate::translate::fields::{each, place, raw, set, text};

/// Reads `messages`. An instruction of several parts becomes as many instructions.
pub(super) fn read_messages<'a>(root: Value<'a>, losses: &mut Losses) -> Result<Vec<Message<'a>>, Rejection> {
    let mut messages = Vec::new();
    for message in each(root, "messages") {
        if set(message, "name").is_some() {
            losses.setting("messages.name")?;
        }
        match text(message, "role").as_deref() {
            Some("system" | "developer") => {
                let instructions = parts(message, losses)?.into_iter();
                let instructions = instructions.map(|part| match part {
                    Part::Text(text) => Ok(Message::System(text)),
                    Part::Image(_) => Err(Losses::content(&format!("{}.content", place(message)))),
                });
                messages.extend(instructions.collect::<Result<Vec<_>, _>>()?);
            }
            Some("user") => messages.push(Message::User(parts(message, losses)?)),
            Some("assistant") => messages.push(Message::Assistant(said(message)?)),
            Some("tool") => messages.push(result(message, losses)?),
            // The older shape of a tool's result names no call.
            Some("function") => return Err(Losses::content(&place(message))),
            _ => return Err(wrong(message, "role", "system, developer, user, assistant or tool")),
        }
    }
    Ok(messages)
}

fn wrong(message: Value<'_>, field: &str, wanted: &str) -> Rejection {
    let text = format!("a message needs a `{field}`: {wanted}");
    Rejection::bad_request("invalid_request", text).with_param(format!("{}.{field}", message.path()))
}

fn result<'a>(message: Value<'a>, losses: &mut Losses) -> Result<Message<'a>, Rejection> {
    let call_id = text(message, "tool_call_id");
    let call_id = call_id.ok_or_else(|| wrong(message, "tool_call_id", "the id of the call it answers"))?;
    Ok(Message::ToolResult { call_id, content: parts(message, losses)?, is_error: false })
}

/// The content of a message: a text, or a list of parts.
fn parts<'a>(message: Value<'a>, losses: &mut Losses) -> Result<Vec<Part<'a>>, Rejection> {
    let Some(content) = set(message, "content") else { return Ok(vec![Part::Text("".into())]) };
    if let Some(text) = content.as_str() {
        return Ok(vec![Part::Text(text)]);
    }
    content.elements().map(|from| part(from, losses)).collect()
}

fn part<'a>(from: Value<'a>, losses: &mut Losses) -> Result<Part<'a>, Rejection> {
    let kind = text(from, "type");
    let refused = || Losses::content(&format!("{}.{}", place(from), kind.as_deref().unwrap_or("type")));
    match kind.as_deref() {
        Some("text") => text(from, "text").map(Part::Text).ok_or_else(refused),
        Some("image_url") => {
            let image = set(from, "image_url").ok_or_else(refused)?;
            if text(image, "detail").is_some_and(|detail| detail != "auto") {
                losses.setting("image_url.detail")?;
            }
            let url = image.as_str().or_else(|| text(image, "url"));
            url.and_then(picture).map(Part::Image).ok_or_else(refused)
        }
        _ => Err(refused()),
    }
}

/// A picture in the URL itself (RFC 2397), or where to get it; `None` for any other URL.
pub(in crate::translate) fn picture(url: Cow<'_, str>) -> Option<Image<'_>> {
    let (scheme, rest) = url.split_once(':')?;
    if scheme.eq_ignore_ascii_case("https") || scheme.eq_ignore_ascii_case("http") {
        return Some(Image::Url(url));
    }
    let (kind, data) = rest.split_once(',').filter(|_| scheme.eq_ignore_ascii_case("data"))?;
    let media_type = kind.strip_suffix(";base64")?.split(';').next()?;
    let media_type = if media_type.is_empty() { "image/png" } else { media_type }.to_owned();
    let at = url.len() - data.len();
    let data = match url {
        Cow::Borrowed(url) => Cow::Borrowed(url.get(at..)?),
        Cow::Owned(mut url) => Cow::Owned(url.split_off(at)),
    };
    Some(Image::Base64 { media_type: media_type.into(), data })
}

fn said(message: Value<'_>) -> Result<Vec<Said<'_>>, Rejection> {
    for field in ["audio", "function_call"] {
        if set(message, field).is_some() {
            return Err(Losses::content(&format!("{}.{field}", place(message))));
        }
    }
    let thought = |name| text(message, name).filter(|text| !text.is_empty());
    let thought = thought("reasoning_content").or_else(|| thought("reasoning"));
    let mut said: Vec<_> = thought.map(|text| Said::Thinking { text, signature: None }).into_iter().collect();
    let mut texts = spoken(message)?;
    texts.extend(text(message, "refusal"));
    said.extend(texts.into_iter().filter(|text| !text.is_empty()).map(Said::Text));
    for call in each(message, "tool_calls") {
        said.push(Said::Call(tool_call(call)?));
    }
    Ok(said)
}

/// What a model said or refused to say.
fn spoken(message: Value<'_>) -> Result<Vec<Cow<'_, str>>, Rejection> {
    let Some(content) = set(message, "content") else { return Ok(Vec::new()) };
    if let Some(text) = content.as_str() {
        return Ok(vec![text]);
    }
    let part = |part| text(part, "text").or_else(|| text(part, "refusal"));
    content.elements().map(|from| part(from).ok_or_else(|| Losses::content(&place(from)))).collect()
}

fn tool_call(from: Value<'_>) -> Result<ToolCall<'_>, Rejection> {
    let read = || {
        let function = set(from, "function")?;
        Some(ToolCall {
            id: text(from, "id")?,
            name: text(function, "name")?,
            arguments: set(function, "arguments").map_or(Some("{}".into()), arguments)?,
        })
    };
    read().ok_or_else(|| Losses::content(&place(from)))
}

/// A text of JSON; some programs send the JSON itself.
pub(in crate::translate) fn arguments(value: Value<'_>) -> Option<Cow<'_, str>> {
    match value.kind() {
        Kind::String => value.as_str(),
        _ => raw(value).map(RawValue::get).map(Cow::Borrowed),
    }
}
