use std::time::{SystemTime, UNIX_EPOCH};

use attach_core::Usage;

use super::Echo;
use super::items::{Item, Items};
use super::shapes::{Fault, Figures, Head, Reason};
use crate::translate::canonical::{Failure, Finish};

/// What an answer says of itself from its first event to its last.
#[derive(Debug)]
pub(super) struct Answer {
    id: String,
    created: u64,
    model: Box<str>,
    pub(super) echo: Echo,
}

/// How an answer stands.
#[derive(Debug, Clone, Copy)]
pub(super) enum Stand<'a> {
    Begun,
    Ended(Option<&'a Finish>),
    Failed(&'a Failure),
}

impl Answer {
    pub(super) fn new(id: &str, model: &str, echo: Echo) -> Self {
        Self {
            id: format!("resp_{id}"),
            created: SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()),
            model: model.into(),
            echo,
        }
    }

    /// The response object with what is there by now.
    pub(super) fn head<'a>(&'a self, stand: Stand<'a>, items: &'a Items, usage: Option<Usage>) -> Head<'a> {
        let (error, reason) = match stand {
            Stand::Begun => (None, None),
            Stand::Ended(finish) => (None, finish.and_then(reason)),
            Stand::Failed(failure) => (Some(fault(failure)), None),
        };
        Head {
            id: &self.id,
            object: "response",
            created_at: self.created,
            status: stand.status(),
            background: false,
            error,
            incomplete_details: reason.map(|reason| Reason { reason }),
            model: &self.model,
            output: items.iter().map(Item::shape).collect(),
            usage: usage.map(Figures::from),
        }
    }
}

impl Stand<'_> {
    pub(super) fn status(self) -> &'static str {
        match self {
            Self::Begun => "in_progress",
            Self::Ended(finish) if finish.and_then(reason).is_some() => "incomplete",
            Self::Ended(_) => "completed",
            Self::Failed(_) => "failed",
        }
    }

    /// The event that says so.
    pub(super) fn event(self) -> &'static str {
        match self.status() {
            "in_progress" => "response.in_progress",
            "incomplete" => "response.incomplete",
            "failed" => "response.failed",
            _ => "response.completed",
        }
    }
}

/// Why an answer is not all that there was to say.
fn reason(finish: &Finish) -> Option<&'static str> {
    match finish {
        Finish::Length => Some("max_output_tokens"),
        Finish::Filtered => Some("content_filter"),
        Finish::Stop | Finish::Sequence(_) | Finish::Tools => None,
    }
}

/// The API has a list of codes, on which clients rely; of those, two fit a server's own word.
fn fault(failure: &Failure) -> Fault<'_> {
    let said = failure.code.as_deref().unwrap_or_default().to_ascii_lowercase();
    let limited = ["rate_limit", "throttl", "429"].iter().any(|word| said.contains(word));
    Fault { code: if limited { "rate_limit_exceeded" } else { "server_error" }, message: &failure.message }
}
