use std::time::Duration;

use attach_core::body::{lines, sse_events};
use attach_core::{Api, Usage};
use bytes::Bytes;
use serde_json::{Value, json};

use super::anthropic::Messages;
use super::ollama::Ollama;
use super::openai::Completions;
use super::responses::Responses;

/// The longest id or name that is kept, in bytes.
const MAX_NAME: usize = 256;

/// Follows an answer in its client's dialect, as far as it must be known to be ended well.
///
/// It never fails: what it does not understand is not there. What it keeps is bounded.
pub(crate) enum Tracker {
    Completions(Completions),
    Messages(Messages),
    Responses(Box<Responses>),
    Ollama(Ollama),
}

/// Why a stream ends, and what it used.
pub(crate) struct Why<'a> {
    /// The limit's id.
    pub(crate) limit: &'a str,
    pub(crate) code: &'static str,
    /// Seconds.
    pub(crate) retry_after: u64,
    pub(crate) usage: Usage,
    /// Since the call came.
    pub(crate) elapsed: Duration,
}

impl Tracker {
    /// For an answer to `api`; `None` if there are no streams of it. `include_usage` as the caller set it.
    pub(crate) fn new(api: Api, include_usage: bool) -> Option<Self> {
        match api {
            Api::OpenAiChat => Some(Self::Completions(Completions::chat(include_usage))),
            Api::OpenAiCompletions => Some(Self::Completions(Completions::text(include_usage))),
            Api::OpenAiResponses => Some(Self::Responses(Box::default())),
            Api::AnthropicMessages => Some(Self::Messages(Messages::default())),
            Api::OllamaChat => Some(Self::Ollama(Ollama::chat())),
            Api::OllamaGenerate => Some(Self::Ollama(Ollama::generate())),
            _ => None,
        }
    }

    /// The next frame of whole events, on its way to the client.
    pub(crate) fn push(&mut self, frame: &[u8]) {
        if let Self::Ollama(ollama) = self {
            let parsed = lines(frame).filter_map(|line| serde_json::from_slice(line).ok());
            return parsed.for_each(|line: Value| ollama.line(&line));
        }
        for event in sse_events(frame) {
            let data = event.data.trim();
            if data == "[DONE]" {
                self.done();
            } else if let Ok(data @ Value::Object(_)) = serde_json::from_str(data) {
                self.event(event.name, data);
            }
        }
    }

    fn done(&mut self) {
        if let Self::Completions(completions) = self {
            completions.done();
        }
    }

    /// `data` is an object.
    fn event(&mut self, name: Option<&str>, data: Value) {
        // The type is in the data; the event's name repeats it.
        let kind = data["type"].as_str().or(name).unwrap_or_default().to_owned();
        match self {
            Self::Completions(completions) => completions.chunk(&data),
            Self::Messages(messages) => messages.event(&kind, &data),
            Self::Responses(responses) => responses.event(&kind, data),
            Self::Ollama(_) => {}
        }
    }

    /// Whether the client has seen an event, so that the stream can be ended and not only broken off.
    pub(crate) fn has_begun(&self) -> bool {
        match self {
            Self::Completions(completions) => completions.has_begun(),
            Self::Messages(messages) => messages.has_begun(),
            Self::Responses(responses) => responses.has_begun(),
            Self::Ollama(ollama) => ollama.has_begun(),
        }
    }

    /// Whether the answer has said why it ends: there is nothing left to cut.
    pub(crate) fn is_over(&self) -> bool {
        match self {
            Self::Completions(completions) => completions.is_over(),
            Self::Messages(messages) => messages.is_over(),
            Self::Responses(responses) => responses.is_over(),
            Self::Ollama(ollama) => ollama.is_over(),
        }
    }

    /// The events that end the answer as one that was too long.
    pub(crate) fn ending(&self, why: &Why<'_>) -> Bytes {
        let events = match self {
            Self::Completions(completions) => completions.ending(why),
            Self::Messages(messages) => messages.ending(why),
            Self::Responses(responses) => responses.ending(why),
            Self::Ollama(ollama) => ollama.ending(why),
        };
        events.into()
    }
}

impl Why<'_> {
    /// By which a program can tell a cut from an answer that reached its own cap.
    pub(super) fn mark(&self) -> Value {
        json!({"code": self.code, "limit": self.limit, "retry_after": self.retry_after})
    }
}

/// A name as it is sent again; the absence of one that is none, or too long.
pub(super) fn name(value: &Value) -> Option<Value> {
    value.as_str().filter(|name| !name.is_empty() && name.len() <= MAX_NAME).map(Value::from)
}

/// An event in the manner of Anthropic and of OpenAI's Responses, where the name repeats the type.
pub(super) fn event(out: &mut String, data: &Value) {
    let kind = data["type"].as_str().unwrap_or_default();
    out.push_str(&format!("event: {kind}\ndata: {data}\n\n"));
}
