use std::fmt;

use attach_core::Usage;
use bytes::Bytes;
use http::StatusCode;

/// A piece of an answer.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::translate) enum Event {
    Text(String),
    Thinking(String),
    /// The provider's signature under the thoughts before it.
    Signature(String),
    /// Thoughts that only their provider can read.
    RedactedThinking(String),
    /// A part of a tool call; name and arguments accumulate per index, the id comes with the first part.
    Tool {
        index: u64,
        id: Option<String>,
        name: String,
        arguments: String,
    },
    Finish(Finish),
    /// What has been used so far, all of it: a later one replaces an earlier one.
    Usage(Usage),
    Error(Failure),
    /// Nothing follows.
    Done,
}

/// Why a model stopped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::translate) enum Finish {
    Stop,
    /// It came to one of the caller's stop sequences; which, where the provider says so.
    Sequence(Option<String>),
    Length,
    Tools,
    /// The provider's own filter, or a refusal.
    Filtered,
}

/// Why there is no answer, or not the rest of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::translate) struct Failure {
    /// The provider's own word: `overloaded_error`, `ThrottlingException` …
    pub(in crate::translate) code: Option<String>,
    pub(in crate::translate) message: String,
}

/// Reads a dialect's answers.
pub(in crate::translate) trait ReadAnswer: fmt::Debug + Send + Sync {
    /// The pieces in one frame of a stream. What is not understood says nothing.
    fn frame(&mut self, frame: &[u8], out: &mut Vec<Event>);

    /// The pieces of a whole answer; `None` if it is not one.
    fn whole(&mut self, bytes: &[u8]) -> Option<Vec<Event>>;

    /// An error's body, however the server shapes it.
    fn failure(&mut self, bytes: &[u8]) -> Failure;

    /// The stream is over: what its end says of it, if anything.
    fn end(&mut self, out: &mut Vec<Event>);
}

/// Writes answers in a dialect.
pub(in crate::translate) trait WriteAnswer: fmt::Debug + Send + Sync {
    /// Writes one piece of a stream.
    fn write(&mut self, event: Event, out: &mut Vec<u8>);

    /// Writes what is missing at the end of a stream: nothing if it was broken off, or is over already.
    fn end(&mut self, out: &mut Vec<u8>);

    /// A whole answer as one object; `None` if it is not an answer.
    fn whole(&mut self, events: Vec<Event>) -> Option<Bytes>;

    /// The body of an answer with an error status.
    fn failure(&self, status: StatusCode, failure: &Failure) -> Bytes;
}

impl Event {
    /// What has been used, if it says so.
    pub(in crate::translate) fn usage(&self) -> Option<Usage> {
        match self {
            Self::Usage(usage) => Some(*usage),
            _ => None,
        }
    }
}

impl Failure {
    /// What is said of a server that did not say anything.
    pub(in crate::translate) fn unknown() -> Self {
        Self { code: None, message: "the model server answered with an error".into() }
    }
}
