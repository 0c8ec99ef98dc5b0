//! The stack as whoever listens holds it.

use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use attach_core::BoxError;
use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use tower::{Service, ServiceExt};

use super::AnswerBody;

/// The answer of a [`Stack`], on its way.
pub(crate) type Served = Pin<Box<dyn Future<Output = Result<Response<AnswerBody>, Infallible>> + Send>>;

/// Layers of any type as one service. Clones are the same one, and cost nothing.
#[derive(Clone)]
pub(crate) struct Stack(Arc<dyn Fn(Request<Incoming>) -> Served + Send + Sync>);

impl Stack {
    /// What `service` answers.
    pub(crate) fn new<S, R>(service: S) -> Self
    where
        S: Service<Request<Incoming>, Response = Response<R>, Error = Infallible>,
        S: Clone + Send + Sync + 'static,
        S::Future: Send + 'static,
        R: Body<Data = Bytes> + Send + 'static,
        R::Error: Into<BoxError>,
    {
        Self::of(move |request| serve(service.clone(), request))
    }

    /// What `serve` answers.
    pub(crate) fn of(serve: impl Fn(Request<Incoming>) -> Served + Send + Sync + 'static) -> Self {
        Self(Arc::new(serve))
    }

    /// Serves one request.
    pub(crate) fn serve(&self, request: Request<Incoming>) -> Served {
        (self.0)(request)
    }
}

fn serve<S, R>(mut service: S, request: Request<Incoming>) -> Served
where
    S: Service<Request<Incoming>, Response = Response<R>, Error = Infallible> + Send + 'static,
    S::Future: Send + 'static,
    R: Body<Data = Bytes> + Send + 'static,
    R::Error: Into<BoxError>,
{
    let boxed = |body: R| body.map_err(Into::into).boxed_unsync();
    // No layer ever lets a request wait for its turn: what is too much is refused.
    match service.poll_ready(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(Ok(())) => {
            let answer = service.call(request);
            Box::pin(async move { Ok(answer.await?.map(boxed)) })
        }
        Poll::Ready(Err(never)) => match never {},
        Poll::Pending => Box::pin(async move { Ok(service.oneshot(request).await?.map(boxed)) }),
    }
}

impl fmt::Debug for Stack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stack").finish_non_exhaustive()
    }
}
