//! What a client sends: not with longer pauses than it may make, and not more in all than there is memory for.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use attach_core::{BoxError, Rejection};
use bytes::Buf;
use http::{Request, StatusCode};
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;
use tokio::task::futures::TaskLocalFuture;
use tokio::time::Sleep;
use tower::{Layer, Service};

use super::hold::{Hold, Memory};

/// Watches over requests' bodies. What a request holds is in its extensions, as [`Hold`].
#[derive(Debug, Clone)]
pub(crate) struct IntakeLayer {
    memory: Memory,
    pause: Duration,
}

impl IntakeLayer {
    /// A client may pause for `pause` while it sends.
    pub(crate) fn new(memory: Memory, pause: Duration) -> Self {
        Self { memory, pause }
    }
}

impl<S> Layer<S> for IntakeLayer {
    type Service = Intake<S>;

    fn layer(&self, inner: S) -> Intake<S> {
        Intake { inner, layer: self.clone() }
    }
}

/// The service of [`IntakeLayer`].
#[derive(Debug, Clone)]
pub(crate) struct Intake<S> {
    inner: S,
    layer: IntakeLayer,
}

impl<S, B> Service<Request<B>> for Intake<S>
where
    S: Service<Request<Counted<B>>>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = TaskLocalFuture<Hold, S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let hold = self.layer.memory.hold();
        let pause = self.layer.pause;
        let counted = hold.clone();
        let mut request =
            request.map(|inner| Counted { inner, alarm: None, pause, hold: counted, begun: false });
        request.extensions_mut().insert(hold.clone());
        hold.around(self.inner.call(request))
    }
}

pin_project! {
    /// A request's body that is counted as it comes.
    ///
    /// It ends in a [`Rejection`] if it pauses for too long, or if there is no room for it.
    #[derive(Debug)]
    pub(crate) struct Counted<B> {
        #[pin]
        inner: B,
        // Boxed: most bodies come with their heads, and a request is moved through every layer.
        alarm: Option<Pin<Box<Sleep>>>,
        pause: Duration,
        hold: Hold,
        begun: bool,
    }
}

impl<B> Body for Counted<B>
where
    B: Body,
    B::Error: Into<BoxError>,
{
    type Data = B::Data;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, BoxError>>> {
        let this = self.project();
        // Nobody holds what nobody reads: an unknown caller's body takes no room.
        if !*this.begun {
            *this.begun = true;
            let length = usize::try_from(this.inner.size_hint().lower()).unwrap_or(usize::MAX);
            this.hold.expect(length)?;
        }
        match this.inner.poll_frame(cx) {
            Poll::Ready(Some(Ok(frame))) => {
                *this.alarm = None;
                this.hold.more(frame.data_ref().map_or(0, Buf::remaining))?;
                Poll::Ready(Some(Ok(frame)))
            }
            Poll::Ready(other) => Poll::Ready(other.map(|frame| frame.map_err(Into::into))),
            Poll::Pending => {
                let pause = *this.pause;
                let alarm = this.alarm.get_or_insert_with(|| Box::pin(tokio::time::sleep(pause)));
                if alarm.as_mut().poll(cx).is_ready() {
                    Poll::Ready(Some(Err(paused().into())))
                } else {
                    Poll::Pending
                }
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

/// RFC 9110 §15.5.9.
fn paused() -> Rejection {
    let message = "the rest of the request did not come in time";
    Rejection::new(StatusCode::REQUEST_TIMEOUT, "body_timeout", message)
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http_body_util::{BodyExt, Full};
    use tower::ServiceExt;

    use super::*;

    async fn read<B>(memory: usize, body: B) -> Result<Bytes, &'static str>
    where
        B: Body<Data = Bytes>,
        B::Error: Into<BoxError> + std::fmt::Debug,
    {
        let layer = IntakeLayer::new(Memory::new(Some(memory)), Duration::from_millis(20));
        let service = tower::service_fn(|request: Request<Counted<B>>| async move {
            assert!(request.extensions().get::<Hold>().is_some() && Hold::here().is_some());
            Ok::<_, std::convert::Infallible>(request.into_body().collect().await)
        });
        let read = layer.layer(service).oneshot(Request::new(body)).await.unwrap();
        read.map(http_body_util::Collected::to_bytes)
            .map_err(|why| why.downcast::<Rejection>().unwrap().code())
    }

    #[tokio::test]
    async fn what_there_is_room_for_comes_through() {
        assert_eq!(read(4096, Full::from("hello")).await.unwrap(), "hello");
        assert_eq!(read(4096, Full::from(vec![0; 5000])).await.unwrap_err(), "memory_exhausted");
    }

    #[tokio::test]
    async fn a_pause_that_is_too_long_ends_it() {
        assert_eq!(read(4096, Stuck(3)).await.unwrap_err(), "body_timeout");
    }

    /// So many pieces, and then nothing any more.
    struct Stuck(usize);

    impl Body for Stuck {
        type Data = Bytes;
        type Error = BoxError;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
            self.0 = match self.0.checked_sub(1) {
                Some(left) => left,
                None => return Poll::Pending,
            };
            Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(b"x")))))
        }
    }
}
