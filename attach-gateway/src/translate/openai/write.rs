use std::borrow::Cow;

use attach_core::Rejection;
use bytes::Bytes;
use serde::Serialize;
use serde_json::value::RawValue;

use super::request::{
    ChatBody, Content, ImageUrl, NamedSchema, Out, OutCall, OutChoice, OutDefinition, OutFunction, OutName,
    OutPart, OutTool, ResponseFormat, StreamOptions,
};
use crate::translate::canonical::{
    Chat, Effort, Embed, Format, Image, Losses, Message, Part, Reasoning, Said, Tool, ToolCall, ToolChoice,
};

/// The body of `POST /v1/chat/completions`.
pub(crate) fn write_chat(chat: &Chat<'_>, model: &str, losses: &mut Losses) -> Result<Bytes, Rejection> {
    let sampling = &chat.sampling;
    note_losses(chat, losses)?;
    let newer = caps_completion(model);
    Ok(bytes_of(&ChatBody {
        model,
        messages: chat.messages.iter().map(message).collect(),
        tools: chat.tools.iter().map(tool).collect(),
        tool_choice: chat.tool_choice.as_ref().map(tool_choice),
        parallel_tool_calls: chat.parallel_tools,
        stream: chat.stream,
        stream_options: chat.stream.then_some(StreamOptions { include_usage: true }),
        response_format: response_format(&chat.format),
        reasoning_effort: chat.reasoning.map(effort),
        temperature: sampling.temperature,
        top_p: sampling.top_p,
        seed: sampling.seed,
        stop: &sampling.stop,
        presence_penalty: sampling.presence_penalty,
        frequency_penalty: sampling.frequency_penalty,
        max_tokens: sampling.max_tokens.filter(|_| !newer),
        max_completion_tokens: sampling.max_tokens.filter(|_| newer),
    }))
}

/// OpenAI's models that reason (`o3`, `gpt-5-mini`) refuse `max_tokens`; many other servers know nothing else.
fn caps_completion(model: &str) -> bool {
    let name = model.strip_prefix("openai/").unwrap_or(model);
    let number =
        |rest: &str| rest.split(|c: char| !c.is_ascii_digit()).next().and_then(|n| n.parse::<u32>().ok());
    let generation = name.strip_prefix("gpt-").and_then(number);
    generation.is_some_and(|generation| generation >= 5) || name.strip_prefix('o').and_then(number).is_some()
}

fn note_losses(chat: &Chat<'_>, losses: &mut Losses) -> Result<(), Rejection> {
    let said = chat.messages.iter().flat_map(|message| match message {
        Message::Assistant(said) => said.as_slice(),
        _ => &[],
    });
    let mut thoughts = said.filter(|said| matches!(said, Said::Thinking { .. } | Said::RedactedThinking(_)));
    let failed = |message: &Message<'_>| matches!(message, Message::ToolResult { is_error: true, .. });
    let lost = [
        ("top_k", chat.sampling.top_k.is_some()),
        ("thinking.budget_tokens", matches!(chat.reasoning, Some(Reasoning::Budget(_)))),
        ("messages.thinking", thoughts.next().is_some()),
        ("messages.is_error", chat.messages.iter().any(failed)),
    ];
    lost.into_iter().filter(|(_, lost)| *lost).try_for_each(|(name, _)| losses.setting(name))
}

/// A budget of tokens has no word: the nearest effort stands for it.
fn effort(reasoning: Reasoning) -> &'static str {
    match reasoning {
        Reasoning::Off => "none",
        Reasoning::Effort(Effort::Minimal) => "minimal",
        Reasoning::Effort(Effort::Low) | Reasoning::Budget(..=2048) => "low",
        Reasoning::On | Reasoning::Effort(Effort::Medium) | Reasoning::Budget(2049..=8192) => "medium",
        Reasoning::Effort(Effort::High) | Reasoning::Budget(_) => "high",
    }
}

fn tool_choice<'a>(choice: &'a ToolChoice<'a>) -> OutChoice<'a> {
    OutChoice::Word(match choice {
        ToolChoice::Auto => "auto",
        ToolChoice::None => "none",
        ToolChoice::Required => "required",
        ToolChoice::Named(name) => {
            return OutChoice::Named { r#type: "function", function: OutName { name } };
        }
    })
}

/// The body of `POST /v1/embeddings`.
pub(crate) fn write_embeddings(embed: &Embed<'_>, model: &str) -> Bytes {
    #[derive(Serialize)]
    struct Body<'a> {
        model: &'a str,
        input: &'a RawValue,
        encoding_format: &'static str,
        #[serde(skip_serializing_if = "Option::is_none")]
        dimensions: Option<&'a RawValue>,
    }
    let Embed { input, dimensions } = *embed;
    bytes_of(&Body { model, input, encoding_format: "float", dimensions })
}

/// Nothing that is written here has a map key that is not a string, the one thing that can fail.
fn bytes_of(body: &impl Serialize) -> Bytes {
    serde_json::to_vec(body).map(Bytes::from).unwrap_or_default()
}

fn message<'a>(from: &'a Message<'a>) -> Out<'a> {
    match from {
        Message::System(content) => Out::System { content },
        Message::User(parts) => Out::User { content: content(parts) },
        Message::Assistant(said) => assistant(said),
        Message::ToolResult { call_id, content: parts, .. } => {
            Out::Tool { tool_call_id: call_id, content: content(parts) }
        }
    }
}

fn content<'a>(parts: &'a [Part<'a>]) -> Content<'a> {
    if let [Part::Text(text)] = parts {
        return Content::Text(text);
    }
    let part = |part: &'a Part<'a>| match part {
        Part::Text(text) => OutPart::Text { text },
        Part::Image(image) => OutPart::ImageUrl { image_url: ImageUrl { url: url(image) } },
    };
    Content::Parts(parts.iter().map(part).collect())
}

fn url<'a>(image: &'a Image<'a>) -> Cow<'a, str> {
    match image {
        Image::Url(url) => Cow::Borrowed(url),
        Image::Base64 { media_type, data } => format!("data:{media_type};base64,{data}").into(),
    }
}

/// Thoughts have no place in this dialect's questions.
fn assistant<'a>(said: &'a [Said<'a>]) -> Out<'a> {
    let texts = said.iter().filter_map(|said| match said {
        Said::Text(text) => Some(&**text),
        _ => None,
    });
    let texts: Vec<_> = texts.collect();
    let content = match texts[..] {
        [one] => Cow::Borrowed(one),
        _ => texts.concat().into(),
    };
    let calls = said.iter().filter_map(|said| match said {
        Said::Call(made) => Some(call(made)),
        _ => None,
    });
    Out::Assistant { content, tool_calls: calls.collect() }
}

fn tool<'a>(from: &'a Tool<'a>) -> OutTool<'a> {
    let Tool { name, description, parameters, strict } = from;
    let description = description.as_deref();
    OutTool {
        r#type: "function",
        function: OutDefinition { name, description, parameters: *parameters, strict: *strict },
    }
}

fn call<'a>(from: &'a ToolCall<'a>) -> OutCall<'a> {
    let function = OutFunction { name: &from.name, arguments: &from.arguments };
    OutCall { id: &from.id, r#type: "function", function }
}

fn response_format<'a>(format: &'a Format<'a>) -> Option<ResponseFormat<'a>> {
    match format {
        Format::Text => None,
        Format::Json => Some(ResponseFormat::JsonObject),
        Format::Schema { name, schema, strict } => Some(ResponseFormat::JsonSchema {
            json_schema: NamedSchema { name: name.as_deref().unwrap_or("answer"), schema, strict: *strict },
        }),
    }
}
