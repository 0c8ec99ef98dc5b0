use std::fmt;

use crate::call::{Api, Dialect};

use super::json::Json;
use super::lines::Lines;
use super::sse::Sse;
use super::tally::Tally;
use super::{Answer, Ending, Usage, Wire, anthropic, ollama, openai, responses};

/// Reads what an answer used, while it passes.
///
/// The bytes may come in any pieces; the result depends on the bytes alone.
///
/// # What the figures mean
///
/// - As soon as the upstream states its figures they count, and the [`Source`](super::Source) is `Reported`. Streams
///   that state them again and again do so cumulatively: the largest statement counts, nothing is summed.
/// - Until then, and for text that passes after the last statement, output is estimated: the bytes of the text
///   divided by four, at least one per delta. Input is 0 until stated. So after a disconnect the source is
///   `Estimated`, with the input of Anthropic's `message_start` and the output that passed. An event that cannot
///   be read counts as one token; a report of no output after text is none.
/// - A figure that is negative, fractional, no number or above 10¹² is taken as not given. A cached or reasoning
///   part never exceeds its whole.
/// - Where OpenAI-compatible servers count reasoning apart (`total_tokens` exceeds prompt and completion), it is
///   added to the output.
/// - Operations that make no model work (`count_tokens`, `show`) use nothing.
pub struct Meter {
    api: Api,
    reader: Reader,
    tally: Tally,
}

#[derive(Debug)]
enum Reader {
    Json(Json),
    Sse(Sse),
    Ndjson(Lines),
}

/// One JSON document to read: an event of a stream, or the members that matter of a unary answer.
#[derive(Debug, Clone, Copy)]
pub(super) struct Event<'a> {
    pub(super) name: Option<&'a str>,
    pub(super) data: &'a [u8],
    pub(super) unary: bool,
}

impl<'a> Event<'a> {
    fn unary(data: &'a [u8]) -> Self {
        Self { name: None, data, unary: true }
    }

    fn line(line: &'a [u8]) -> Self {
        Self { name: None, data: line.trim_ascii(), unary: false }
    }
}

impl Meter {
    /// A meter for one answer to `api`, arriving as `wire`.
    #[must_use]
    pub fn new(api: Api, wire: Wire) -> Self {
        let reader = match wire {
            Wire::Json => Reader::Json(Json::default()),
            Wire::Sse => Reader::Sse(Sse::new()),
            Wire::Ndjson => Reader::Ndjson(Lines::new(false)),
        };
        Self { api, reader, tally: Tally::default() }
    }

    /// Reads the next bytes of the answer.
    pub fn push(&mut self, bytes: &[u8]) {
        let Self { api, reader, tally } = self;
        match reader {
            Reader::Json(json) => {
                if let Some(data) = json.push(bytes, |text| tally.more_text(text)) {
                    read(*api, Event::unary(&data), tally);
                    tally.end(Ending::Complete);
                }
            }
            Reader::Sse(sse) => sse.push(bytes, |event| read(*api, event, tally)),
            Reader::Ndjson(lines) => lines.push(bytes, |line| read(*api, Event::line(line), tally)),
        }
    }

    /// The answer has ended: reads a last event that lacks its terminator, if it is whole.
    pub fn end(&mut self) {
        let Self { api, reader, tally } = self;
        // Half an event is no error here: a body that breaks off ends in one.
        match reader {
            Reader::Json(_) => {}
            Reader::Sse(sse) => sse.end(|event| _ = try_read(*api, event, tally)),
            Reader::Ndjson(lines) => lines.end(|line| _ = try_read(*api, Event::line(line), tally)),
        }
    }

    /// What has been used so far.
    #[must_use]
    pub fn usage(&self) -> Usage {
        match self.api {
            Api::AnthropicCountTokens | Api::OllamaShow => Usage::default(),
            Api::OpenAiEmbeddings | Api::OllamaEmbed => self.tally.input_only(),
            api => self.tally.usage(api.dialect() == Dialect::Ollama),
        }
    }

    /// What the upstream has said about its answer.
    #[must_use]
    pub fn answer(&self) -> &Answer {
        &self.tally.answer
    }

    /// How the answer ended, once its completing event has passed.
    ///
    /// That is `[DONE]`, `message_stop`, `"done":true`, `response.completed|incomplete|failed` or an error; of a
    /// unary answer, the last brace. `None` for an answer that broke off, and for servers that send no `[DONE]`:
    /// see [`saw_finish`](Self::saw_finish).
    #[must_use]
    pub fn ending(&self) -> Option<Ending> {
        self.tally.ending
    }

    /// Whether a reason for the end of generation has been seen (`finish_reason`, `stop_reason`, `done_reason`).
    #[must_use]
    pub fn saw_finish(&self) -> bool {
        self.tally.finished
    }

    /// Whether something was too long to be read, so that the figures may lack a statement of the upstream.
    ///
    /// The bounds are 1 MiB for a line or an event of a stream and 64 KiB for one member of a unary answer.
    #[must_use]
    pub fn skipped(&self) -> bool {
        match &self.reader {
            Reader::Json(json) => json.skipped(),
            Reader::Sse(sse) => sse.skipped(),
            Reader::Ndjson(lines) => lines.skipped,
        }
    }
}

/// Shows no byte of the answer.
impl fmt::Debug for Meter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Meter")
            .field("api", &self.api)
            .field("usage", &self.usage())
            .field("ending", &self.ending())
            .finish_non_exhaustive()
    }
}

fn read(api: Api, event: Event<'_>, tally: &mut Tally) {
    if try_read(api, event, tally).is_err() && !event.unary && !event.data.is_empty() {
        tally.unreadable();
    }
}

fn try_read(api: Api, event: Event<'_>, tally: &mut Tally) -> serde_json::Result<()> {
    if event.data == b"[DONE]" {
        tally.end(Ending::Complete);
        return Ok(());
    }
    match api {
        Api::OpenAiChat | Api::OpenAiCompletions | Api::OpenAiEmbeddings => openai::read(event, tally),
        Api::OpenAiResponses => responses::read(event, tally),
        Api::AnthropicMessages | Api::AnthropicCountTokens => anthropic::read(event, tally),
        Api::OllamaChat | Api::OllamaGenerate | Api::OllamaEmbed | Api::OllamaShow => {
            ollama::read(event, tally)
        }
    }
}
