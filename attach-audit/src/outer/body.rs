use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};

use attach_core::{BoxError, Exchange, Outcome};
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

pin_project! {
    /// The inner service's body; a panic of it ends the answer instead of the connection's task.
    pub struct CatchPanic<R> {
        #[pin]
        inner: R,
        exchange: Option<Exchange>,
        over: bool,
    }
}

impl<R> CatchPanic<R> {
    /// Catches, and states the outcome in `exchange`.
    pub(super) fn new(inner: R, exchange: Exchange) -> Self {
        Self { inner, exchange: Some(exchange), over: false }
    }

    /// Lets everything through.
    pub(super) fn off(inner: R) -> Self {
        Self { inner, exchange: None, over: false }
    }
}

impl<R> Body for CatchPanic<R>
where
    R: Body<Data = Bytes>,
    R::Error: Into<BoxError>,
{
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = self.project();
        if *this.over {
            return Poll::Ready(None);
        }
        let Some(exchange) = this.exchange else { return this.inner.poll_frame(cx).map_err(Into::into) };
        match catch_unwind(AssertUnwindSafe(|| this.inner.poll_frame(cx))) {
            Ok(polled) => polled.map_err(Into::into),
            Err(_) => {
                *this.over = true;
                exchange.finish(Outcome::Panicked);
                // An empty frame brings the guard above to look at the exchange; it ends the answer.
                Poll::Ready(Some(Ok(Frame::data(Bytes::new()))))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        !self.over && self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

impl<R> fmt::Debug for CatchPanic<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CatchPanic").field("over", &self.over).finish_non_exhaustive()
    }
}
