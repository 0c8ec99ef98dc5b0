use std::borrow::Cow;

use attach_core::json::{Kind, Value};
use attach_core::{Call, Rejection};
use serde_json::value::RawValue;

use crate::translate::canonical::{Chat, Embed, Format, Message, Part, Sampling, ToolCall};

/// Members that are translated, or that the translation has no need of; every other one is reported as dropped.
const CHAT: [&str; 7] = ["model", "messages", "prompt", "tools", "format", "options", "stream"];
const GENERATE: [&str; 11] = [
    "model", "prompt", "system", "images", "format", "options", "stream", "suffix", "template", "context",
    "raw",
];
const EMBED: [&str; 4] = ["model", "input", "prompt", "dimensions"];
const OPTIONS: [&str; 7] =
    ["temperature", "top_p", "seed", "stop", "presence_penalty", "frequency_penalty", "num_predict"];

/// Reads the body of `POST /api/chat`.
pub(crate) fn read_chat<'a>(
    root: Value<'a>,
    call: &Call,
    dropped: &mut Vec<String>,
) -> Result<Chat<'a>, Rejection> {
    let mut messages = Vec::new();
    let mut calls = OpenCalls::default();
    for message in root.get("messages").iter().flat_map(|messages| messages.elements()) {
        messages.push(read_message(message, &mut calls)?);
    }
    let mut chat = common(root, call)?;
    note_dropped(root, &CHAT, dropped);
    chat.messages = messages;
    chat.tools = root.get("tools").filter(|tools| tools.kind() == Kind::Array).and_then(raw);
    Ok(chat)
}

/// Reads the body of `POST /api/generate` as a conversation of one question.
pub(crate) fn read_generate<'a>(
    root: Value<'a>,
    call: &Call,
    dropped: &mut Vec<String>,
) -> Result<Chat<'a>, Rejection> {
    for field in ["suffix", "template", "context", "raw"] {
        let used = |value: &Value<'_>| !value.is_null() && value.as_bool() != Some(false);
        if root.get(field).as_ref().is_some_and(used) {
            return Err(inexpressible(field));
        }
    }
    let mut chat = common(root, call)?;
    note_dropped(root, &GENERATE, dropped);
    if let Some(system) = text(root, "system").filter(|system| !system.is_empty()) {
        chat.messages.push(Message::System(system));
    }
    chat.messages.push(Message::User(parts(text(root, "prompt").unwrap_or_default(), root)));
    Ok(chat)
}

/// Reads the body of `POST /api/embed`.
pub(crate) fn read_embed<'a>(root: Value<'a>, dropped: &mut Vec<String>) -> Result<Embed<'a>, Rejection> {
    note_dropped(root, &EMBED, dropped);
    let input = root.get("input").or_else(|| root.get("prompt")).and_then(raw).ok_or_else(|| {
        Rejection::bad_request("invalid_request", "`input` is missing").with_param("$.input")
    })?;
    Ok(Embed { input, dimensions: root.get("dimensions").filter(|value| !value.is_null()).and_then(raw) })
}

fn common<'a>(root: Value<'a>, call: &Call) -> Result<Chat<'a>, Rejection> {
    let sampling = sampling(root.get("options"), call);
    Ok(Chat { stream: call.stream, format: format(root)?, sampling, ..Chat::default() })
}

/// Notes what is set, is not `known`, and hence not said to the upstream. Names no header can hold are left out.
fn note_dropped(root: Value<'_>, known: &[&str], dropped: &mut Vec<String>) {
    let plain = |name: &str| {
        name.len() <= 32 && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    };
    let mut note = |prefix: &str, holder: Value<'_>, known: &[&str]| {
        for (name, value) in holder.members() {
            if !known.contains(&&*name) && plain(&name) && !value.is_null() && dropped.len() < 16 {
                dropped.push(format!("{prefix}{name}"));
            }
        }
    };
    note("", root, known);
    if let Some(options) = root.get("options") {
        note("options.", options, &OPTIONS);
    }
}

fn format(root: Value<'_>) -> Result<Format<'_>, Rejection> {
    let Some(format) = root.get("format") else { return Ok(Format::Text) };
    match (format.kind(), format.as_str().as_deref()) {
        (Kind::Null, _) | (_, Some("")) => Ok(Format::Text),
        (_, Some("json")) => Ok(Format::Json),
        (Kind::Object, _) => Ok(raw(format).map_or(Format::Json, Format::Schema)),
        _ => Err(inexpressible("format")),
    }
}

fn sampling<'a>(options: Option<Value<'a>>, call: &Call) -> Sampling<'a> {
    let option =
        |name| options.and_then(|options| options.get(name)).filter(|value| !value.is_null()).and_then(raw);
    Sampling {
        temperature: option("temperature"),
        top_p: option("top_p"),
        seed: option("seed"),
        stop: option("stop"),
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
        Some("assistant") => Ok(Message::Assistant { text: content, tool_calls: tool_calls(message, calls) }),
        Some("tool") => {
            let name = text(message, "tool_name").or_else(|| text(message, "name"));
            let call_id = calls.close(name.as_deref()).ok_or_else(|| {
                Rejection::bad_request("invalid_request", "a tool result answers no earlier tool call")
                    .with_param(message.path())
            })?;
            Ok(Message::ToolResult { call_id, text: content })
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
    std::iter::once(Part::Text(text)).chain(images.filter_map(Value::as_str).map(Part::Image)).collect()
}

fn tool_calls<'a>(message: Value<'a>, open: &mut OpenCalls) -> Vec<ToolCall<'a>> {
    let calls = message.get("tool_calls");
    let functions = calls.iter().flat_map(|calls| calls.elements()).filter_map(|call| call.get("function"));
    functions
        .filter_map(|function| {
            let name = text(function, "name")?;
            let arguments = function.get("arguments").and_then(raw).map_or("{}", RawValue::get);
            Some(ToolCall { id: open.open(&name), name, arguments: arguments.into() })
        })
        .collect()
}

fn text<'a>(holder: Value<'a>, key: &str) -> Option<Cow<'a, str>> {
    holder.get(key)?.as_str()
}

fn raw(value: Value<'_>) -> Option<&RawValue> {
    serde_json::from_slice(value.raw()).ok()
}

fn inexpressible(field: &'static str) -> Rejection {
    let message = format!("`{field}` cannot be translated for this model's server; leave it out");
    Rejection::bad_request("unsupported_field", message).with_param(format!("$.{field}"))
}
