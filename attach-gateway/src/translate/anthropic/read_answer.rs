use attach_core::Usage;
use attach_core::body::sse_events;
use attach_core::usage::Source;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::translate::canonical::{Event, Failure, Finish, ReadAnswer};

/// Reads the answers of `POST /v1/messages`.
#[derive(Debug, Default)]
pub(crate) struct Reader {
    usage: Usage,
    /// The blocks that are tool calls, in order: a call's place here is its number.
    calls: Vec<Call>,
}

#[derive(Debug)]
struct Call {
    block: u64,
    /// Something of its arguments has come.
    said: bool,
}

impl ReadAnswer for Reader {
    fn frame(&mut self, frame: &[u8], out: &mut Vec<Event>) {
        for event in sse_events(frame) {
            if let Ok(part) = serde_json::from_str::<Part>(&event.data) {
                self.part(part, event.name, out);
            }
        }
    }

    fn whole(&mut self, bytes: &[u8]) -> Option<Vec<Event>> {
        let message: Message = serde_json::from_slice(bytes).ok()?;
        let mut out = Vec::new();
        for (index, block) in (0..).zip(message.content?) {
            self.start(index, block, &mut out);
            self.stop(index, &mut out);
        }
        let stop = Delta {
            stop_reason: message.stop_reason,
            stop_sequence: message.stop_sequence,
            ..Delta::default()
        };
        out.extend(stop.finish());
        self.count(message.usage, &mut out);
        Some(out)
    }

    fn failure(&mut self, bytes: &[u8]) -> Failure {
        #[derive(Deserialize)]
        struct Body {
            error: ErrorBody,
        }
        serde_json::from_slice::<Body>(bytes).map_or_else(|_| Failure::unknown(), |body| body.error.failure())
    }

    // How it ended was said before.
    fn end(&mut self, _: &mut Vec<Event>) {}
}

/// An event of a stream. Every member may be absent or null, and what is not known is passed over.
#[derive(Deserialize)]
struct Part {
    r#type: Option<String>,
    index: Option<u64>,
    message: Option<Message>,
    content_block: Option<Block>,
    delta: Option<Delta>,
    usage: Option<Figures>,
    error: Option<ErrorBody>,
}

#[derive(Deserialize)]
struct Message {
    content: Option<Vec<Block>>,
    stop_reason: Option<String>,
    stop_sequence: Option<String>,
    usage: Option<Figures>,
}

#[derive(Deserialize)]
struct Block {
    r#type: Option<String>,
    text: Option<String>,
    thinking: Option<String>,
    signature: Option<String>,
    data: Option<String>,
    id: Option<String>,
    name: Option<String>,
    input: Option<Box<RawValue>>,
}

#[derive(Default, Deserialize)]
struct Delta {
    text: Option<String>,
    thinking: Option<String>,
    signature: Option<String>,
    partial_json: Option<String>,
    stop_reason: Option<String>,
    stop_sequence: Option<String>,
}

#[derive(Deserialize)]
struct Figures {
    input_tokens: Option<u64>,
    cache_creation_input_tokens: Option<u64>,
    cache_read_input_tokens: Option<u64>,
    output_tokens: Option<u64>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum ErrorBody {
    Text(String),
    Object { r#type: Option<String>, message: Option<String> },
}

impl Reader {
    fn part(&mut self, part: Part, name: Option<&str>, out: &mut Vec<Event>) {
        match part.r#type.as_deref().or(name).unwrap_or_default() {
            "message_start" => self.count(part.message.and_then(|message| message.usage), out),
            "content_block_start" => {
                if let Some(block) = part.content_block {
                    self.start(part.index.unwrap_or_default(), block, out);
                }
            }
            "content_block_delta" => {
                if let Some(delta) = part.delta {
                    self.delta(part.index.unwrap_or_default(), delta, out);
                }
            }
            "content_block_stop" => self.stop(part.index.unwrap_or_default(), out),
            "message_delta" => {
                out.extend(part.delta.and_then(Delta::finish));
                self.count(part.usage, out);
            }
            "message_stop" => out.push(Event::Done),
            "error" => out.push(Event::Error(part.error.map_or_else(Failure::unknown, ErrorBody::failure))),
            _ => {}
        }
    }

    /// A block, whole or as it begins. What the provider's own tools did has no word elsewhere.
    fn start(&mut self, index: u64, block: Block, out: &mut Vec<Event>) {
        let said = |text: Option<String>| text.filter(|text| !text.is_empty());
        match block.r#type.as_deref() {
            Some("text") => out.extend(said(block.text).map(Event::Text)),
            Some("thinking") => {
                out.extend(said(block.thinking).map(Event::Thinking));
                out.extend(said(block.signature).map(Event::Signature));
            }
            Some("redacted_thinking") => out.extend(said(block.data).map(Event::RedactedThinking)),
            Some("tool_use") => {
                let number = self.calls.len() as u64;
                // In a stream the input is empty here, and comes in pieces.
                let input = block.input.filter(|input| !matches!(input.get(), "{}" | "null" | "\"\""));
                self.calls.push(Call { block: index, said: input.is_some() });
                out.push(Event::Tool {
                    index: number,
                    id: block.id,
                    name: block.name.unwrap_or_default(),
                    arguments: input.map_or_else(String::new, |input| input.get().to_owned()),
                });
            }
            _ => {}
        }
    }

    fn delta(&mut self, index: u64, delta: Delta, out: &mut Vec<Event>) {
        out.extend(delta.text.map(Event::Text));
        out.extend(delta.thinking.map(Event::Thinking));
        out.extend(delta.signature.map(Event::Signature));
        if let Some(arguments) = delta.partial_json.filter(|json| !json.is_empty()) {
            self.arguments(index, arguments, out);
        }
    }

    /// The arguments of a tool that takes none are an empty object, of which no piece comes.
    fn stop(&mut self, index: u64, out: &mut Vec<Event>) {
        if self.calls.iter().any(|call| call.block == index && !call.said) {
            self.arguments(index, "{}".to_owned(), out);
        }
    }

    fn arguments(&mut self, block: u64, arguments: String, out: &mut Vec<Event>) {
        let Some((index, call)) = (0..).zip(&mut self.calls).find(|(_, call)| call.block == block) else {
            return;
        };
        call.said = true;
        out.push(Event::Tool { index, id: None, name: String::new(), arguments });
    }

    /// Later figures replace earlier ones, each of them where it is given.
    fn count(&mut self, figures: Option<Figures>, out: &mut Vec<Event>) {
        let Some(figures) = figures else { return };
        let usage = &mut self.usage;
        let past_cache = usage.input.saturating_sub(usage.cache_read).saturating_sub(usage.cache_write);
        let past_cache = figures.input_tokens.unwrap_or(past_cache);
        usage.cache_read = figures.cache_read_input_tokens.unwrap_or(usage.cache_read);
        usage.cache_write = figures.cache_creation_input_tokens.unwrap_or(usage.cache_write);
        usage.input = past_cache.saturating_add(usage.cache_read).saturating_add(usage.cache_write);
        usage.output = figures.output_tokens.unwrap_or(usage.output);
        usage.source = Source::Reported;
        out.push(Event::Usage(*usage));
    }
}

impl Delta {
    fn finish(self) -> Option<Event> {
        Some(Event::Finish(match self.stop_reason?.as_str() {
            "max_tokens" | "model_context_window_exceeded" => Finish::Length,
            "stop_sequence" => Finish::Sequence(self.stop_sequence),
            "tool_use" => Finish::Tools,
            "refusal" => Finish::Filtered,
            // `end_turn`; `pause_turn` comes only where the provider runs tools, which it is not asked to.
            _ => Finish::Stop,
        }))
    }
}

impl ErrorBody {
    fn failure(self) -> Failure {
        match self {
            Self::Text(message) => Failure { code: None, message },
            Self::Object { r#type, message } => {
                Failure { code: r#type, message: message.unwrap_or_else(|| Failure::unknown().message) }
            }
        }
    }
}
