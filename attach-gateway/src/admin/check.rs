use std::sync::Arc;
use std::task::{Context, Poll};

use attach_core::{Exchange, Rejection, ResponseBody};
use http::request::Parts;
use http::{Request, Response};
use tower::{Layer, Service};

use crate::front::Answering;

/// Says from a request's head why it is refused, if it is.
type Check = dyn Fn(&Parts) -> Result<(), Rejection> + Send + Sync;

/// Refuses what a check refuses.
#[derive(Clone)]
pub(crate) struct CheckLayer(Arc<Check>);

impl CheckLayer {
    pub(crate) fn new(check: impl Fn(&Parts) -> Result<(), Rejection> + Send + Sync + 'static) -> Self {
        Self(Arc::new(check))
    }
}

impl<S> Layer<S> for CheckLayer {
    type Service = Checked<S>;

    fn layer(&self, inner: S) -> Checked<S> {
        Checked { inner, check: Arc::clone(&self.0) }
    }
}

/// The service of [`CheckLayer`].
#[derive(Clone)]
pub(crate) struct Checked<S> {
    inner: S,
    check: Arc<Check>,
}

impl<S, B, R> Service<Request<B>> for Checked<S>
where
    S: Service<Request<B>, Response = Response<ResponseBody<R>>>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Answering<S::Future, Result<S::Response, S::Error>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let (mut parts, body) = request.into_parts();
        if let Err(rejection) = (self.check)(&parts) {
            let response = rejection.into_response(&Exchange::of(&mut parts));
            return Answering::here(Ok(response));
        }
        Answering::inner(self.inner.call(Request::from_parts(parts, body)))
    }
}
