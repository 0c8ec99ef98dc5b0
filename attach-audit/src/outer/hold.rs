use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use attach_core::body::{End, Guard, Step};
use attach_core::{Outcome, Rejection};
use bytes::Bytes;
use http::StatusCode;

use crate::audit::unavailable;
use crate::sink::Receipt;
use crate::trail::{Closed, Trail};

/// Lets an answer pass, but for the frame that completes it: that one waits until the outcome is on record.
pub(super) struct Hold {
    trail: Arc<Trail>,
    /// How it ends was known before it began: it is whole, and passes up to its last frame.
    whole: bool,
    waiting: Option<Receipt>,
    panicked: bool,
    full: bool,
}

impl Hold {
    pub(super) fn new(trail: Arc<Trail>) -> Self {
        let whole = trail.exchange().outcome().is_some();
        Self { trail, whole, waiting: None, panicked: false, full: false }
    }

    /// Writes the outcome and holds `bytes` for as long as that takes.
    fn complete(&mut self, bytes: Bytes) -> Step {
        match self.trail.close(true) {
            Closed::Written(receipt) => self.waiting = Some(receipt),
            Closed::Enough if !self.panicked => return Step::Pass(bytes),
            Closed::Enough => {}
            Closed::Full => self.full = true,
        }
        Step::Hold(bytes)
    }
}

impl Guard for Hold {
    fn frame(&mut self, frame: Bytes, last: bool) -> Step {
        self.trail.content().sent(&frame);
        let exchange = self.trail.exchange();
        let outcome = exchange.outcome();
        self.panicked = outcome == Some(Outcome::Panicked);
        if last {
            exchange.finish(Outcome::Complete);
        } else if outcome.is_none() || self.whole && !self.panicked {
            return Step::Pass(frame);
        }
        self.complete(frame)
    }

    fn end(&mut self) -> Step {
        self.trail.exchange().finish(Outcome::Complete);
        self.complete(Bytes::new())
    }

    fn poll_release(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Rejection>> {
        if let Some(receipt) = &mut self.waiting {
            let told = ready!(Pin::new(receipt).poll(cx));
            self.waiting = None;
            self.full |= told.is_err();
        }
        Poll::Ready(match (self.full, self.panicked) {
            (true, _) => Err(unavailable()),
            (false, true) => Err(internal_error()),
            (false, false) => Ok(()),
        })
    }

    fn done(&mut self, _: End) {
        self.trail.close(false);
    }
}

/// What the caller is told when our code, or the service's, panicked.
pub(super) fn internal_error() -> Rejection {
    Rejection::new(StatusCode::INTERNAL_SERVER_ERROR, "internal_error", "something went wrong on our side")
        .with_outcome(Outcome::Panicked)
}
