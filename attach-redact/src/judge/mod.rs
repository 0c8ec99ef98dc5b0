//! Inspectors of answers: what a model says is shown to them before the caller sees it.
//!
//! They see an answer as the upstream gave it, before placeholders are restored: what the caller wrote and was replaced is not
//! told to anybody for the sake of the answer, and a guardrail that masks names does not mask the caller's own.

use std::ops::Range;

use attach_core::exchange::Coverage;
use attach_core::{Api, Exchange, Outcome, Rejection};
use http::StatusCode;

use crate::engine::Reads;
use crate::inspect::{Seen, ask_readers};
use crate::{Fault, Finding, Redactor};

mod deltas;
mod ending;
mod event;
mod held;
mod leaves;
mod mask;
mod paths;
mod queue;
mod running;
mod shown;
mod silenced;
mod sound;
mod spans;
mod tokens;
mod whole;
mod wholes;
mod withheld;

pub(crate) use self::held::Held;
pub(crate) use self::whole::whole;

/// Who looks at one answer.
#[derive(Clone)]
pub(crate) struct Judge {
    redactor: Redactor,
    exchange: Exchange,
    api: Api,
}

/// What is to be masked in each of the texts that were shown.
type Masks = Vec<Vec<Range<usize>>>;

impl Judge {
    /// Who looks at the answer to the call of `exchange`; `None` if nobody does, or the call is none that is answered in words.
    pub(crate) fn of(redactor: &Redactor, exchange: &Exchange) -> Option<Self> {
        let api = exchange.api().filter(|api| says_something(*api))?;
        let judge = Self { redactor: redactor.clone(), exchange: exchange.clone(), api };
        (!redactor.answer_inspectors().is_empty()).then_some(judge)
    }

    /// What is to be masked in `texts`.
    ///
    /// # Errors
    ///
    /// When the answer is blocked, or an inspector that has to look at it cannot.
    async fn look(self, texts: Vec<String>) -> Result<Masks, Rejection> {
        // Clients open the escapes in arguments, and people those in code.
        let texts: Vec<_> = texts.iter().map(|text| (text, Reads::of(text))).collect();
        let seen = ask_readers(self.redactor.answer_inspectors(), &texts).await;
        let Seen { findings, refusals, refused_by, partial } = seen.map_err(failed)?;
        if !refusals.is_empty() {
            return Err(blocked(&refusals, &refused_by));
        }
        self.exchange.facts(|facts| {
            let redaction = facts.redaction.get_or_insert_default();
            redaction.answer = true;
            // Of a call that was not redacted nothing becomes so by looking at its answer.
            if partial && redaction.coverage == Coverage::Full {
                redaction.coverage = Coverage::Partial;
            }
        });
        Ok(findings.into_iter().map(ranges).collect())
    }

    /// States that the answer ends otherwise than its upstream ended it, whatever that was: nobody further out has seen it.
    fn overrule(&self) {
        self.exchange.reopen();
    }
}

/// Whether a model's words answer a call of `api`.
fn says_something(api: Api) -> bool {
    matches!(
        api,
        Api::OpenAiChat
            | Api::OpenAiCompletions
            | Api::OpenAiResponses
            | Api::AnthropicMessages
            | Api::OllamaChat
            | Api::OllamaGenerate
    )
}

fn ranges(findings: Vec<Finding>) -> Vec<Range<usize>> {
    findings.into_iter().map(|finding| finding.range).collect()
}

/// The status is the answer's: it ends as an answer does that a provider's own filter has ended.
fn blocked(refusals: &[Box<str>], by: &[&'static str]) -> Rejection {
    let message = format!("the answer contains what must not be shown, by {}", refusals.join(", "));
    let reason = format!("the answer, by {}: {}", by.join(", "), refusals.join(", "));
    Rejection::new(StatusCode::OK, "content_blocked", message)
        .with_outcome(Outcome::Blocked)
        .with_reason(reason)
}

fn failed(fault: Fault) -> Rejection {
    uninspected(&format!("the answer: {}", fault.reason()))
}

/// 503 `redaction_failed`: what nobody could look at is not shown.
pub(crate) fn uninspected(reason: &str) -> Rejection {
    let message = "the answer could not be inspected, so it is withheld";
    Rejection::new(StatusCode::SERVICE_UNAVAILABLE, "redaction_failed", message)
        .with_outcome(Outcome::Failed)
        .with_reason(reason)
}
