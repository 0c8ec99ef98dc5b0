use serde::Deserialize;
use serde_json::value::RawValue;

use crate::translate::canonical::{Embeddings, Event, Finish};

/// The pieces in one event of a stream. What is not understood says nothing.
pub(crate) fn read_event(data: &str) -> Vec<Event> {
    if data.trim() == "[DONE]" {
        return vec![Event::Done];
    }
    let mut events = Vec::new();
    if let Ok(chunk) = serde_json::from_str::<Chunk>(data) {
        chunk.events(&mut events);
    }
    events
}

/// The pieces of a whole answer; `None` if it is not one.
pub(crate) fn read_answer(bytes: &[u8]) -> Option<Vec<Event>> {
    let chunk: Chunk = serde_json::from_slice(bytes).ok()?;
    let mut events = Vec::new();
    chunk.events(&mut events);
    (!events.is_empty()).then_some(events)
}

/// The message of an error, however the server shapes it.
pub(crate) fn read_error(bytes: &[u8]) -> String {
    #[derive(Deserialize)]
    struct Body {
        error: ErrorBody,
    }
    serde_json::from_slice::<Body>(bytes)
        .map_or_else(|_| "the model server answered with an error".into(), |body| body.error.message())
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
}

#[derive(Deserialize)]
#[serde(untagged)]
enum ErrorBody {
    Text(String),
    Object { message: Option<String> },
}

impl ErrorBody {
    fn message(self) -> String {
        match self {
            Self::Text(text) => text,
            Self::Object { message } => {
                message.unwrap_or_else(|| "the model server answered with an error".into())
            }
        }
    }
}

impl Chunk {
    /// The first choice only: the caller's dialect has no word for a second one.
    fn events(self, out: &mut Vec<Event>) {
        if let Some(error) = self.error {
            out.push(Event::Error(error.message()));
        }
        if let Some(choice) = self.choices.into_iter().flatten().find(|choice| choice.index.unwrap_or(0) == 0)
        {
            choice.events(out);
        }
        if let Some(usage) = self.usage {
            let (input, output) = (usage.prompt_tokens, usage.completion_tokens);
            out.push(Event::Usage { input: input.unwrap_or(0), output: output.unwrap_or(0) });
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

    #[test]
    fn a_chunk_with_empty_choices_brings_the_usage() {
        let events = read_event(r#"{"choices":[],"usage":{"prompt_tokens":9,"completion_tokens":3}}"#);
        assert_eq!(events, [Event::Usage { input: 9, output: 3 }]);
    }

    #[test]
    fn two_spellings_and_nulls_cost_nothing() {
        let both = r#"{"choices":[{"index":null,"delta":{"content":"a","reasoning":"r","reasoning_content":"r","tool_calls":null}}],"usage":null}"#;
        assert_eq!(read_event(both), [Event::Thinking("r".into()), Event::Text("a".into())]);
        let usage = read_event(r#"{"choices":null,"usage":{"prompt_tokens":3,"completion_tokens":null}}"#);
        assert_eq!(usage, [Event::Usage { input: 3, output: 0 }]);
    }

    #[test]
    fn errors_of_both_shapes_are_read() {
        assert_eq!(read_error(br#"{"error":{"message":"no such model"}}"#), "no such model");
        assert_eq!(read_error(br#"{"error":"no such model"}"#), "no such model");
        assert!(!read_error(b"<html>").is_empty());
    }
}
