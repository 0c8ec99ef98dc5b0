//! The shapes of an answer of `POST /v1/messages`, in the order of their members in the reference.

use attach_core::Usage;
use serde::Serialize;
use serde_json::value::RawValue;

/// An event of a stream.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Frame<'a> {
    MessageStart { message: Message<'a> },
    ContentBlockStart { index: u64, content_block: Content<'a> },
    ContentBlockDelta { index: u64, delta: Delta<'a> },
    ContentBlockStop { index: u64 },
    MessageDelta { delta: Stop<'a>, usage: Figures },
    MessageStop {},
    Error { error: Fault<'a>, request_id: String },
}

#[derive(Serialize)]
pub(super) struct Message<'a> {
    pub(super) id: String,
    pub(super) r#type: &'static str,
    pub(super) role: &'static str,
    pub(super) model: &'a str,
    pub(super) content: Vec<Content<'a>>,
    #[serde(flatten)]
    pub(super) stop: Stop<'a>,
    pub(super) usage: Figures,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Content<'a> {
    Text { text: &'a str },
    Thinking { thinking: &'a str, signature: &'a str },
    RedactedThinking { data: &'a str },
    ToolUse { id: &'a str, name: &'a str, input: Box<RawValue> },
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
#[expect(clippy::enum_variant_names, reason = "the names are the wire format's")]
pub(super) enum Delta<'a> {
    TextDelta { text: &'a str },
    ThinkingDelta { thinking: &'a str },
    SignatureDelta { signature: &'a str },
    InputJsonDelta { partial_json: &'a str },
}

#[derive(Default, Serialize)]
pub(super) struct Stop<'a> {
    pub(super) stop_reason: Option<&'static str>,
    pub(super) stop_sequence: Option<&'a str>,
}

#[derive(Serialize)]
pub(super) struct Figures {
    input_tokens: u64,
    cache_creation_input_tokens: u64,
    cache_read_input_tokens: u64,
    output_tokens: u64,
}

#[derive(Serialize)]
pub(super) struct Fault<'a> {
    pub(super) r#type: &'static str,
    pub(super) message: &'a str,
    /// The provider's own word, which is not among those of this API.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) code: Option<&'a str>,
}

impl Frame<'_> {
    fn name(&self) -> &'static str {
        match self {
            Self::MessageStart { .. } => "message_start",
            Self::ContentBlockStart { .. } => "content_block_start",
            Self::ContentBlockDelta { .. } => "content_block_delta",
            Self::ContentBlockStop { .. } => "content_block_stop",
            Self::MessageDelta { .. } => "message_delta",
            Self::MessageStop {} => "message_stop",
            Self::Error { .. } => "error",
        }
    }

    /// Puts the event down.
    pub(super) fn put(&self, out: &mut Vec<u8>) {
        // Writing into memory fails only for a map key that is not a string, and there is no map.
        let Ok(data) = serde_json::to_string(self) else { return };
        for piece in ["event: ", self.name(), "\ndata: ", &data, "\n\n"] {
            out.extend_from_slice(piece.as_bytes());
        }
    }
}

impl From<Usage> for Figures {
    /// `input_tokens` is only what went past the cache; ours includes it.
    fn from(usage: Usage) -> Self {
        Self {
            input_tokens: usage.input.saturating_sub(usage.cache_read).saturating_sub(usage.cache_write),
            cache_creation_input_tokens: usage.cache_write,
            cache_read_input_tokens: usage.cache_read,
            output_tokens: usage.output,
        }
    }
}

/// A tool's arguments as the object that this API wants. What a model wrote that is none is wrapped, as Claude's
/// documentation of fine-grained tool streaming advises, so that nothing of it is lost.
pub(super) fn input(arguments: &str) -> Box<RawValue> {
    let text = if arguments.trim().is_empty() { "{}" } else { arguments.trim() };
    let object = RawValue::from_string(text.to_owned()).ok().filter(|json| json.get().starts_with('{'));
    object.unwrap_or_else(|| wrapped(arguments))
}

/// Arguments that are no object, in one.
pub(super) fn wrapped(arguments: &str) -> Box<RawValue> {
    let wrapped = serde_json::to_string(arguments)
        .and_then(|text| RawValue::from_string(format!("{{\"INVALID_JSON\":{text}}}")));
    wrapped.unwrap_or_else(|_| RawValue::NULL.to_owned())
}
