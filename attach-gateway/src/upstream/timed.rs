use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use attach_core::{BoxError, Outcome};
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use pin_project_lite::pin_project;
use tokio::time::{Instant, Sleep};

use super::drain;
use super::way::Way;
use crate::config::Timeouts;
use crate::front::Hold;

pin_project! {
    /// An upstream's answer that may pause for only so long, and last for only so long. If its client leaves, it may be
    /// read on for a while.
    #[derive(Debug)]
    pub(crate) struct Timed {
        inner: Option<Incoming>,
        // Set when there is something to wait for: most answers that are not streamed come at once.
        #[pin]
        alarm: Option<Sleep>,
        until: Instant,
        idle: Duration,
        deadline: Instant,
        drain: Duration,
        // What is not streamed is held, to be translated or restored.
        held: Option<Hold>,
        // A span of its own lasts as long as the answer.
        way: Way,
    }

    impl PinnedDrop for Timed {
        fn drop(this: Pin<&mut Self>) {
            let this = this.project();
            if let Some(rest) = this.way.exchange().take_rest()
                && let Some(body) = this.inner.take()
            {
                drain::start(body, rest, *this.drain);
            }
        }
    }
}

impl Timed {
    pub(super) fn new(inner: Incoming, timeouts: &Timeouts, way: Way) -> Self {
        let now = Instant::now();
        let deadline = now + timeouts.total;
        if !timeouts.drain.is_zero() {
            way.exchange().read_on();
        }
        Self {
            inner: Some(inner),
            alarm: None,
            until: deadline.min(now + timeouts.idle),
            idle: timeouts.idle,
            deadline,
            drain: timeouts.drain,
            held: None,
            way,
        }
    }

    /// Counts what comes as held by the request that is being served here.
    pub(super) fn held(mut self) -> Self {
        self.held = Hold::here();
        self
    }
}

impl Body for Timed {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = self.project();
        let Some(inner) = this.inner else { return Poll::Ready(None) };
        let polled = Pin::new(inner).poll_frame(cx);
        let polled = if polled.is_ready() { this.way.note(polled) } else { polled };
        match polled {
            Poll::Ready(Some(Ok(frame))) => {
                *this.until = (*this.deadline).min(Instant::now() + *this.idle);
                if let Some(held) = this.held {
                    held.more(frame.data_ref().map_or(0, Bytes::len))?;
                }
                Poll::Ready(Some(Ok(frame)))
            }
            Poll::Ready(Some(Err(error))) => Poll::Ready(Some(Err(error.into()))),
            Poll::Ready(None) => Poll::Ready(None),
            Poll::Pending => {
                ready!(wait(this.alarm, *this.until, cx));
                this.way.exchange().finish(Outcome::Timeout);
                Poll::Ready(Some(Err("the model server paused for too long".into())))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.inner.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.as_ref().map_or_else(SizeHint::default, Body::size_hint)
    }
}

/// Waits for `until`, which may have moved since the last time.
fn wait(mut alarm: Pin<&mut Option<Sleep>>, until: Instant, cx: &mut Context<'_>) -> Poll<()> {
    match alarm.as_mut().as_pin_mut() {
        None => alarm.set(Some(tokio::time::sleep_until(until))),
        Some(set) if set.deadline() == until => {}
        Some(set) => set.reset(until),
    }
    alarm.as_pin_mut().map_or(Poll::Pending, |alarm| alarm.poll(cx))
}
