//! OpenAI's Responses: the response object, and the events of its stream.

use serde::Deserialize;

use super::Ending;
use super::lenient::{Count, Name, Object, Set, Text};
use super::meter::Event;
use super::tally::{Report, Tally};

#[derive(Default, Deserialize)]
#[serde(default)]
struct StreamEvent<'a> {
    #[serde(borrow, rename = "type")]
    kind: Name<'a>,
    delta: Text,
    #[serde(borrow)]
    response: Object<Response<'a>>,
    error: Set,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Response<'a> {
    #[serde(borrow)]
    id: Name<'a>,
    #[serde(borrow)]
    model: Name<'a>,
    #[serde(borrow)]
    status: Name<'a>,
    #[serde(borrow)]
    incomplete_details: Object<Incomplete<'a>>,
    usage: Object<Figures>,
    error: Set,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Incomplete<'a> {
    #[serde(borrow)]
    reason: Name<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Figures {
    input_tokens: Count,
    output_tokens: Count,
    input_tokens_details: Object<InputDetails>,
    output_tokens_details: Object<OutputDetails>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct InputDetails {
    cached_tokens: Count,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct OutputDetails {
    reasoning_tokens: Count,
}

pub(super) fn read(event: Event<'_>, tally: &mut Tally) -> serde_json::Result<()> {
    if event.unary {
        let Object(response) = serde_json::from_slice::<Object<Response<'_>>>(event.data)?;
        response.read(tally);
        if let Some(ending) = response.ending() {
            response.finish(tally);
            tally.end(ending);
        }
        return Ok(());
    }
    let Object(part) = serde_json::from_slice::<Object<StreamEvent<'_>>>(event.data)?;
    let kind = if part.kind.0.is_empty() { event.name.unwrap_or_default() } else { &part.kind.0 };
    // Audio comes as base64, which is no text.
    if kind.ends_with(".delta") && kind != "response.audio.delta" {
        tally.text(part.delta.0);
    }
    part.response.0.read(tally);
    let ending = match kind {
        "response.completed" => Ending::Complete,
        "response.incomplete" => Ending::Incomplete,
        "response.failed" | "error" => Ending::Failed,
        _ if part.error.0 => Ending::Failed,
        _ => return Ok(()),
    };
    part.response.0.finish(tally);
    tally.end(ending);
    Ok(())
}

impl Response<'_> {
    fn read(&self, tally: &mut Tally) {
        let figures = &self.usage.0;
        tally.id(&self.id.0);
        tally.model(&self.model.0);
        tally.report(Report {
            input: figures.input_tokens.0,
            output: figures.output_tokens.0,
            cache_read: figures.input_tokens_details.0.cached_tokens.or_zero(),
            cache_write: 0,
            reasoning: figures.output_tokens_details.0.reasoning_tokens.or_zero(),
        });
    }

    /// The reason of the end, or where there is none the status.
    fn finish(&self, tally: &mut Tally) {
        let reason = &self.incomplete_details.0.reason.0;
        tally.finish(0, if reason.is_empty() { &self.status.0 } else { reason });
    }

    fn ending(&self) -> Option<Ending> {
        match self.status.0.as_ref() {
            "completed" => Some(Ending::Complete),
            "incomplete" => Some(Ending::Incomplete),
            "failed" | "cancelled" => Some(Ending::Failed),
            _ => self.error.0.then_some(Ending::Failed),
        }
    }
}
