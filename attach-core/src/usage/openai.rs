//! Chat completions, completions and embeddings, whole or in chunks, of OpenAI and of those who speak like it.

use serde::Deserialize;

use super::Ending;
use super::lenient::{Count, Name, Object, Objects, Set, Text};
use super::meter::Event;
use super::tally::{Report, Tally};

#[derive(Default, Deserialize)]
#[serde(default)]
struct Chunk<'a> {
    #[serde(borrow)]
    id: Name<'a>,
    #[serde(borrow)]
    model: Name<'a>,
    #[serde(borrow)]
    object: Name<'a>,
    #[serde(borrow)]
    choices: Objects<Choice<'a>>,
    usage: Object<Figures>,
    error: Set,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Choice<'a> {
    index: Count,
    delta: Object<Delta>,
    text: Text,
    #[serde(borrow)]
    finish_reason: Name<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Delta {
    content: Text,
    reasoning: Text,
    reasoning_content: Text,
    refusal: Text,
    function_call: Text,
    tool_calls: Objects<ToolCall>,
    audio: Object<Audio>,
}

/// A spoken answer. Its sound comes as base64, which is no text.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Audio {
    transcript: Text,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ToolCall {
    function: Text,
    custom: Text,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Figures {
    prompt_tokens: Count,
    completion_tokens: Count,
    total_tokens: Count,
    prompt_tokens_details: Object<PromptDetails>,
    completion_tokens_details: Object<CompletionDetails>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct PromptDetails {
    cached_tokens: Count,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct CompletionDetails {
    reasoning_tokens: Count,
}

pub(super) fn read(event: Event<'_>, tally: &mut Tally) -> serde_json::Result<()> {
    let Object(chunk) = serde_json::from_slice::<Object<Chunk<'_>>>(event.data)?;
    tally.id(&chunk.id.0);
    tally.model(&chunk.model.0);
    for (position, choice) in chunk.choices.0.iter().enumerate() {
        let index = choice.index.0.and_then(|index| usize::try_from(index).ok()).unwrap_or(position);
        tally.several_choices |= index > 0;
        tally.text(choice.text());
        tally.finish(index, &choice.finish_reason.0);
    }
    let report = chunk.usage.0.report();
    // vLLM's continuous statistics count the one choice of the chunk.
    if event.unary || chunk.choices.0.is_empty() || !tally.several_choices {
        tally.report(report);
    } else {
        tally.report_early(report);
    }
    if chunk.error.0 || chunk.object.0 == "error" || event.name == Some("error") {
        tally.end(Ending::Failed);
    }
    Ok(())
}

impl Choice<'_> {
    fn text(&self) -> u64 {
        let delta = &self.delta.0;
        let calls = delta.tool_calls.0.iter().map(|call| call.function.0.saturating_add(call.custom.0));
        // Some servers send the same reasoning under both names.
        let reasoning = delta.reasoning.0.max(delta.reasoning_content.0);
        [
            self.text.0,
            delta.content.0,
            reasoning,
            delta.refusal.0,
            delta.function_call.0,
            delta.audio.0.transcript.0,
        ]
        .into_iter()
        .chain(calls)
        .fold(0, u64::saturating_add)
    }
}

impl Figures {
    fn report(&self) -> Report {
        Report {
            input: self.prompt_tokens.0,
            output: self.output(),
            cache_read: self.prompt_tokens_details.0.cached_tokens.or_zero(),
            cache_write: 0,
            reasoning: self.completion_tokens_details.0.reasoning_tokens.or_zero(),
        }
    }

    /// What the total has beyond the prompt: xAI and Gemini leave reasoning out of `completion_tokens`.
    fn output(&self) -> Option<u64> {
        let beyond = match (self.total_tokens.0, self.prompt_tokens.0) {
            (Some(total), Some(prompt)) => total.checked_sub(prompt),
            _ => None,
        };
        self.completion_tokens.0.max(beyond)
    }
}
