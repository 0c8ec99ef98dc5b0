use super::{Source, Usage};

const MAX_REASONS: usize = 16;
const MAX_TEXT: usize = 256;

/// What an upstream said about its answer, as far as it has said it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Answer {
    /// The model that answered, in the upstream's words (at most 256 bytes).
    pub model: Option<Box<str>>,
    /// The upstream's id of the answer (at most 256 bytes).
    pub id: Option<Box<str>>,
    /// Why generation stopped, one per choice (at most 16).
    pub finish_reasons: Vec<Box<str>>,
}

/// How an answer came to its end, by its own completing event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Ending {
    /// The answer says it is whole.
    Complete,
    /// The answer says it stopped early (`response.incomplete`).
    Incomplete,
    /// The upstream reported an error in place of the rest.
    Failed,
}

/// One statement of the upstream about tokens, already in our meaning. A figure it did not give is `None`.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Report {
    pub(super) input: Option<u64>,
    pub(super) output: Option<u64>,
    pub(super) cache_read: u64,
    pub(super) cache_write: u64,
    pub(super) reasoning: u64,
}

/// What a [`Meter`](super::Meter) has learned.
///
/// Streams repeat their figures cumulatively, so the largest statement counts and nothing is ever summed. Text
/// that passes after the last statement is estimated on top of it.
#[derive(Debug, Default)]
pub(super) struct Tally {
    input: Option<Input>,
    output: Option<Output>,
    /// A figure too early or too partial to be a statement, but never less than what was used.
    floor: u64,
    /// Text since the last statement about output.
    bytes: u64,
    deltas: u64,
    pub(super) answer: Answer,
    pub(super) ending: Option<Ending>,
    pub(super) finished: bool,
    /// The stream carries more than one choice.
    pub(super) several_choices: bool,
}

#[derive(Debug, Clone, Copy)]
struct Input {
    total: u64,
    cache_read: u64,
    cache_write: u64,
}

#[derive(Debug, Clone, Copy)]
struct Output {
    total: u64,
    reasoning: u64,
}

impl Tally {
    /// A piece of generated text passed.
    pub(super) fn text(&mut self, bytes: u64) {
        if bytes > 0 {
            self.bytes = self.bytes.saturating_add(bytes);
            self.deltas = self.deltas.saturating_add(1);
        }
    }

    /// More of a text that is already counted as one piece passed.
    pub(super) fn more_text(&mut self, bytes: usize) {
        self.bytes = self.bytes.saturating_add(u64::try_from(bytes).unwrap_or(u64::MAX));
    }

    /// An event passed that nobody can read: one token, lest unreadable be free.
    pub(super) fn unreadable(&mut self) {
        self.text(1);
    }

    /// The upstream stated its figures.
    ///
    /// No output after text has passed is no statement: some servers send zeros in every chunk, or even last.
    pub(super) fn report(&mut self, report: Report) {
        if let Some(total) = report.input
            && self.input.is_none_or(|known| total >= known.total)
        {
            let cache_read = report.cache_read.min(total);
            let cache_write = report.cache_write.min(total - cache_read);
            self.input = Some(Input { total, cache_read, cache_write });
        }
        if let Some(total) = report.output
            && (total > 0 || self.bytes == 0)
            && self.output.is_none_or(|known| total >= known.total)
        {
            self.output = Some(Output { total, reasoning: report.reasoning.min(total) });
            (self.bytes, self.deltas) = (0, 0);
        }
    }

    /// Like [`report`](Self::report), but its output figure is only a lower bound.
    pub(super) fn report_early(&mut self, report: Report) {
        self.floor = self.floor.max(report.output.unwrap_or(0));
        self.report(Report { output: None, ..report });
    }

    pub(super) fn model(&mut self, name: &str) {
        first(&mut self.answer.model, name);
    }

    pub(super) fn id(&mut self, id: &str) {
        first(&mut self.answer.id, id);
    }

    /// Choice number `choice` stopped because of `reason`.
    pub(super) fn finish(&mut self, choice: usize, reason: &str) {
        if reason.is_empty() {
            return;
        }
        self.finished = true;
        let reasons = &mut self.answer.finish_reasons;
        if let Some(known) = reasons.get_mut(choice) {
            *known = bounded(reason);
        } else if reasons.len() < MAX_REASONS {
            reasons.push(bounded(reason));
        }
    }

    /// The completing event passed. The first one counts: `[DONE]` also follows an error.
    pub(super) fn end(&mut self, ending: Ending) {
        self.ending.get_or_insert(ending);
    }

    /// The figures of an answer made of text; `input_optional` where a cached prompt is not reported at all.
    pub(super) fn usage(&self, input_optional: bool) -> Usage {
        let estimate = self.bytes.div_ceil(4).max(self.deltas);
        let stated = self.output.map_or(0, |output| output.total);
        let covered = self.output.is_some() && estimate == 0;
        let reported = covered && (input_optional || self.input.is_some());
        Usage {
            output: if covered { stated } else { stated.saturating_add(estimate).max(self.floor) },
            reasoning: self.output.map_or(0, |output| output.reasoning),
            source: if reported { Source::Reported } else { Source::Estimated },
            ..self.input_only()
        }
    }

    /// The figures of an answer that is no text: embeddings.
    pub(super) fn input_only(&self) -> Usage {
        let Some(input) = self.input else {
            return Usage::default();
        };
        Usage {
            input: input.total,
            cache_read: input.cache_read,
            cache_write: input.cache_write,
            source: Source::Reported,
            ..Usage::default()
        }
    }
}

/// Some servers open with an empty name, so the first that says something counts.
fn first(slot: &mut Option<Box<str>>, value: &str) {
    if slot.is_none() && !value.is_empty() {
        *slot = Some(bounded(value));
    }
}

fn bounded(text: &str) -> Box<str> {
    let mut end = text.len().min(MAX_TEXT);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text[..end].into()
}
