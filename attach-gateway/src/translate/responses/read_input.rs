use attach_core::Rejection;
use attach_core::json::Value;

use super::sealed::Sealed;
use crate::translate::canonical::{Losses, Message, Part, Said, ToolCall};
use crate::translate::fields::{each, place, set, text};
use crate::translate::openai;

/// Reads `instructions`, then `input`: a text, or a list of items.
pub(super) fn read_input<'a>(root: Value<'a>, losses: &mut Losses) -> Result<Vec<Message<'a>>, Rejection> {
    let mut conversation = Conversation { messages: Vec::new(), losses };
    if let Some(instructions) = set(root, "instructions") {
        match instructions.as_str() {
            Some(text) if text.is_empty() => {}
            Some(text) => conversation.messages.push(Message::System(text)),
            None => instructions.elements().try_for_each(|item| conversation.item(item))?,
        }
    }
    let before = conversation.messages.len();
    if let Some(input) = set(root, "input") {
        match input.as_str() {
            Some(text) => conversation.messages.push(Message::User(vec![Part::Text(text)])),
            None => input.elements().try_for_each(|item| conversation.item(item))?,
        }
    }
    if conversation.messages.len() == before {
        let message = "`input` is missing, or says nothing: the gateway keeps no earlier turn";
        return Err(Rejection::bad_request("invalid_request", message).with_param("$.input"));
    }
    Ok(conversation.messages)
}

/// What was said so far, put together from items.
struct Conversation<'a, 'l> {
    messages: Vec<Message<'a>>,
    losses: &'l mut Losses,
}

impl<'a> Conversation<'a, '_> {
    fn item(&mut self, item: Value<'a>) -> Result<(), Rejection> {
        let kind = text(item, "type");
        match kind.as_deref() {
            Some("message") => self.message(item),
            None if set(item, "role").is_some() => self.message(item),
            Some("function_call") => self.call(item),
            Some("function_call_output") => self.output(item),
            Some("reasoning") => self.reasoning(item),
            Some(kind) => Err(unsayable(item, kind)),
            None => Err(invalid(item, "type", "an item needs a `type`, or a `role` if it is a message")),
        }
    }

    fn message(&mut self, item: Value<'a>) -> Result<(), Rejection> {
        match text(item, "role").as_deref() {
            Some("user") => {
                let parts = self.parts(item, "content")?;
                self.messages.push(Message::User(parts));
            }
            Some("system" | "developer") => {
                for part in self.parts(item, "content")? {
                    self.messages.push(match part {
                        Part::Text(text) => Message::System(text),
                        Part::Image(_) => return Err(Losses::content(&format!("{}.content", place(item)))),
                    });
                }
            }
            Some("assistant") => self.answer(item)?,
            _ => {
                let wanted = "a message needs a `role`: user, assistant, system or developer";
                return Err(invalid(item, "role", wanted));
            }
        }
        Ok(())
    }

    /// A message after a message is an answer of its own; anything else of a model's turn is one message elsewhere.
    fn answer(&mut self, item: Value<'a>) -> Result<(), Rejection> {
        let spoken = |message: &Message<'_>| match message {
            Message::Assistant(said) => matches!(said.last(), Some(Said::Text(_))),
            _ => false,
        };
        let parts = self.parts(item, "content")?;
        if !parts.is_empty() && self.messages.last().is_some_and(spoken) {
            self.messages.push(Message::Assistant(Vec::new()));
        }
        for part in parts {
            match part {
                Part::Text(text) => self.say(Said::Text(text)),
                Part::Image(_) => return Err(Losses::content(&format!("{}.content", place(item)))),
            }
        }
        Ok(())
    }

    fn say(&mut self, said: Said<'a>) {
        match self.messages.last_mut() {
            Some(Message::Assistant(all)) => all.push(said),
            _ => self.messages.push(Message::Assistant(vec![said])),
        }
    }

    fn call(&mut self, item: Value<'a>) -> Result<(), Rejection> {
        let member = |key: &str| text(item, key).ok_or_else(|| lacks(item, key, "a function call"));
        let (id, name) = (member("call_id")?, member("name")?);
        let arguments = set(item, "arguments").map_or(Some("{}".into()), openai::arguments);
        let arguments = arguments.ok_or_else(|| lacks(item, "arguments", "a function call"))?;
        self.say(Said::Call(ToolCall { id, name, arguments }));
        Ok(())
    }

    fn output(&mut self, item: Value<'a>) -> Result<(), Rejection> {
        let what = "the result of a function";
        let call_id = text(item, "call_id").ok_or_else(|| lacks(item, "call_id", what))?;
        if set(item, "output").is_none() {
            return Err(lacks(item, "output", what));
        }
        let content = self.parts(item, "output")?;
        self.messages.push(Message::ToolResult { call_id, content, is_error: false });
        Ok(())
    }

    /// The summary of what was thought, or the thoughts themselves where a server tells them.
    fn reasoning(&mut self, item: Value<'a>) -> Result<(), Rejection> {
        let sealed = text(item, "encrypted_content").filter(|text| !text.is_empty());
        let opened = sealed.as_deref().and_then(Sealed::open);
        if sealed.is_some() && opened.is_none() {
            self.losses.setting("input.encrypted_content")?;
        }
        let texts = |key| each(item, key).filter_map(|part| text(part, "text")).collect::<Vec<_>>();
        let (summary, thoughts) = (texts("summary"), texts("content"));
        let texts = if summary.is_empty() { thoughts } else { summary };
        let signature = match opened {
            Some(Sealed::Redacted(data)) => {
                self.say(Said::RedactedThinking(data.into()));
                None
            }
            Some(Sealed::Signature(signature)) => Some(signature.into()),
            None => None,
        };
        let said = texts.join("\n\n");
        if signature.is_some() || !said.is_empty() {
            self.say(Said::Thinking { text: said.into(), signature });
        }
        Ok(())
    }

    /// A text, or a list of parts.
    fn parts(&mut self, item: Value<'a>, key: &str) -> Result<Vec<Part<'a>>, Rejection> {
        let Some(content) = set(item, key) else {
            return Err(lacks(item, key, "a message"));
        };
        match content.as_str() {
            Some(text) => Ok(vec![Part::Text(text)]),
            None if content.raw().starts_with(b"{") => Err(Losses::content(&place(content))),
            None => content.elements().map(|from| self.part(from)).collect(),
        }
    }

    fn part(&mut self, from: Value<'a>) -> Result<Part<'a>, Rejection> {
        let kind = text(from, "type");
        let refused = || unsayable(from, kind.as_deref().unwrap_or_default());
        match kind.as_deref() {
            Some("input_text" | "output_text" | "text" | "summary_text" | "reasoning_text") => {
                text(from, "text").map(Part::Text).ok_or_else(|| lacks(from, "text", "a part"))
            }
            Some("refusal") => text(from, "refusal").map(Part::Text).ok_or_else(refused),
            Some("input_image") => {
                if text(from, "detail").is_some_and(|detail| detail != "auto") {
                    self.losses.setting("input_image.detail")?;
                }
                text(from, "image_url").and_then(openai::picture).map(Part::Image).ok_or_else(refused)
            }
            _ => Err(refused()),
        }
    }
}

/// An item or a part of a kind that no other server knows; of a kind that is no word, its place is said.
fn unsayable(value: Value<'_>, kind: &str) -> Rejection {
    let is_word = kind.len() <= 48 && kind.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    let kind = if is_word && !kind.is_empty() { kind } else { "type" };
    Losses::content(&format!("{}.{kind}", place(value)))
}

fn lacks(holder: Value<'_>, member: &str, what: &str) -> Rejection {
    invalid(holder, member, format!("{what} needs `{member}`"))
}

fn invalid(holder: Value<'_>, member: &str, message: impl Into<String>) -> Rejection {
    Rejection::bad_request("invalid_request", message.into())
        .with_param(format!("{}.{member}", holder.path()))
}
