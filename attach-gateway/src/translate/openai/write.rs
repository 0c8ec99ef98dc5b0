use bytes::Bytes;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::translate::canonical::{Chat, Embed, Format, Message, Part, ToolCall};

/// The body of `POST /v1/chat/completions`.
pub(crate) fn write_chat(chat: &Chat<'_>, model: &str) -> Bytes {
    let sampling = &chat.sampling;
    bytes_of(&ChatBody {
        model,
        messages: chat.messages.iter().map(message).collect(),
        tools: chat.tools,
        stream: chat.stream,
        stream_options: chat.stream.then_some(StreamOptions { include_usage: true }),
        response_format: response_format(&chat.format),
        temperature: sampling.temperature,
        top_p: sampling.top_p,
        seed: sampling.seed,
        stop: sampling.stop,
        presence_penalty: sampling.presence_penalty,
        frequency_penalty: sampling.frequency_penalty,
        max_tokens: sampling.max_tokens,
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

#[derive(Serialize)]
struct ChatBody<'a> {
    model: &'a str,
    messages: Vec<Out<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tools: Option<&'a RawValue>,
    stream: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    stream_options: Option<StreamOptions>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_format: Option<ResponseFormat<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_p: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seed: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stop: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    presence_penalty: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    frequency_penalty: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_tokens: Option<u64>,
}

#[derive(Serialize)]
struct StreamOptions {
    include_usage: bool,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum ResponseFormat<'a> {
    JsonObject,
    JsonSchema { json_schema: NamedSchema<'a> },
}

#[derive(Serialize)]
struct NamedSchema<'a> {
    name: &'static str,
    schema: &'a RawValue,
}

#[derive(Serialize)]
#[serde(tag = "role", rename_all = "lowercase")]
enum Out<'a> {
    System {
        content: &'a str,
    },
    User {
        content: Content<'a>,
    },
    Assistant {
        content: &'a str,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        tool_calls: Vec<OutCall<'a>>,
    },
    Tool {
        tool_call_id: &'a str,
        content: &'a str,
    },
}

#[derive(Serialize)]
#[serde(untagged)]
enum Content<'a> {
    Text(&'a str),
    Parts(Vec<OutPart<'a>>),
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum OutPart<'a> {
    Text { text: &'a str },
    ImageUrl { image_url: ImageUrl },
}

#[derive(Serialize)]
struct ImageUrl {
    url: String,
}

#[derive(Serialize)]
struct OutCall<'a> {
    id: &'a str,
    r#type: &'static str,
    function: OutFunction<'a>,
}

#[derive(Serialize)]
struct OutFunction<'a> {
    name: &'a str,
    arguments: &'a str,
}

fn message<'a>(from: &'a Message<'a>) -> Out<'a> {
    match from {
        Message::System(content) => Out::System { content },
        Message::User(parts) => Out::User { content: content(parts) },
        Message::Assistant { text, tool_calls } => {
            Out::Assistant { content: text, tool_calls: tool_calls.iter().map(call).collect() }
        }
        Message::ToolResult { call_id, text } => Out::Tool { tool_call_id: call_id, content: text },
    }
}

fn content<'a>(parts: &'a [Part<'a>]) -> Content<'a> {
    if let [Part::Text(text)] = parts {
        return Content::Text(text);
    }
    let part = |part: &'a Part<'a>| match part {
        Part::Text(text) => OutPart::Text { text },
        Part::Image(base64) => OutPart::ImageUrl { image_url: ImageUrl { url: data_url(base64) } },
    };
    Content::Parts(parts.iter().map(part).collect())
}

/// The callers' dialect does not say what kind of image it is; the first bytes do.
fn data_url(base64: &str) -> String {
    let kind = match base64.as_bytes() {
        [b'/', b'9', b'j', ..] => "jpeg",
        [b'R', b'0', b'l', ..] => "gif",
        [b'U', b'k', b'l', ..] => "webp",
        _ => "png",
    };
    format!("data:image/{kind};base64,{base64}")
}

fn call<'a>(from: &'a ToolCall<'a>) -> OutCall<'a> {
    let function = OutFunction { name: &from.name, arguments: &from.arguments };
    OutCall { id: &from.id, r#type: "function", function }
}

fn response_format<'a>(format: &Format<'a>) -> Option<ResponseFormat<'a>> {
    match format {
        Format::Text => None,
        Format::Json => Some(ResponseFormat::JsonObject),
        Format::Schema(schema) => {
            Some(ResponseFormat::JsonSchema { json_schema: NamedSchema { name: "answer", schema } })
        }
    }
}
