use std::any::Any;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use http_body_util::BodyExt;
use http_body_util::combinators::UnsyncBoxBody;

use super::BoxError;

/// The request body that a layer which reads bodies hands to its inner service.
///
/// Either bytes that are already here, or somebody else's body, boxed.
#[derive(Default)]
pub struct Body(Repr);

enum Repr {
    Bytes(Option<Bytes>),
    Boxed(UnsyncBoxBody<Bytes, BoxError>),
}

impl Default for Repr {
    fn default() -> Self {
        Self::Bytes(None)
    }
}

impl Body {
    /// Boxes `body`, unless it is one of ours already.
    pub fn new<B>(body: B) -> Self
    where
        B: HttpBody<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        Self::ours(body).unwrap_or_else(|body| Self(Repr::Boxed(body.map_err(Into::into).boxed_unsync())))
    }

    /// A body that is known to be one of ours; empty if it is none.
    pub(crate) fn known<B: 'static>(body: B) -> Self {
        Self::ours(body).unwrap_or_default()
    }

    fn ours<B: 'static>(body: B) -> Result<Self, B> {
        let mut slot = Some(body);
        if let Some(ours) = (&mut slot as &mut dyn Any).downcast_mut::<Option<Self>>() {
            return Ok(ours.take().unwrap_or_default());
        }
        slot.map_or_else(|| Ok(Self::default()), Err)
    }

    /// The bytes, if they are here.
    pub(crate) fn bytes(&self) -> Option<&Bytes> {
        match &self.0 {
            Repr::Bytes(bytes) => bytes.as_ref(),
            Repr::Boxed(_) => None,
        }
    }

    /// A body without a byte.
    #[must_use]
    pub fn empty() -> Self {
        Self::default()
    }
}

impl From<Bytes> for Body {
    fn from(bytes: Bytes) -> Self {
        Self(Repr::Bytes((!bytes.is_empty()).then_some(bytes)))
    }
}

impl HttpBody for Body {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        match &mut self.0 {
            Repr::Bytes(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Repr::Boxed(body) => Pin::new(body).poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.0 {
            Repr::Bytes(bytes) => bytes.is_none(),
            Repr::Boxed(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            Repr::Bytes(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64)),
            Repr::Boxed(body) => body.size_hint(),
        }
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Body").field("size", &self.size_hint().exact()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_of_ours_is_not_boxed_again() {
        let body = Body::new(Body::from(Bytes::from_static(b"hello")));
        assert!(matches!(body.0, Repr::Bytes(Some(_))));
    }
}
