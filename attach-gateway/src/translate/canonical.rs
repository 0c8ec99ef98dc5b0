//! What is said, whatever the dialect.

use std::borrow::Cow;

use serde_json::value::RawValue;

/// A conversation to be continued.
#[derive(Debug, Default)]
pub(super) struct Chat<'a> {
    pub(super) messages: Vec<Message<'a>>,
    /// Tool definitions: the same JSON in every dialect translated today.
    pub(super) tools: Option<&'a RawValue>,
    pub(super) stream: bool,
    pub(super) format: Format<'a>,
    pub(super) sampling: Sampling<'a>,
}

/// One message of a conversation.
#[derive(Debug)]
pub(super) enum Message<'a> {
    System(Cow<'a, str>),
    User(Vec<Part<'a>>),
    Assistant { text: Cow<'a, str>, tool_calls: Vec<ToolCall<'a>> },
    ToolResult { call_id: String, text: Cow<'a, str> },
}

/// A piece of what a person said.
#[derive(Debug)]
pub(super) enum Part<'a> {
    Text(Cow<'a, str>),
    /// An image in base64.
    Image(Cow<'a, str>),
}

/// A tool the model asked for earlier.
#[derive(Debug)]
pub(super) struct ToolCall<'a> {
    pub(super) id: String,
    pub(super) name: Cow<'a, str>,
    /// The arguments as JSON text.
    pub(super) arguments: Cow<'a, str>,
}

/// The shape the answer is to have.
#[derive(Debug, Default)]
pub(super) enum Format<'a> {
    #[default]
    Text,
    Json,
    Schema(&'a RawValue),
}

/// Sampling parameters, each as the caller wrote it.
#[derive(Debug, Default)]
pub(super) struct Sampling<'a> {
    pub(super) temperature: Option<&'a RawValue>,
    pub(super) top_p: Option<&'a RawValue>,
    pub(super) seed: Option<&'a RawValue>,
    pub(super) stop: Option<&'a RawValue>,
    pub(super) presence_penalty: Option<&'a RawValue>,
    pub(super) frequency_penalty: Option<&'a RawValue>,
    pub(super) max_tokens: Option<u64>,
}

/// Texts to be turned into vectors.
#[derive(Debug)]
pub(super) struct Embed<'a> {
    /// A text, or a list of texts.
    pub(super) input: &'a RawValue,
    pub(super) dimensions: Option<&'a RawValue>,
}

/// A piece of an answer.
#[derive(Debug, PartialEq)]
pub(super) enum Event {
    Text(String),
    Thinking(String),
    /// A part of a tool call; name and arguments accumulate per index.
    Tool {
        index: u64,
        name: String,
        arguments: String,
    },
    Finish(Finish),
    Usage {
        input: u64,
        output: u64,
    },
    Error(String),
    /// Nothing follows.
    Done,
}

/// Why a model stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Finish {
    Stop,
    Length,
    Tools,
    Filtered,
}

/// The vectors of an embeddings answer, in order, and the input tokens.
#[derive(Debug)]
pub(super) struct Embeddings {
    pub(super) vectors: Vec<Box<RawValue>>,
    pub(super) input: u64,
}
