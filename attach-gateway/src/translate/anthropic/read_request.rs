use std::borrow::Cow;
use std::collections::BTreeSet;

use attach_core::json::Value;
use attach_core::{Call, Rejection};
use serde_json::value::RawValue;

use crate::translate::canonical::{
    Chat, Effort, Format, Image, Losses, Message, Part, Reasoning, Said, Sampling, Tool, ToolCall, ToolChoice,
};
use crate::translate::fields::{each, place, raw, set, text};

/// Members that are translated, or that the translation has no need of; every other one is a loss.
const KNOWN: [&str; 14] = [
    "model",
    "messages",
    "system",
    "max_tokens",
    "stop_sequences",
    "temperature",
    "top_p",
    "top_k",
    "stream",
    "tools",
    "tool_choice",
    "thinking",
    "output_config",
    "output_format",
];

/// What of a tool is a loss, where it is said.
const LOST_OF_TOOLS: [(&str, &str); 4] = [
    ("defer_loading", "tools.defer_loading"),
    ("input_examples", "tools.input_examples"),
    ("allowed_callers", "tools.allowed_callers"),
    ("eager_input_streaming", "tools.eager_input_streaming"),
];

/// Reads the body of `POST /v1/messages`.
pub(crate) fn read_chat<'a>(
    root: Value<'a>,
    call: &Call,
    losses: &mut Losses,
) -> Result<Chat<'a>, Rejection> {
    let mut reader = Reader::default();
    let mut messages = Vec::new();
    if let Some(system) = root.get("system") {
        let text = reader.instructions(system)?;
        messages.extend((!text.is_empty()).then_some(Message::System(text)));
    }
    for message in each(root, "messages") {
        reader.message(message, &mut messages)?;
    }
    let tools = each(root, "tools").map(|tool| reader.tool(tool)).collect::<Result<_, _>>()?;
    reader.note_losses(root, losses)?;
    let choice = root.get("tool_choice").filter(|choice| !choice.is_null());
    let one_tool = choice.and_then(|choice| choice.get("disable_parallel_tool_use")).and_then(Value::as_bool);
    Ok(Chat {
        messages,
        tools,
        tool_choice: choice.map(tool_choice).transpose()?,
        parallel_tools: one_tool.map(|one| !one),
        stream: call.stream,
        format: format(root)?,
        reasoning: reasoning(root, losses)?,
        sampling: sampling(root, call)?,
    })
}

/// Reads messages and tools, and notices what is lost of them.
#[derive(Debug, Default)]
struct Reader {
    lost: BTreeSet<&'static str>,
}

impl Reader {
    /// What is set, is not known, and hence not said to the upstream.
    fn note_losses(&self, root: Value<'_>, losses: &mut Losses) -> Result<(), Rejection> {
        for (name, value) in
            root.members().filter(|(name, value)| !KNOWN.contains(&&**name) && !value.is_null())
        {
            // The one is a place with files, the other are tools: the answer would be one to another question.
            if matches!(&*name, "container" | "mcp_servers") && value.raw() != b"[]" {
                return Err(Losses::content(&name));
            }
            if name != "cache_control" || !self.lost.contains("cache_control") {
                losses.setting(&name)?;
            }
        }
        self.lost.iter().try_for_each(|name| losses.setting(name))
    }

    fn mark(&mut self, holder: Value<'_>) {
        if set(holder, "cache_control").is_some() {
            self.lost.insert("cache_control");
        }
    }

    /// A text, or blocks of it: one text, as many servers take instructions only once.
    fn instructions<'a>(&mut self, from: Value<'a>) -> Result<Cow<'a, str>, Rejection> {
        if let Some(text) = from.as_str() {
            return Ok(text);
        }
        let mut texts = Vec::new();
        for block in from.elements() {
            self.mark(block);
            match text(block, "type").as_deref() {
                Some("text") => texts.extend(text(block, "text")),
                _ => return Err(inexpressible(block)),
            }
        }
        Ok(match <[Cow<'a, str>; 1]>::try_from(texts) {
            Ok([one]) => one,
            Err(texts) => texts.join("\n\n").into(),
        })
    }

    fn message<'a>(&mut self, message: Value<'a>, out: &mut Vec<Message<'a>>) -> Result<(), Rejection> {
        let content = message.get("content").filter(|content| !content.is_null());
        let content = content.ok_or_else(|| invalid("a message needs content", message))?;
        match text(message, "role").as_deref() {
            Some("user") => self.user(content, out),
            Some("assistant") => self.assistant(content, out),
            Some("system") => {
                out.push(Message::System(self.instructions(content)?));
                Ok(())
            }
            _ => Err(invalid("a message needs a role: user or assistant", message)),
        }
    }

    /// What tools answered comes first, as it does in the dialect.
    fn user<'a>(&mut self, content: Value<'a>, out: &mut Vec<Message<'a>>) -> Result<(), Rejection> {
        let mut parts: Vec<_> = content.as_str().map(Part::Text).into_iter().collect();
        for block in content.elements() {
            if text(block, "type").as_deref() == Some("tool_result") {
                out.push(self.tool_result(block)?);
            } else {
                parts.push(self.part(block)?);
            }
        }
        out.extend((!parts.is_empty()).then_some(Message::User(parts)));
        Ok(())
    }

    fn part<'a>(&mut self, block: Value<'a>) -> Result<Part<'a>, Rejection> {
        self.mark(block);
        match text(block, "type").as_deref() {
            Some("text") => {
                text(block, "text").map(Part::Text).ok_or_else(|| invalid("`text` is missing", block))
            }
            Some("image") => {
                block.get("source").and_then(image).map(Part::Image).ok_or_else(|| inexpressible(block))
            }
            _ => Err(inexpressible(block)),
        }
    }

    fn tool_result<'a>(&mut self, block: Value<'a>) -> Result<Message<'a>, Rejection> {
        self.mark(block);
        let content = block.get("content");
        let whole = content.and_then(Value::as_str).map(|text| Ok(Part::Text(text)));
        let blocks = content.iter().flat_map(|content| content.elements()).map(|block| self.part(block));
        Ok(Message::ToolResult {
            content: whole.into_iter().chain(blocks).collect::<Result<_, _>>()?,
            call_id: text(block, "tool_use_id").ok_or_else(|| invalid("`tool_use_id` is missing", block))?,
            is_error: block.get("is_error").and_then(Value::as_bool).unwrap_or_default(),
        })
    }

    fn assistant<'a>(&mut self, content: Value<'a>, out: &mut Vec<Message<'a>>) -> Result<(), Rejection> {
        let whole = content.as_str().map(|text| Ok(Said::Text(text)));
        let blocks = content.elements().map(|block| self.said(block));
        let said: Vec<_> = whole.into_iter().chain(blocks).collect::<Result<_, _>>()?;
        out.extend((!said.is_empty()).then_some(Message::Assistant(said)));
        Ok(())
    }

    fn said<'a>(&mut self, block: Value<'a>) -> Result<Said<'a>, Rejection> {
        self.mark(block);
        let member =
            |key| text(block, key).ok_or_else(|| invalid("a member of this block is missing", block));
        Ok(match text(block, "type").as_deref() {
            Some("text") => Said::Text(member("text")?),
            Some("thinking") => Said::Thinking {
                text: member("thinking")?,
                signature: text(block, "signature").filter(|signature| !signature.is_empty()),
            },
            Some("redacted_thinking") => Said::RedactedThinking(member("data")?),
            Some("tool_use") => Said::Call(ToolCall {
                id: member("id")?,
                name: member("name")?,
                arguments: block.get("input").and_then(raw).map_or("{}", RawValue::get).into(),
            }),
            _ => return Err(inexpressible(block)),
        })
    }

    /// Tools that the provider runs have a type of their own and cannot be run elsewhere.
    fn tool<'a>(&mut self, from: Value<'a>) -> Result<Tool<'a>, Rejection> {
        self.mark(from);
        if text(from, "type").is_some_and(|kind| kind != "custom") {
            return Err(inexpressible(from));
        }
        for (key, name) in LOST_OF_TOOLS {
            if set(from, key).is_some_and(|value| value.as_bool() != Some(false)) {
                self.lost.insert(name);
            }
        }
        Ok(Tool {
            name: text(from, "name").ok_or_else(|| invalid("`name` is missing", from))?,
            description: text(from, "description"),
            parameters: from.get("input_schema").and_then(raw),
            strict: from.get("strict").and_then(Value::as_bool),
        })
    }
}

/// An image in the request, or one to be fetched; a file that the provider keeps is neither.
fn image(source: Value<'_>) -> Option<Image<'_>> {
    match text(source, "type").as_deref() {
        Some("base64") => {
            Some(Image::Base64 { media_type: text(source, "media_type")?, data: text(source, "data")? })
        }
        Some("url") => text(source, "url").map(Image::Url),
        _ => None,
    }
}

fn tool_choice(from: Value<'_>) -> Result<ToolChoice<'_>, Rejection> {
    match (text(from, "type").as_deref(), text(from, "name")) {
        (Some("auto"), _) => Ok(ToolChoice::Auto),
        (Some("any"), _) => Ok(ToolChoice::Required),
        (Some("none"), _) => Ok(ToolChoice::None),
        (Some("tool"), Some(name)) => Ok(ToolChoice::Named(name)),
        _ => Err(inexpressible(from)),
    }
}

/// A budget says more than an effort, and an effort more than that there is to be thought at all.
fn reasoning(root: Value<'_>, losses: &mut Losses) -> Result<Option<Reasoning>, Rejection> {
    let config = root.get("output_config");
    let asked = config.and_then(|config| text(config, "effort"));
    let effort = match asked.as_deref() {
        Some("low") => Some(Effort::Low),
        Some("medium") => Some(Effort::Medium),
        Some("high" | "xhigh" | "max") => Some(Effort::High),
        _ => None,
    };
    let thinking = root.get("thinking").filter(|thinking| !thinking.is_null());
    let (said, all) = match thinking.and_then(|thinking| text(thinking, "type")).as_deref() {
        Some("disabled") => (Some(Reasoning::Off), asked.is_none()),
        Some("enabled") => {
            let budget = thinking.and_then(|thinking| thinking.get("budget_tokens")).and_then(Value::as_u64);
            (Some(budget.map_or(Reasoning::On, Reasoning::Budget)), asked.is_none())
        }
        Some("adaptive") => (Some(effort.map_or(Reasoning::On, Reasoning::Effort)), true),
        _ => (effort.map(Reasoning::Effort), true),
    };
    if !all || !matches!(asked.as_deref(), None | Some("low" | "medium" | "high")) {
        losses.setting("output_config.effort")?;
    }
    let others = config.into_iter().flat_map(Value::members);
    for (name, _) in
        others.filter(|(name, value)| !["effort", "format"].contains(&&**name) && !value.is_null())
    {
        losses.setting(&format!("output_config.{name}"))?;
    }
    Ok(said)
}

/// `output_format` is what `output_config.format` was called before.
fn format(root: Value<'_>) -> Result<Format<'_>, Rejection> {
    let place = root.get("output_config").and_then(|config| config.get("format"));
    let place = place.or_else(|| root.get("output_format")).filter(|format| !format.is_null());
    let Some(format) = place else { return Ok(Format::Text) };
    match (text(format, "type").as_deref(), format.get("schema").and_then(raw)) {
        (Some("json_schema"), Some(schema)) => Ok(Format::Schema { name: None, schema, strict: Some(true) }),
        _ => Err(inexpressible(format)),
    }
}

fn sampling<'a>(root: Value<'a>, call: &Call) -> Result<Sampling<'a>, Rejection> {
    if call.output_cap.is_none() {
        let message = "`max_tokens` is missing: this API requires it";
        return Err(Rejection::bad_request("invalid_request", message).with_param("$.max_tokens"));
    }
    let number = |name| root.get(name).filter(|value| !value.is_null()).and_then(raw);
    Ok(Sampling {
        temperature: number("temperature"),
        top_p: number("top_p"),
        top_k: number("top_k"),
        stop: each(root, "stop_sequences").filter_map(Value::as_str).collect(),
        max_tokens: call.output_cap,
        ..Sampling::default()
    })
}

fn inexpressible(value: Value<'_>) -> Rejection {
    Losses::content(&place(value))
}

fn invalid(message: &'static str, value: Value<'_>) -> Rejection {
    Rejection::bad_request("invalid_request", message).with_param(value.path())
}
