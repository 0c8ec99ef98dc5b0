use serde::Deserialize;
use serde_json::value::RawValue;

use attach_core::Usage as Counts;
use attach_core::body::sse_events;
use attach_core::usage::Source;

use super::failure::{ErrorBody, read_failure};
use crate::translate::canonical::{Embeddings, Event, Failure, Finish, ReadAnswer};

/// Reads the answers of `POST /v1/chat/completions`.
#[derive(Debug, Default)]
pub(crate) struct Reader {
    /// The model has refused; OpenAI says `stop` then as it does otherwise.
    refused: bool,
}

impl ReadAnswer for Reader {
    fn frame(&mut self, frame: &[u8], out: &mut Vec<Event>) {
        for event in sse_events(frame) {
            self.event(&event.data, out);
        }
    }

    fn whole(&mut self, bytes: &[u8]) -> Option<Vec<Event>> {
        let chunk: Chunk = serde_json::from_slice(bytes).ok()?;
        let mut events = Vec::new();
        self.chunk(chunk, &mut events);
        (!events.is_empty()).then_some(events)
    }

    fn failure(&mut self, bytes: &[u8]) -> Failure {
        read_failure(bytes)
    }

    // How it ended was said before.
    fn end(&mut self, _: &mut Vec<Event>) {}
}

impl Reader {
    fn event(&mut self, data: &str, out: &mut Vec<Event>) {
        if data.trim() == "[DONE]" {
            out.push(Event::Done);
        } else if let Ok(chunk) = serde_json::from_str::<Chunk>(data) {
            self.chunk(chunk, out);
        }
    }

    /// The first choice only: other dialects have no word for a second one.
    fn chunk(&mut self, chunk: Chunk, out: &mut Vec<Event>) {
        out.extend(chunk.error.map(|error| Event::Error(error.failure())));
        let first = |choice: &Choice| choice.index.unwrap_or(0) == 0;
        if let Some(choice) = chunk.choices.into_iter().flatten().find(first) {
            self.choice(choice, out);
        }
        out.extend(chunk.usage.map(|usage| Event::Usage(usage.counts())));
    }

    fn choice(&mut self, choice: Choice, out: &mut Vec<Event>) {
        if let Some(delta) = choice.delta.or(choice.message) {
            self.refused |= delta.refusal.as_deref().is_some_and(|text| !text.is_empty());
            delta.events(out);
        }
        if let Some(reason) = choice.finish_reason {
            out.push(Event::Finish(match reason.as_str() {
                "length" => Finish::Length,
                "tool_calls" | "function_call" => Finish::Tools,
                "content_filter" => Finish::Filtered,
                _ if self.refused => Finish::Filtered,
                _ => Finish::Stop,
            }));
        }
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
    content: Option<Content>,
    refusal: Option<String>,
    reasoning_content: Option<String>,
    reasoning: Option<String>,
    tool_calls: Option<Vec<ToolDelta>>,
}

/// Mistral's models that think answer in parts.
#[derive(Deserialize)]
#[serde(untagged)]
enum Content {
    Text(String),
    Parts(Vec<Part>),
}

#[derive(Deserialize)]
struct Part {
    text: Option<String>,
    thinking: Option<Vec<TextPart>>,
}

#[derive(Deserialize)]
struct TextPart {
    text: Option<String>,
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
    arguments: Option<Box<RawValue>>,
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

impl Delta {
    fn events(self, out: &mut Vec<Event>) {
        let thinking = self.reasoning_content.or(self.reasoning);
        out.extend(thinking.filter(|text| !text.is_empty()).map(Event::Thinking));
        self.content.into_iter().for_each(|content| content.events(out));
        out.extend(self.refusal.filter(|text| !text.is_empty()).map(Event::Text));
        for (place, tool) in (0..).zip(self.tool_calls.unwrap_or_default()) {
            let Some(function) = tool.function else { continue };
            out.push(Event::Tool {
                index: tool.index.unwrap_or(place),
                id: tool.id,
                name: function.name.unwrap_or_default(),
                arguments: function.arguments.as_deref().map(arguments).unwrap_or_default(),
            });
        }
    }
}

impl Content {
    fn events(self, out: &mut Vec<Event>) {
        match self {
            Self::Text(text) => out.extend(Some(text).filter(|text| !text.is_empty()).map(Event::Text)),
            Self::Parts(parts) => parts.into_iter().for_each(|part| match (part.text, part.thinking) {
                (Some(text), _) => out.push(Event::Text(text)),
                (None, Some(thoughts)) => {
                    out.extend(thoughts.into_iter().filter_map(|part| part.text).map(Event::Thinking));
                }
                (None, None) => {}
            }),
        }
    }
}

/// A text of JSON; some servers send the JSON itself.
fn arguments(from: &RawValue) -> String {
    serde_json::from_str(from.get()).unwrap_or_else(|_| match from.get() {
        "null" => String::new(),
        json => json.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces(data: &str) -> Vec<Event> {
        let mut out = Vec::new();
        Reader::default().event(data, &mut out);
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
    fn a_refusal_is_said_and_ends_as_filtered() {
        let refused =
            r#"{"choices":[{"message":{"content":null,"refusal":"I cannot"},"finish_reason":"stop"}]}"#;
        assert_eq!(pieces(refused), [Event::Text("I cannot".into()), Event::Finish(Finish::Filtered)]);
    }

    #[test]
    fn content_in_parts_is_thoughts_and_text() {
        let parts = r#"{"choices":[{"delta":{"content":[{"type":"thinking","thinking":[{"type":"text","text":"hm"}]},{"type":"text","text":"a"}]}}]}"#;
        assert_eq!(pieces(parts), [Event::Thinking("hm".into()), Event::Text("a".into())]);
    }

    #[test]
    fn arguments_that_are_no_text_are_taken_as_they_are() {
        let call = r#"{"choices":[{"delta":{"tool_calls":[{"id":"c","function":{"name":"f","arguments":{"a":1}}}]}}]}"#;
        let [Event::Tool { arguments, .. }] = &pieces(call)[..] else { panic!("one call") };
        assert_eq!(arguments, "{\"a\":1}");
    }
}
