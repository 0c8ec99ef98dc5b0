use std::borrow::Cow;

use serde_json::value::RawValue;

/// A conversation to be continued.
#[derive(Debug, Default)]
pub(in crate::translate) struct Chat<'a> {
    pub(in crate::translate) messages: Vec<Message<'a>>,
    pub(in crate::translate) tools: Vec<Tool<'a>>,
    pub(in crate::translate) tool_choice: Option<ToolChoice<'a>>,
    /// Whether the model may ask for several tools at once; `None` leaves it to the server.
    pub(in crate::translate) parallel_tools: Option<bool>,
    pub(in crate::translate) stream: bool,
    pub(in crate::translate) format: Format<'a>,
    pub(in crate::translate) reasoning: Option<Reasoning>,
    pub(in crate::translate) sampling: Sampling<'a>,
}

/// One message of a conversation.
#[derive(Debug)]
pub(in crate::translate) enum Message<'a> {
    /// Instructions. A dialect that has a place of their own for them gets them there, in order.
    System(Cow<'a, str>),
    User(Vec<Part<'a>>),
    Assistant(Vec<Said<'a>>),
    /// What a tool answered. Results of one turn stand next to each other.
    ToolResult {
        call_id: Cow<'a, str>,
        content: Vec<Part<'a>>,
        is_error: bool,
    },
}

/// A piece of what a person said, or a tool.
#[derive(Debug)]
pub(in crate::translate) enum Part<'a> {
    Text(Cow<'a, str>),
    Image(Image<'a>),
}

/// A picture.
#[derive(Debug)]
pub(in crate::translate) enum Image<'a> {
    /// `image/png` and its like, and the bytes in base64.
    Base64 { media_type: Cow<'a, str>, data: Cow<'a, str> },
    /// Where the model's server may fetch it.
    Url(Cow<'a, str>),
}

/// A piece of what a model said earlier.
#[derive(Debug)]
pub(in crate::translate) enum Said<'a> {
    Text(Cow<'a, str>),
    /// What it thought, with the provider's signature if it signs that.
    Thinking {
        text: Cow<'a, str>,
        signature: Option<Cow<'a, str>>,
    },
    /// Thoughts that only their provider can read.
    RedactedThinking(Cow<'a, str>),
    Call(ToolCall<'a>),
}

/// A tool the model asked for earlier.
#[derive(Debug)]
pub(in crate::translate) struct ToolCall<'a> {
    pub(in crate::translate) id: Cow<'a, str>,
    pub(in crate::translate) name: Cow<'a, str>,
    /// The arguments as JSON text.
    pub(in crate::translate) arguments: Cow<'a, str>,
}

/// A function the model may ask for.
#[derive(Debug)]
pub(in crate::translate) struct Tool<'a> {
    pub(in crate::translate) name: Cow<'a, str>,
    pub(in crate::translate) description: Option<Cow<'a, str>>,
    /// The JSON Schema of its arguments.
    pub(in crate::translate) parameters: Option<&'a RawValue>,
    /// Whether the arguments have to follow the schema to the letter.
    pub(in crate::translate) strict: Option<bool>,
}

/// Which tools the model may, or must, ask for.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::translate) enum ToolChoice<'a> {
    Auto,
    None,
    /// Any one of them.
    Required,
    Named(Cow<'a, str>),
}

/// The shape the answer is to have.
#[derive(Debug, Default)]
pub(in crate::translate) enum Format<'a> {
    #[default]
    Text,
    Json,
    Schema {
        name: Option<Cow<'a, str>>,
        schema: &'a RawValue,
        strict: Option<bool>,
    },
}

/// How much the model is to think before it answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::translate) enum Reasoning {
    Off,
    /// As much as the server finds right.
    On,
    Effort(Effort),
    /// So many tokens.
    Budget(u64),
}

/// OpenAI's `reasoning_effort`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::translate) enum Effort {
    Minimal,
    Low,
    Medium,
    High,
}

/// Sampling parameters, each number as the caller wrote it.
#[derive(Debug, Default)]
pub(in crate::translate) struct Sampling<'a> {
    pub(in crate::translate) temperature: Option<&'a RawValue>,
    pub(in crate::translate) top_p: Option<&'a RawValue>,
    pub(in crate::translate) top_k: Option<&'a RawValue>,
    pub(in crate::translate) seed: Option<&'a RawValue>,
    pub(in crate::translate) presence_penalty: Option<&'a RawValue>,
    pub(in crate::translate) frequency_penalty: Option<&'a RawValue>,
    pub(in crate::translate) stop: Vec<Cow<'a, str>>,
    pub(in crate::translate) max_tokens: Option<u64>,
}
