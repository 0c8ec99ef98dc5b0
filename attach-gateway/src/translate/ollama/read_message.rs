use std::borrow::Cow;

use attach_core::Rejection;
use attach_core::json::Value;
use serde_json::value::RawValue;

use super::open_calls::OpenCalls;
use crate::translate::canonical::{Image, Losses, Message, Part, Said, ToolCall};
use crate::translate::fields::{each, place, raw, text};

/// Reads `messages`.
pub(super) fn read_messages(root: Value<'_>) -> Result<Vec<Message<'_>>, Rejection> {
    let known = each(root, "messages").flat_map(|message| each(message, "tool_calls")).filter_map(id);
    let mut calls = OpenCalls::new(known);
    each(root, "messages").map(|message| read_message(message, &mut calls)).collect()
}

/// A text and the pictures beside it.
pub(super) fn parts<'a>(text: Cow<'a, str>, holder: Value<'a>) -> Vec<Part<'a>> {
    let images = each(holder, "images").filter_map(Value::as_str);
    std::iter::once(Part::Text(text)).chain(images.map(|data| Part::Image(picture(data)))).collect()
}

fn read_message<'a>(message: Value<'a>, calls: &mut OpenCalls<'a>) -> Result<Message<'a>, Rejection> {
    let content = text(message, "content").unwrap_or_default();
    match text(message, "role").as_deref() {
        Some("system") => Ok(Message::System(content)),
        Some("user") => Ok(Message::User(parts(content, message))),
        Some("assistant") => Ok(Message::Assistant(said(content, message, calls)?)),
        Some("tool") => {
            let name = text(message, "tool_name").or_else(|| text(message, "name"));
            let id = text(message, "tool_call_id");
            let call_id = calls.close(id.as_deref(), name.as_deref()).ok_or_else(|| {
                Rejection::bad_request("invalid_request", "a tool result answers no earlier tool call")
                    .with_param(message.path())
            })?;
            Ok(Message::ToolResult { call_id, content: parts(content, message), is_error: false })
        }
        _ => Err(Rejection::bad_request(
            "invalid_request",
            "a message needs a role: system, user, assistant or tool",
        )
        .with_param(format!("{}.role", message.path()))),
    }
}

/// The dialect does not say what kind of image it is; the first bytes do.
fn picture(data: Cow<'_, str>) -> Image<'_> {
    let media_type = match data.as_bytes() {
        [b'/', b'9', b'j', ..] => "image/jpeg",
        [b'R', b'0', b'l', ..] => "image/gif",
        [b'U', b'k', b'l', ..] => "image/webp",
        _ => "image/png",
    };
    Image::Base64 { media_type: media_type.into(), data }
}

fn said<'a>(
    content: Cow<'a, str>,
    message: Value<'a>,
    open: &mut OpenCalls<'a>,
) -> Result<Vec<Said<'a>>, Rejection> {
    let thinking = text(message, "thinking").filter(|text| !text.is_empty());
    let thinking = thinking.map(|text| Said::Thinking { text, signature: None });
    let content = (!content.is_empty()).then_some(Said::Text(content));
    let mut said: Vec<_> = thinking.into_iter().chain(content).collect();
    for call in each(message, "tool_calls") {
        said.push(Said::Call(tool_call(call, open)?));
    }
    Ok(said)
}

fn tool_call<'a>(call: Value<'a>, open: &mut OpenCalls<'a>) -> Result<ToolCall<'a>, Rejection> {
    let unreadable = || Losses::content(&place(call));
    let function = call.get("function").ok_or_else(unreadable)?;
    let name = text(function, "name").ok_or_else(unreadable)?;
    let arguments = function.get("arguments").filter(|arguments| !arguments.is_null());
    // An object; some programs send the text of one, as OpenAI's do.
    let arguments = arguments
        .and_then(|value| value.as_str().or_else(|| raw(value).map(RawValue::get).map(Cow::Borrowed)));
    Ok(ToolCall { id: open.open(id(call), &name), name, arguments: arguments.unwrap_or("{}".into()) })
}

/// A call's own id.
fn id(call: Value<'_>) -> Option<Cow<'_, str>> {
    text(call, "id").filter(|id| !id.is_empty())
}
