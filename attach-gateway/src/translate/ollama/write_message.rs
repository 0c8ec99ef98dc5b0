use std::borrow::Cow;
use std::collections::BTreeMap;

use attach_core::Rejection;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::translate::arguments::opened;
use crate::translate::canonical::{Image, Losses, Message, Part, Said, ToolCall};

/// A message as Ollama has it: one text, pictures beside it, and a tool's result under the tool's name.
#[derive(Serialize)]
pub(super) struct Out<'a> {
    role: &'static str,
    content: Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    thinking: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    images: Vec<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tool_calls: Vec<Call<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_name: Option<&'a str>,
}

#[derive(Serialize)]
struct Call<'a> {
    function: Function<'a>,
}

#[derive(Serialize)]
struct Function<'a> {
    name: &'a str,
    arguments: &'a RawValue,
}

/// Writes a conversation.
pub(super) fn messages<'a>(from: &'a [Message<'a>]) -> Result<Vec<Out<'a>>, Rejection> {
    let mut names = BTreeMap::new();
    from.iter().map(|message| one(message, &mut names)).collect()
}

/// `names` are those of the tools called so far, by the id of the call.
fn one<'a>(from: &'a Message<'a>, names: &mut BTreeMap<&'a str, &'a str>) -> Result<Out<'a>, Rejection> {
    match from {
        Message::System(text) => Ok(Out::new("system", Cow::Borrowed(text))),
        Message::User(parts) => Out::of_parts("user", parts),
        Message::Assistant(said) => assistant(said, names),
        Message::ToolResult { call_id, content, .. } => {
            let unknown = || {
                Rejection::bad_request("invalid_request", "a tool result answers no earlier tool call")
                    .with_param("$.messages")
            };
            let name = names.get(&**call_id).ok_or_else(unknown)?;
            Ok(Out { tool_name: Some(name), ..Out::of_parts("tool", content)? })
        }
    }
}

impl<'a> Out<'a> {
    fn new(role: &'static str, content: Cow<'a, str>) -> Self {
        Self { role, content, thinking: None, images: Vec::new(), tool_calls: Vec::new(), tool_name: None }
    }

    fn of_parts(role: &'static str, parts: &'a [Part<'a>]) -> Result<Self, Rejection> {
        let (mut texts, mut images) = (Vec::new(), Vec::new());
        for part in parts {
            match part {
                Part::Text(text) => texts.push(&**text),
                Part::Image(Image::Base64 { data, .. }) => images.push(&**data),
                Part::Image(Image::Url(_)) => return Err(Losses::content("image_url")),
            }
        }
        Ok(Self { images, ..Self::new(role, joined(&texts, "\n")) })
    }
}

fn joined<'a>(texts: &[&'a str], between: &str) -> Cow<'a, str> {
    match texts {
        [] => "".into(),
        [one] => Cow::Borrowed(one),
        _ => texts.join(between).into(),
    }
}

fn assistant<'a>(said: &'a [Said<'a>], names: &mut BTreeMap<&'a str, &'a str>) -> Result<Out<'a>, Rejection> {
    let (mut texts, mut thoughts, mut tool_calls) = (Vec::new(), Vec::new(), Vec::new());
    for piece in said {
        match piece {
            Said::Text(text) => texts.push(&**text),
            Said::Thinking { text, .. } => thoughts.push(&**text),
            Said::RedactedThinking(_) => {}
            Said::Call(made) => {
                names.insert(&made.id, &made.name);
                tool_calls.push(call(made)?);
            }
        }
    }
    let thinking = (!thoughts.is_empty()).then(|| joined(&thoughts, ""));
    Ok(Out { thinking, tool_calls, ..Out::new("assistant", joined(&texts, "")) })
}

/// Ollama's arguments are an object, not the text of one.
fn call<'a>(from: &'a ToolCall<'a>) -> Result<Call<'a>, Rejection> {
    let arguments = opened(&from.arguments).filter(|json| json.get().starts_with('{'));
    let arguments = arguments.ok_or_else(|| Losses::content("tool_calls.function.arguments"))?;
    Ok(Call { function: Function { name: &from.name, arguments } })
}
