//! What Converse answers, as it is written.

use attach_core::Usage as Counts;
use attach_core::usage::Source;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::translate::canonical::{Failure, Finish};

/// The answer of `Converse`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Whole {
    pub(super) output: Output,
    pub(super) stop_reason: String,
    pub(super) usage: Option<Usage>,
    pub(super) additional_model_response_fields: Option<Additional>,
}

#[derive(Deserialize)]
pub(super) struct Output {
    pub(super) message: Option<Said>,
}

#[derive(Deserialize)]
pub(super) struct Said {
    #[serde(default)]
    pub(super) content: Vec<Block>,
}

/// One member of it is there.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Block {
    pub(super) text: Option<String>,
    pub(super) tool_use: Option<ToolUse>,
    pub(super) reasoning_content: Option<Reasoning>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ToolUse {
    pub(super) tool_use_id: String,
    pub(super) name: String,
    pub(super) input: Option<Box<RawValue>>,
}

/// A block of a whole answer, or a delta of a stream.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Reasoning {
    pub(super) reasoning_text: Option<ReasoningText>,
    pub(super) text: Option<String>,
    pub(super) signature: Option<String>,
    pub(super) redacted_content: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct ReasoningText {
    pub(super) text: String,
    pub(super) signature: Option<String>,
}

/// `contentBlockStart`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Start {
    pub(super) start: Option<Begun>,
    pub(super) content_block_index: u64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Begun {
    pub(super) tool_use: Option<ToolUse>,
}

/// `contentBlockDelta`; of `contentBlockStop` the index alone.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Delta {
    pub(super) delta: Option<Piece>,
    pub(super) content_block_index: u64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Piece {
    pub(super) text: Option<String>,
    pub(super) tool_use: Option<Input>,
    pub(super) reasoning_content: Option<Reasoning>,
}

#[derive(Deserialize)]
pub(super) struct Input {
    #[serde(default)]
    pub(super) input: String,
}

/// `messageStop`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Stop {
    pub(super) stop_reason: String,
    pub(super) additional_model_response_fields: Option<Additional>,
}

/// What was asked for besides.
#[derive(Deserialize)]
pub(super) struct Additional {
    stop_sequence: Option<String>,
}

/// `metadata`.
#[derive(Deserialize)]
pub(super) struct Metadata {
    pub(super) usage: Option<Usage>,
}

/// Tokens; those of the cache are not among the input's.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Usage {
    input_tokens: Option<u64>,
    output_tokens: Option<u64>,
    cache_read_input_tokens: Option<u64>,
    cache_write_input_tokens: Option<u64>,
}

impl Usage {
    pub(super) fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        counts.cache_read = self.cache_read_input_tokens.unwrap_or(0);
        counts.cache_write = self.cache_write_input_tokens.unwrap_or(0);
        let cached = counts.cache_read.saturating_add(counts.cache_write);
        counts.input = self.input_tokens.unwrap_or(0).saturating_add(cached);
        counts.output = self.output_tokens.unwrap_or(0);
        counts.source = Source::Reported;
        counts
    }
}

/// Why it stopped.
///
/// # Errors
///
/// When what it stopped at is no answer.
pub(super) fn finish(reason: &str, additional: Option<Additional>) -> Result<Finish, Failure> {
    match reason {
        "stop_sequence" => Ok(Finish::Sequence(additional.and_then(|fields| fields.stop_sequence))),
        "max_tokens" | "model_context_window_exceeded" => Ok(Finish::Length),
        "tool_use" => Ok(Finish::Tools),
        "guardrail_intervened" | "content_filtered" => Ok(Finish::Filtered),
        "malformed_model_output" | "malformed_tool_use" => Err(Failure {
            code: Some(reason.to_owned()),
            message: "the model's output was malformed".to_owned(),
        }),
        _ => Ok(Finish::Stop),
    }
}

/// The body of an error, or of an exception.
pub(super) fn failure(bytes: &[u8], name: Option<&str>) -> Failure {
    #[derive(Deserialize)]
    struct Body {
        #[serde(alias = "Message")]
        message: Option<String>,
        __type: Option<String>,
    }
    let body = serde_json::from_slice::<Body>(bytes).unwrap_or(Body { message: None, __type: None });
    let own = body.__type.as_deref().map(|name| name.rsplit('#').next().unwrap_or(name));
    Failure {
        code: name.or(own).filter(|name| !name.is_empty()).map(str::to_owned),
        message: body.message.unwrap_or_else(|| Failure::unknown().message),
    }
}
