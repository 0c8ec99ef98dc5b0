use std::fmt;

use crate::restore::{Restorer, Tally};
use crate::session::Outcome;
use crate::{Entity, Fault};

/// A text without what was found in it, and the way back. Made by [`Redactor::redact_text`](crate::Redactor::redact_text).
///
/// `Debug` shows counts only. What was replaced is wiped when this is dropped.
pub struct Redacted<'t> {
    original: &'t str,
    redacted: Option<String>,
    outcome: Outcome,
}

impl<'t> Redacted<'t> {
    pub(crate) fn new(original: &'t str, redacted: Option<String>, outcome: Outcome) -> Self {
        Self { original, redacted, outcome }
    }

    /// The text to hand on; the very one that was given if nothing was found.
    #[must_use]
    pub fn text(&self) -> &str {
        self.redacted.as_deref().unwrap_or(self.original)
    }

    /// How many of each entity were found.
    #[must_use]
    pub fn counts(&self) -> &[(Entity, u32)] {
        &self.outcome.counts
    }

    /// `answer` with the placeholders of this text replaced by what they stand for, except in URLs that the text did
    /// not have.
    #[must_use]
    pub fn restore(&self, answer: &str) -> String {
        let mut restored = String::with_capacity(answer.len());
        let mut restorer = Restorer::default();
        let mut tally = Tally::default();
        restorer.push(&self.outcome.vault, answer, true, &mut tally, &mut restored);
        restored
    }
}

impl fmt::Debug for Redacted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redacted").field("counts", &self.outcome.counts).finish_non_exhaustive()
    }
}

/// Why a text was not redacted.
#[derive(Debug)]
#[non_exhaustive]
pub enum RedactError {
    /// Something in it is to be blocked.
    Blocked(Vec<Entity>),
    /// An inspector refuses it, by these rules of its own.
    Refused(Vec<Box<str>>),
    /// It is no strict JSON, for this reason.
    NotJson(Box<str>),
    /// It could not be looked at.
    Fault(Fault),
}

impl fmt::Display for RedactError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Blocked(entities) => {
                f.write_str("blocked:")?;
                entities.iter().try_for_each(|entity| write!(f, " {entity}"))
            }
            Self::Refused(rules) => write!(f, "blocked by {}", rules.join(", ")),
            Self::NotJson(why) => f.write_str(why),
            Self::Fault(fault) => fault.fmt(f),
        }
    }
}

impl std::error::Error for RedactError {}
