//! Where records go: the [`Sink`] trait, and a sink in memory.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::sync::{OwnedSemaphorePermit, oneshot};

use crate::Record;

mod memory;

pub use self::memory::Memory;

/// Takes records and says when each of them is durable.
///
/// [`Log`](crate::Log) is the one to use; another is a few lines:
///
/// ```
/// use attach_audit::{Ack, Audit, Record, Sink};
/// use std::io::Write;
///
/// struct Stderr;
///
/// impl Sink for Stderr {
///     fn append(&self, record: &Record<'_>, ack: Ack) {
///         match writeln!(std::io::stderr(), "{}", record.to_json()) {
///             Ok(()) => ack.durable(),
///             Err(error) => ack.failed(error.to_string()),
///         }
///     }
/// }
///
/// let audit = Audit::new(Stderr);
/// ```
pub trait Sink: Send + Sync + 'static {
    /// Takes one record. Must not block for longer than it takes to copy it: it is called on the request path and
    /// from destructors. The sink keeps `ack` until it knows.
    fn append(&self, record: &Record<'_>, ack: Ack);

    /// Takes one record and the line of content it refers to (JSON, newline at its end): neither is durable without the
    /// other. A sink that keeps no content refuses such a record.
    fn append_with(&self, record: &Record<'_>, content: &str, ack: Ack) {
        let _ = (record, content);
        ack.failed("this sink keeps no content");
    }

    /// Whether records are taken at all. While this is false new requests are refused before any work is done.
    fn is_ready(&self) -> bool {
        true
    }

    /// From now on the configuration with this digest is in force: records that say nothing of another are made under
    /// it. A sink that does not name configurations need not know.
    fn configured(&self, hash: &str) {
        let _ = hash;
    }

    /// Takes the last record there will be.
    fn close(&self, record: &Record<'_>, ack: Ack) {
        self.append(record, ack);
    }
}

/// The sink's side of one record: says once whether it is durable. Dropped without a word, it is not.
///
/// It also holds the record's place in the bounded queue, so a sink must let go of it.
pub struct Ack {
    waiter: Option<oneshot::Sender<Result<(), Unavailable>>>,
    slot: Option<Slot>,
    /// What else is let go of when the record is durable.
    room: Option<Slot>,
}

/// A place in the queue.
pub(crate) type Slot = OwnedSemaphorePermit;

impl Ack {
    /// An ack somebody waits for.
    pub(crate) fn awaited(slot: Option<Slot>) -> (Self, Receipt) {
        let (sender, receiver) = oneshot::channel();
        (Self { waiter: Some(sender), slot, room: None }, Receipt(receiver))
    }

    /// An ack nobody waits for.
    pub(crate) fn unawaited(slot: Option<Slot>) -> Self {
        Self { waiter: None, slot, room: None }
    }

    /// Whether an answer waits for this record. A sink need not hurry with one that nobody waits for.
    #[must_use]
    pub fn is_awaited(&self) -> bool {
        self.waiter.is_some()
    }

    /// The record will be found after a crash.
    pub fn durable(self) {
        if let Some(waiter) = self.waiter {
            // Nobody there any more: the client has gone, its record is written all the same.
            let _ = waiter.send(Ok(()));
        }
        drop((self.slot, self.room));
    }

    /// The record is not durable; who waits for it refuses.
    pub fn failed(self, reason: impl Into<Box<str>>) {
        if let Some(waiter) = self.waiter {
            let _ = waiter.send(Err(Unavailable(reason.into())));
        }
        drop((self.slot, self.room));
    }

    /// The record's content takes `room` for as long as it is not durable.
    #[cfg(feature = "content")]
    pub(crate) fn holding(self, room: Option<Slot>) -> Self {
        Self { room, ..self }
    }

    /// Parts who waits, if anybody does, from the record; its place in the queue stays taken.
    pub(crate) fn part(&mut self) -> Option<Self> {
        self.waiter.take().map(|waiter| Self { waiter: Some(waiter), slot: None, room: None })
    }
}

impl fmt::Debug for Ack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ack").field("awaited", &self.is_awaited()).finish_non_exhaustive()
    }
}

/// The waiting side of an [`Ack`].
#[derive(Debug)]
pub(crate) struct Receipt(oneshot::Receiver<Result<(), Unavailable>>);

impl Future for Receipt {
    type Output = Result<(), Unavailable>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0)
            .poll(cx)
            .map(|told| told.unwrap_or_else(|_| Err(Unavailable("the sink let go of the record".into()))))
    }
}

/// A record could not be made durable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Unavailable(pub(crate) Box<str>);
