use std::borrow::Cow;

use attach_core::json::{Kind, Value};
use attach_core::{Call, Rejection};
use serde_json::value::RawValue;

use crate::translate::canonical::{
    Chat, Embed, Format, Image, Losses, Message, Part, Said, Sampling, Tool, ToolCall,
};

/// Members that are translated, or that the translation has no need of; every other one is a loss.
const CHAT: [&str; 7] = ["model", "messages", "prompt", "tools", "format", "options", "stream"];
const GENERATE: [&str; 11] = [
    "model", "prompt", "system", "images", "format", "options", "stream", "suffix", "template", "context",
    "raw",
];
const EMBED: [&str; 4] = ["model", "input", "prompt", "dimensions"];
const OPTIONS: [&str; 8] =
    ["temperature", "top_p", "top_k", "seed", "stop", "presence_penalty", "frequency_penalty", "num_predict"];

/// Reads the body of `POST /api/chat`.
pub(crate) fn read_chat<'a>(
    root: Value<'a>,
    call: &Call,
    losses: &mut Losses,
) -> Result<Chat<'a>, Rejection> {
    let mut messages = Vec::new();
    let mut calls = OpenCalls::default();
    for message in root.get("messages").iter().flat_map(|messages| messages.elements()) {
        messages.push(read_message(message, &mut calls)?);
    }
    let mut chat = common(root, call)?;
    note_losses(root, &CHAT, losses)?;
    chat.messages = messages;
    chat.tools = root.get("tools").iter().flat_map(|tools| tools.elements()).filter_map(tool).collect();
    Ok(chat)
}

/// Reads the body of `POST /api/generate` as a conversation of one question.
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
    let mut chat = common(root, call)?;
    note_losses(root, &GENERATE, losses)?;
    if let Some(system) = text(root, "system").filter(|system| !system.is_empty()) {
        chat.messages.push(Message::System(system));
    }
    chat.messages.push(Message::User(parts(text(root, "prompt").unwrap_or_default(), root)));
    Ok(chat)
}

/// Reads the body of `POST /api/embed`.
pub(crate) fn read_embed<'a>(root: Value<'a>, losses: &mut Losses) -> Result<Embed<'a>, Rejection> {
    note_losses(root, &EMBED, losses)?;
    let input = root.get("input").or_else(|| root.get("prompt")).and_then(raw).ok_or_else(|| {
        Rejection::bad_request("invalid_request", "`input` is missing").with_param("$.input")
    })?;
    Ok(Embed { input, dimensions: root.get("dimensions").filter(|value| !value.is_null()).and_then(raw) })
}

fn common<'a>(root: Value<'a>, call: &Call) -> Result<Chat<'a>, Rejection> {
    let sampling = sampling(root.get("options"), call);
    Ok(Chat { stream: call.stream, format: format(root)?, sampling, ..Chat::default() })
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

fn sampling<'a>(options: Option<Value<'a>>, call: &Call) -> Sampling<'a> {
    let option =
        |name| options.and_then(|options| options.get(name)).filter(|value| !value.is_null()).and_then(raw);
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

/// Tool calls without an answer yet. Ollama's have no ids, so answers find their call by name, else by order.
#[derive(Default)]
struct OpenCalls {
    made: usize,
    open: Vec<(String, String)>,
}

impl OpenCalls {
    fn open(&mut self, name: &str) -> String {
        self.made += 1;
        let id = format!("call_{}", self.made);
        self.open.push((id.clone(), name.to_owned()));
        id
    }

    fn close(&mut self, name: Option<&str>) -> Option<String> {
        let place = self.open.iter().position(|(_, known)| name.is_none_or(|name| name == known))?;
        Some(self.open.remove(place).0)
    }
}

fn read_message<'a>(message: Value<'a>, calls: &mut OpenCalls) -> Result<Message<'a>, Rejection> {
    let content = text(message, "content").unwrap_or_default();
    match text(message, "role").as_deref() {
        Some("system") => Ok(Message::System(content)),
        Some("user") => Ok(Message::User(parts(content, message))),
        Some("assistant") => Ok(Message::Assistant(said(content, message, calls))),
        Some("tool") => {
            let name = text(message, "tool_name").or_else(|| text(message, "name"));
            let call_id = calls.close(name.as_deref()).ok_or_else(|| {
                Rejection::bad_request("invalid_request", "a tool result answers no earlier tool call")
                    .with_param(message.path())
            })?;
            Ok(Message::ToolResult {
                call_id: call_id.into(),
                content: vec![Part::Text(content)],
                is_error: false,
            })
        }
        _ => Err(Rejection::bad_request(
            "invalid_request",
            "a message needs a role: system, user, assistant or tool",
        )
        .with_param(format!("{}.role", message.path()))),
    }
}

fn parts<'a>(text: Cow<'a, str>, holder: Value<'a>) -> Vec<Part<'a>> {
    let images = holder.get("images");
    let images = images.iter().flat_map(|images| images.elements());
    let images = images.filter_map(Value::as_str).map(|data| Part::Image(picture(data)));
    std::iter::once(Part::Text(text)).chain(images).collect()
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

fn said<'a>(content: Cow<'a, str>, message: Value<'a>, open: &mut OpenCalls) -> Vec<Said<'a>> {
    let thinking = text(message, "thinking").filter(|text| !text.is_empty());
    let thinking = thinking.map(|text| Said::Thinking { text, signature: None });
    let content = (!content.is_empty()).then_some(Said::Text(content));
    let calls = tool_calls(message, open).into_iter().map(Said::Call);
    thinking.into_iter().chain(content).chain(calls).collect()
}

fn tool(from: Value<'_>) -> Option<Tool<'_>> {
    let function = from.get("function")?;
    Some(Tool {
        name: text(function, "name")?,
        description: text(function, "description"),
        parameters: function.get("parameters").and_then(raw),
        strict: None,
    })
}

/// A text, or a list of texts.
fn texts(value: Value<'_>) -> Vec<Cow<'_, str>> {
    match value.as_str() {
        Some(one) => vec![one],
        None => value.elements().filter_map(Value::as_str).collect(),
    }
}

fn tool_calls<'a>(message: Value<'a>, open: &mut OpenCalls) -> Vec<ToolCall<'a>> {
    let calls = message.get("tool_calls");
    let functions = calls.iter().flat_map(|calls| calls.elements()).filter_map(|call| call.get("function"));
    functions
        .filter_map(|function| {
            let name = text(function, "name")?;
            let arguments = function.get("arguments").and_then(raw).map_or("{}", RawValue::get);
            Some(ToolCall { id: open.open(&name).into(), name, arguments: arguments.into() })
        })
        .collect()
}

fn text<'a>(holder: Value<'a>, key: &str) -> Option<Cow<'a, str>> {
    holder.get(key)?.as_str()
}

fn raw(value: Value<'_>) -> Option<&RawValue> {
    serde_json::from_slice(value.raw()).ok()
}
