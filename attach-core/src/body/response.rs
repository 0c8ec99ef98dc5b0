use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

use super::{BoxError, Gate, Guard, Metered};
use crate::Exchange;

pin_project! {
    /// What every Attach layer answers with: the inner service's body, watched or not, or bytes of its own.
    ///
    /// [`Default`] is the empty body, which is what `RequestBodyLimitLayer` and its like ask of a body.
    pub struct ResponseBody<R> {
        #[pin]
        repr: Repr<R>,
    }
}

pin_project! {
    #[project = ReprProj]
    enum Repr<R> {
        Full { bytes: Option<Bytes> },
        Inner { #[pin] body: R },
        // Boxed, as a gate is: a body is moved through every layer, and each layer's would have room for a meter.
        Metered { body: Pin<Box<Metered<R>>> },
        Gated { gate: Pin<Box<Gate<R>>> },
    }
}

impl<R> ResponseBody<R> {
    /// The inner service's body as it is.
    pub fn inner(body: R) -> Self {
        Self { repr: Repr::Inner { body } }
    }

    /// These bytes and nothing else.
    #[must_use]
    pub fn full(bytes: Bytes) -> Self {
        Self { repr: Repr::Full { bytes: (!bytes.is_empty()).then_some(bytes) } }
    }

    pub(super) fn metered(body: Metered<R>) -> Self {
        Self { repr: Repr::Metered { body: Box::pin(body) } }
    }
}

impl<R> ResponseBody<R>
where
    R: Body<Data = Bytes>,
    R::Error: Into<BoxError>,
{
    /// The same body under `guard`.
    #[must_use]
    pub fn gated(self, guard: impl Guard, exchange: &Exchange) -> Self {
        let gate = Gate::new(self, Box::new(guard), exchange.clone());
        Self { repr: Repr::Gated { gate: Box::pin(gate) } }
    }
}

impl<R> Default for ResponseBody<R> {
    fn default() -> Self {
        Self { repr: Repr::Full { bytes: None } }
    }
}

impl<R> Body for ResponseBody<R>
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
        match self.project().repr.project() {
            ReprProj::Full { bytes } => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            ReprProj::Inner { body } => body.poll_frame(cx).map_err(Into::into),
            ReprProj::Metered { body } => body.as_mut().poll_frame(cx),
            ReprProj::Gated { gate } => gate.as_mut().poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.repr {
            Repr::Full { bytes } => bytes.is_none(),
            Repr::Inner { body } => body.is_end_stream(),
            Repr::Metered { body } => body.is_end_stream(),
            Repr::Gated { gate } => gate.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.repr {
            Repr::Full { bytes } => {
                SizeHint::with_exact(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64))
            }
            Repr::Inner { body } => body.size_hint(),
            Repr::Metered { body } => body.size_hint(),
            Repr::Gated { gate } => gate.size_hint(),
        }
    }
}

impl<R> fmt::Debug for ResponseBody<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.repr {
            Repr::Full { .. } => "ResponseBody::Full",
            Repr::Inner { .. } => "ResponseBody::Inner",
            Repr::Metered { .. } => "ResponseBody::Metered",
            Repr::Gated { .. } => "ResponseBody::Gated",
        })
    }
}
