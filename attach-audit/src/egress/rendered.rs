//! One record as a target sends it.

use crate::format::Format;
use crate::log::Line;
use crate::read::Entry;

/// How grave a record is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Severity {
    Info,
    Warn,
    Error,
}

/// A record, and what is sent of it.
///
/// A line that does not read as a record is [`verify`](crate::verify)'s business. Here it is sent as it is, for what is
/// wrong with a log should be seen elsewhere too.
#[derive(Debug)]
pub(super) struct Rendered<'a> {
    pub(super) entry: Entry<'a>,
    /// The record in its format.
    pub(super) text: Vec<u8>,
    readable: bool,
}

impl<'a> Rendered<'a> {
    pub(super) fn new(line: &'a Line, format: Format) -> Self {
        let Ok(entry) = Entry::parse(&line.bytes) else {
            return Self { entry: Entry::default(), text: line.bytes.to_vec(), readable: false };
        };
        let mut text = Vec::with_capacity(line.bytes.len());
        format.write(&entry, &line.bytes, &mut text);
        Self { entry, text, readable: true }
    }

    /// Its kind; `unreadable` if it has none.
    pub(super) fn kind(&self) -> &str {
        if self.readable && !self.entry.kind.is_empty() { &self.entry.kind } else { "unreadable" }
    }

    /// A refusal is a warning; what went wrong, or is missing from the log, is an error.
    pub(super) fn severity(&self) -> Severity {
        match (self.kind(), &*self.entry.decision.result) {
            ("gap" | "orphan" | "unreadable", _) | (_, "error") => Severity::Error,
            (_, "deny") => Severity::Warn,
            _ => Severity::Info,
        }
    }
}
