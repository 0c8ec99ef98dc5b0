//! Model → ordered candidate targets. Never refuses: an unknown model has no candidate, and policy answers for it.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use attach_core::{Body, BoxError, Exchange, Payload, Rejection, ResponseBody};
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use tower::{Layer, Service};

use super::{Directory, Session};
use crate::config::Sticky;

/// How long a whole body may take to arrive.
const BODY_DEADLINE: Duration = Duration::from_secs(120);

/// Reads the body once, under a limit, and finds out where it may go.
#[derive(Debug, Clone)]
pub(crate) struct ResolveLayer {
    upstreams: Arc<Directory>,
    max_body: usize,
}

impl ResolveLayer {
    pub(crate) fn new(upstreams: Arc<Directory>, max_body: usize) -> Self {
        Self { upstreams, max_body }
    }
}

impl<S> Layer<S> for ResolveLayer {
    type Service = Resolve<S>;

    fn layer(&self, inner: S) -> Resolve<S> {
        Resolve { inner, layer: self.clone() }
    }
}

/// The service of [`ResolveLayer`].
#[derive(Debug, Clone)]
pub(crate) struct Resolve<S> {
    inner: S,
    layer: ResolveLayer,
}

impl<S, B, R> Service<Request<B>> for Resolve<S>
where
    S: Service<Request<Body>, Response = Response<ResponseBody<R>>> + Clone + Send + 'static,
    S::Future: Send,
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, S::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let exchange = Exchange::of_request(&mut request);
        let layer = self.layer.clone();
        let inner = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, inner);
        Box::pin(async move {
            let (mut request, payload) = match in_time(Payload::take(request, layer.max_body)).await {
                Ok(taken) => taken,
                Err(rejection) => return Ok(rejection.into_response(&exchange)),
            };
            let call = payload.call();
            exchange.facts(|facts| {
                facts.model = Some(call.model.as_str().into());
                facts.stream = call.stream;
            });
            let caller = exchange.identity().map(|caller| &**caller);
            let session = |sticky: &Sticky| Session::of(sticky, caller, (request.headers(), &payload));
            let (destination, adjustments) =
                layer.upstreams.route(call.api, call.model.as_str(), exchange.id(), session);
            request.extensions_mut().insert(destination);
            if let Some(adjustments) = adjustments {
                request.extensions_mut().insert(adjustments);
            }
            inner.call(request).await
        })
    }
}

/// What `reading` gives, if it does not take too long. Most bodies are there already and need no timer.
async fn in_time<T>(reading: impl Future<Output = Result<T, Rejection>>) -> Result<T, Rejection> {
    let (mut reading, mut alarm) = (pin!(reading), None);
    poll_fn(|cx| match reading.as_mut().poll(cx) {
        Poll::Ready(read) => Poll::Ready(read),
        Poll::Pending => {
            let alarm = alarm.get_or_insert_with(|| Box::pin(tokio::time::sleep(BODY_DEADLINE)));
            alarm.as_mut().poll(cx).map(|()| Err(too_slow()))
        }
    })
    .await
}

fn too_slow() -> Rejection {
    Rejection::new(StatusCode::REQUEST_TIMEOUT, "body_timeout", "the body did not arrive in time")
}
