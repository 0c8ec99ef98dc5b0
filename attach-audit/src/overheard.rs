use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

use crate::trail::Trail;

pin_project! {
    /// The inner service's body, as [`Intent`](crate::Intent) answers with it: passed on as it is, and listened to if
    /// content is looked at.
    pub struct Overheard<R> {
        #[pin]
        inner: R,
        trail: Option<Arc<Trail>>,
    }
}

impl<R> Overheard<R> {
    pub(crate) fn new(inner: R, trail: Option<Arc<Trail>>) -> Self {
        Self { inner, trail }
    }
}

impl<R: Body<Data = Bytes>> Body for Overheard<R> {
    type Data = Bytes;
    type Error = R::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, R::Error>>> {
        let this = self.project();
        let frame = ready!(this.inner.poll_frame(cx));
        if let (Some(trail), Some(Ok(frame))) = (this.trail, &frame)
            && let Some(data) = frame.data_ref()
        {
            trail.content().heard(data);
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

impl<R> fmt::Debug for Overheard<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Overheard").field("listening", &self.trail.is_some()).finish_non_exhaustive()
    }
}
