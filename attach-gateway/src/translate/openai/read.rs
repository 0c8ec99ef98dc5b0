use serde::Deserialize;
use serde_json::value::RawValue;

use attach_core::Usage as Counts;
use attach_core::body::sse_events;
use attach_core::usage::Source;

use crate::translate::canonical::{Embeddings, Event, Failure, Finish, ReadAnswer};

/// Reads the answers of `POST /v1/chat/completions`.
#[derive(Debug, Default)]
pub(crate) struct Reader;

impl ReadAnswer for Reader {
    fn frame(&mut self, frame: &[u8], out: &mut Vec<Event>) {
        for event in sse_events(frame) {
            read_event(&event.data, out);
        }
    }

    fn whole(&mut self, bytes: &[u8]) -> Option<Vec<Event>> {
        let chunk: Chunk = serde_json::from_slice(bytes).ok()?;
        let mut events = Vec::new();
        chunk.events(&mut events);
        (!events.is_empty()).then_some(events)
    }

    fn failure(&mut self, bytes: &[u8]) -> Failure {
        #[derive(Deserialize)]
        struct Body {
            error: ErrorBody,
        }
        serde_json::from_slice::<Body>(bytes).map_or_else(|_| Failure::unknown(), |body| body.error.failure())
    }
}

fn read_event(data: &str, out: &mut Vec<Event>) {
    if data.trim() == "[DONE]" {
        out.push(Event::Done);
    } else if let Ok(chunk) = serde_json::from_str::<Chunk>(data) {
        chunk.events(out);
    }
}

/// Reads an embeddings answer; `None` if it is not one.
pub(crate) fn read_embeddings(bytes: &[u8]) -> Option<Embeddings> {
    #[derive(Deserialize)]
    struct Body {
        data: Vec<Item>,
        usage: Option<Usage>,
    }
    #[derive(Deserialize)]
    struct Item {
        index: Option<u64>,
        embedding: Box<RawValue>,
    }
    let mut body: Body = serde_json::from_slice(bytes).ok()?;
    body.data.sort_by_key(|item| item.index);
    let input = body.usage.map_or(0, |usage| usage.prompt_tokens.unwrap_or(0));
    Some(Embeddings { vectors: body.data.into_iter().map(|item| item.embedding).collect(), input })
}

/// Every member may be absent or null, and some servers send two spellings of one thing: nothing is refused for it.
#[derive(Deserialize)]
struct Chunk {
    choices: Option<Vec<Choice>>,
    usage: Option<Usage>,
    error: Option<ErrorBody>,
}

#[derive(Deserialize)]
struct Choice {
    index: Option<u64>,
    delta: Option<Delta>,
    message: Option<Delta>,
    finish_reason: Option<String>,
}

#[derive(Deserialize)]
struct Delta {
    content: Option<String>,
    reasoning_content: Option<String>,
    reasoning: Option<String>,
    tool_calls: Option<Vec<ToolDelta>>,
}

#[derive(Deserialize)]
struct ToolDelta {
    index: Option<u64>,
    id: Option<String>,
    function: Option<FunctionDelta>,
}

#[derive(Deserialize)]
struct FunctionDelta {
    name: Option<String>,
    arguments: Option<String>,
}

#[derive(Deserialize)]
struct Usage {
    prompt_tokens: Option<u64>,
    completion_tokens: Option<u64>,
    prompt_tokens_details: Option<PromptDetails>,
    completion_tokens_details: Option<CompletionDetails>,
}

#[derive(Deserialize)]
struct PromptDetails {
    cached_tokens: Option<u64>,
}

#[derive(Deserialize)]
struct CompletionDetails {
    reasoning_tokens: Option<u64>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum ErrorBody {
    Text(String),
    Object { message: Option<String>, r#type: Option<String>, code: Option<serde_json::Value> },
}

impl ErrorBody {
    fn failure(self) -> Failure {
        match self {
            Self::Text(message) => Failure { code: None, message },
            Self::Object { message, r#type, code } => {
                let code = code.as_ref().and_then(serde_json::Value::as_str).map(str::to_owned);
                let message = message.unwrap_or_else(|| Failure::unknown().message);
                Failure { code: code.or(r#type), message }
            }
        }
    }
}

impl Usage {
    fn counts(self) -> Counts {
        let mut counts = Counts::default();
        counts.input = self.prompt_tokens.unwrap_or(0);
        counts.output = self.completion_tokens.unwrap_or(0);
        counts.cache_read = self.prompt_tokens_details.and_then(|details| details.cached_tokens).unwrap_or(0);
        let details = self.completion_tokens_details;
        counts.reasoning = details.and_then(|details| details.reasoning_tokens).unwrap_or(0);
        counts.source = Source::Reported;
        counts
    }
}

impl Chunk {
    /// The first choice only: the caller's dialect has no word for a second one.
    fn events(self, out: &mut Vec<Event>) {
        if let Some(error) = self.error {
            out.push(Event::Error(error.failure()));
        }
        if let Some(choice) = self.choices.into_iter().flatten().find(|choice| choice.index.unwrap_or(0) == 0)
        {
            choice.events(out);
        }
        if let Some(usage) = self.usage {
            out.push(Event::Usage(usage.counts()));
        }
    }
}

impl Choice {
    fn events(self, out: &mut Vec<Event>) {
        if let Some(delta) = self.delta.or(self.message) {
            let thinking = delta.reasoning_content.or(delta.reasoning);
            out.extend(thinking.filter(|text| !text.is_empty()).map(Event::Thinking));
            out.extend(delta.content.filter(|text| !text.is_empty()).map(Event::Text));
            for (place, tool) in (0..).zip(delta.tool_calls.unwrap_or_default()) {
                let Some(function) = tool.function else { continue };
                out.push(Event::Tool {
                    index: tool.index.unwrap_or(place),
                    id: tool.id,
                    name: function.name.unwrap_or_default(),
                    arguments: function.arguments.unwrap_or_default(),
                });
            }
        }
        if let Some(reason) = self.finish_reason {
            out.push(Event::Finish(match reason.as_str() {
                "length" => Finish::Length,
                "tool_calls" | "function_call" => Finish::Tools,
                "content_filter" => Finish::Filtered,
                _ => Finish::Stop,
            }));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces(data: &str) -> Vec<Event> {
        let mut out = Vec::new();
        read_event(data, &mut out);
        out
    }

    fn counts(input: u64, output: u64) -> Event {
        let mut counts = Counts::default();
        (counts.input, counts.output, counts.source) = (input, output, Source::Reported);
        Event::Usage(counts)
    }

    #[test]
    fn a_chunk_with_empty_choices_brings_the_usage() {
        let events = pieces(r#"{"choices":[],"usage":{"prompt_tokens":9,"completion_tokens":3}}"#);
        assert_eq!(events, [counts(9, 3)]);
    }

    #[test]
    fn two_spellings_and_nulls_cost_nothing() {
        let both = r#"{"choices":[{"index":null,"delta":{"content":"a","reasoning":"r","reasoning_content":"r","tool_calls":null}}],"usage":null}"#;
        assert_eq!(pieces(both), [Event::Thinking("r".into()), Event::Text("a".into())]);
        let usage = pieces(r#"{"choices":null,"usage":{"prompt_tokens":3,"completion_tokens":null}}"#);
        assert_eq!(usage, [counts(3, 0)]);
    }

    #[test]
    fn errors_of_both_shapes_are_read() {
        let said = |body: &[u8]| Reader.failure(body).message;
        assert_eq!(said(br#"{"error":{"message":"no such model"}}"#), "no such model");
        assert_eq!(said(br#"{"error":"no such model"}"#), "no such model");
        assert!(!said(b"<html>").is_empty());
    }
}
