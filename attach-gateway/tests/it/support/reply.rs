//! What a model server answers.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use serde_json::Value;
use tokio::sync::Notify;

/// A part of an answer's body.
pub(crate) enum Step {
    Send(Bytes),
    Pause(Duration),
    /// Goes on when somebody says so.
    Await(Arc<Notify>),
    /// Breaks the connection.
    Break,
    /// Nothing follows, and the connection stays.
    Hang,
}

/// An answer.
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) steps: Vec<Step>,
    /// Closes the connection, or does nothing, without any answer.
    pub(super) silent: Option<Silence>,
}

#[derive(Clone, Copy)]
pub(super) enum Silence {
    Close,
    Hang,
}

impl Reply {
    /// A whole answer.
    pub(crate) fn json(status: u16, body: &Value) -> Self {
        Self::stream("application/json", vec![Step::Send(body.to_string().into())]).status(status)
    }

    pub(crate) fn text(kind: &'static str, body: impl Into<Bytes>) -> Self {
        Self::stream(kind, vec![Step::Send(body.into())])
    }

    pub(crate) fn stream(kind: &'static str, steps: Vec<Step>) -> Self {
        Self { status: 200, headers: vec![("content-type", kind.into())], steps, silent: None }
    }

    /// These events, a piece each.
    pub(crate) fn events(kind: &'static str, events: impl IntoIterator<Item = String>) -> Self {
        Self::stream(kind, events.into_iter().map(|event| Step::Send(event.into())).collect())
    }

    pub(crate) fn status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    pub(crate) fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// The connection is closed before there is an answer.
    pub(crate) fn close() -> Self {
        Self { silent: Some(Silence::Close), ..Self::stream("", Vec::new()) }
    }

    /// There is never an answer.
    pub(crate) fn never() -> Self {
        Self { silent: Some(Silence::Hang), ..Self::stream("", Vec::new()) }
    }

    /// Everything that is sent.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let sent = self.steps.iter().filter_map(|step| match step {
            Step::Send(bytes) => Some(&bytes[..]),
            _ => None,
        });
        sent.collect::<Vec<_>>().concat()
    }

    /// Everything that is sent, as text.
    pub(crate) fn sent_text(&self) -> String {
        String::from_utf8(self.bytes()).unwrap()
    }

    /// The same bytes, in pieces of `size`, wherever they break.
    pub(crate) fn in_pieces_of(mut self, size: usize) -> Self {
        let whole = self.bytes();
        self.steps = whole.chunks(size).map(|piece| Step::Send(Bytes::copy_from_slice(piece))).collect();
        self
    }
}
