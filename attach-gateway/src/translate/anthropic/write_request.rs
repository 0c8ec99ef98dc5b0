use std::borrow::Cow;

use attach_core::Rejection;
use bytes::Bytes;
use serde::Serialize;
use serde_json::value::RawValue;

use super::claude::Claude;
use super::sampling::sampling;
use super::schema;
use super::thinking::{Config, Thinking};
use super::wire::wrapped;
use crate::translate::arguments::opened;
use crate::translate::canonical::{
    Chat, Format, Image, Losses, Message, Part, Said, Tool, ToolCall, ToolChoice,
};

/// The cap of an answer whose caller set none, in tokens: this API requires one. What every model it serves today
/// can answer, and more than nearly every answer; one that comes to it says `length`.
const CAP: u64 = 8192;

/// There is no JSON mode without a schema, and no way to force a tool that all models take.
const ONLY_JSON: &str = "Answer with one JSON object and nothing else: no other words, no code fence.";

/// The body of `POST /v1/messages`.
pub(crate) fn write_chat(chat: &Chat<'_>, model: &str, losses: &mut Losses) -> Result<Bytes, Rejection> {
    let claude = Claude::of(model);
    let thinking = Thinking::of(chat, claude);
    if thinking.lost {
        losses.setting("reasoning")?;
    }
    if chat.messages.iter().any(has_unsigned_thoughts) {
        losses.setting("messages.thinking")?;
    }
    let [temperature, top_p, top_k] = sampling(chat, claude, thinking.is_on(), losses)?;
    let format = match &chat.format {
        Format::Schema { schema, .. } => {
            Some(OutFormat { r#type: "json_schema", schema: schema::of_answer(schema) })
        }
        _ => None,
    };
    let body = Body {
        model,
        max_tokens: chat.sampling.max_tokens.unwrap_or(CAP + thinking.tokens),
        system: system(chat, losses)?,
        messages: turns(&chat.messages)?,
        tools: chat.tools.iter().map(tool).collect(),
        tool_choice: tool_choice(chat),
        stream: chat.stream,
        stop_sequences: stop(chat, losses)?,
        temperature,
        top_p,
        top_k,
        output_config: (format.is_some() || thinking.effort.is_some())
            .then_some(OutputConfig { effort: thinking.effort, format }),
        thinking: thinking.config,
    };
    // Nothing that is written here has a map key that is not a string, the one thing that can fail.
    Ok(serde_json::to_vec(&body).map(Bytes::from).unwrap_or_default())
}

#[derive(Serialize)]
struct Body<'a> {
    model: &'a str,
    max_tokens: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    system: Option<Cow<'a, str>>,
    messages: Vec<Turn<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tools: Vec<OutTool<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_choice: Option<OutChoice<'a>>,
    stream: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    stop_sequences: Vec<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<Cow<'a, RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_p: Option<Cow<'a, RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_k: Option<Cow<'a, RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    thinking: Option<Config>,
    #[serde(skip_serializing_if = "Option::is_none")]
    output_config: Option<OutputConfig<'a>>,
}

#[derive(Serialize)]
struct Turn<'a> {
    role: &'static str,
    content: Vec<Block<'a>>,
    /// What tools answered comes before the rest; put there once all of it is known.
    #[serde(skip)]
    results: Vec<Block<'a>>,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Block<'a> {
    Text {
        text: &'a str,
    },
    Image {
        source: Source<'a>,
    },
    Thinking {
        thinking: &'a str,
        signature: &'a str,
    },
    RedactedThinking {
        data: &'a str,
    },
    ToolUse {
        id: Cow<'a, str>,
        name: &'a str,
        input: Box<RawValue>,
    },
    ToolResult {
        tool_use_id: Cow<'a, str>,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        content: Vec<Self>,
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        is_error: bool,
    },
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Source<'a> {
    Base64 { media_type: &'a str, data: &'a str },
    Url { url: &'a str },
}

#[derive(Serialize)]
struct OutTool<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    input_schema: Cow<'a, RawValue>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    strict: bool,
}

#[derive(Serialize)]
struct OutChoice<'a> {
    r#type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    disable_parallel_tool_use: bool,
}

#[derive(Serialize)]
struct OutputConfig<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    effort: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    format: Option<OutFormat<'a>>,
}

#[derive(Serialize)]
struct OutFormat<'a> {
    r#type: &'static str,
    schema: Cow<'a, RawValue>,
}

/// Instructions have one place here, before the conversation; those from its middle go there, too.
fn system<'a>(chat: &'a Chat<'_>, losses: &mut Losses) -> Result<Option<Cow<'a, str>>, Rejection> {
    let mut texts: Vec<&str> = Vec::new();
    for message in &chat.messages {
        if let Message::System(text) = message {
            texts.push(text);
        }
    }
    if matches!(chat.format, Format::Json) {
        losses.setting("response_format")?;
        texts.push(ONLY_JSON);
    }
    texts.retain(|text| !text.is_empty());
    Ok(match texts[..] {
        [] => None,
        [one] => Some(one.into()),
        _ => Some(texts.join("\n\n").into()),
    })
}

/// Roles take turns here: what follows in one role is one message.
fn turns<'a>(messages: &'a [Message<'_>]) -> Result<Vec<Turn<'a>>, Rejection> {
    let mut turns: Vec<Turn<'_>> = Vec::new();
    for message in messages {
        let (role, blocks, is_result) = match message {
            Message::System(_) => continue,
            Message::User(parts) => ("user", parts.iter().filter_map(part).collect(), false),
            Message::Assistant(said) => ("assistant", said.iter().filter_map(self::said).collect(), false),
            Message::ToolResult { call_id, content, is_error } => {
                let content = content.iter().filter_map(part).collect();
                let is_error = *is_error;
                ("user", vec![Block::ToolResult { tool_use_id: plain_id(call_id), content, is_error }], true)
            }
        };
        add(&mut turns, role, blocks, is_result);
    }
    for turn in turns.iter_mut().filter(|turn| !turn.results.is_empty()) {
        let rest = std::mem::replace(&mut turn.content, std::mem::take(&mut turn.results));
        turn.content.extend(rest);
    }
    match turns.first() {
        None => {
            Err(unsayable("the conversation says nothing: this model's server needs a message of the user"))
        }
        Some(first) if first.role != "user" => {
            Err(unsayable("this model's server needs a conversation to begin with a message of the user"))
        }
        Some(_) => Ok(turns),
    }
}

fn add<'a>(turns: &mut Vec<Turn<'a>>, role: &'static str, blocks: Vec<Block<'a>>, is_result: bool) {
    if blocks.is_empty() {
        return;
    }
    if turns.last().is_none_or(|turn| turn.role != role) {
        turns.push(Turn { role, content: Vec::new(), results: Vec::new() });
    }
    let Some(turn) = turns.last_mut() else { return };
    if is_result { turn.results.extend(blocks) } else { turn.content.extend(blocks) }
}

fn unsayable(message: &'static str) -> Rejection {
    Rejection::bad_request("invalid_request", message).with_param("$.messages")
}

/// Empty texts are refused here.
fn part<'a>(part: &'a Part<'_>) -> Option<Block<'a>> {
    match part {
        Part::Text(text) => (!text.is_empty()).then_some(Block::Text { text }),
        Part::Image(image) => Some(Block::Image {
            source: match image {
                Image::Base64 { media_type, data } => Source::Base64 { media_type, data },
                Image::Url(url) => Source::Url { url },
            },
        }),
    }
}

/// Thoughts without a signature are another provider's, and refused here.
fn has_unsigned_thoughts(message: &Message<'_>) -> bool {
    let unsigned = |said: &Said<'_>| matches!(said, Said::Thinking { signature: None, .. });
    matches!(message, Message::Assistant(said) if said.iter().any(unsigned))
}

fn said<'a>(said: &'a Said<'_>) -> Option<Block<'a>> {
    match said {
        Said::Text(text) => (!text.is_empty()).then_some(Block::Text { text }),
        Said::Thinking { text, signature } => {
            signature.as_deref().map(|signature| Block::Thinking { thinking: text, signature })
        }
        Said::RedactedThinking(data) => Some(Block::RedactedThinking { data }),
        Said::Call(ToolCall { id, name, arguments }) => {
            Some(Block::ToolUse { id: plain_id(id), name, input: asked(arguments) })
        }
    }
}

/// What cannot be read as one object by everybody is passed on as the text that it was looked at as.
fn asked(arguments: &str) -> Box<RawValue> {
    let object = opened(arguments).filter(|json| json.get().starts_with('{'));
    object.map_or_else(|| wrapped(arguments), ToOwned::to_owned)
}

/// Ids are letters, digits, `_` and `-` here; other servers make others (`functions.weather:0`), and a conversation
/// may have begun there.
fn plain_id(id: &str) -> Cow<'_, str> {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '-');
    if !id.is_empty() && id.chars().all(plain) {
        return id.into();
    }
    let id: String = id.chars().map(|letter| if plain(letter) { letter } else { '_' }).collect();
    if id.is_empty() { "_".into() } else { id.into() }
}

fn tool<'a>(tool: &'a Tool<'_>) -> OutTool<'a> {
    OutTool {
        name: &tool.name,
        description: tool.description.as_deref(),
        input_schema: schema::of_arguments(tool.parameters),
        strict: tool.strict.unwrap_or_default(),
    }
}

/// Without tools there is nothing to choose, and the API refuses a choice.
fn tool_choice<'a>(chat: &'a Chat<'_>) -> Option<OutChoice<'a>> {
    if chat.tools.is_empty() {
        return None;
    }
    let one = chat.parallel_tools == Some(false);
    let (kind, name) = match &chat.tool_choice {
        None if !one => return None,
        None | Some(ToolChoice::Auto) => ("auto", None),
        Some(ToolChoice::None) => ("none", None),
        Some(ToolChoice::Required) => ("any", None),
        Some(ToolChoice::Named(name)) => ("tool", Some(&**name)),
    };
    Some(OutChoice { r#type: kind, name, disable_parallel_tool_use: one && kind != "none" })
}

/// A sequence of nothing but white space is refused here.
fn stop<'a>(chat: &'a Chat<'_>, losses: &mut Losses) -> Result<Vec<&'a str>, Rejection> {
    let said: Vec<&str> =
        chat.sampling.stop.iter().map(|stop| &**stop).filter(|stop| !stop.trim().is_empty()).collect();
    if said.len() < chat.sampling.stop.len() {
        losses.setting("stop")?;
    }
    Ok(said)
}
