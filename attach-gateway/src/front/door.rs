//! What ends a request before anybody asks who is calling: no such path, or too much at once.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use attach_core::body::{Guard, Tap};
use attach_core::{BoxError, Exchange, Rejection, ResponseBody};
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body::Body;
use tokio::sync::Semaphore;
use tower::{Layer, Service};

use super::head;
use super::hold::Hold;
use super::route::Route;

/// Answers 404 where nothing is, 405 where the method is another, and 503 while `max_in_flight` requests are being served.
#[derive(Debug, Clone)]
pub(crate) struct DoorLayer {
    slots: Arc<Semaphore>,
}

impl DoorLayer {
    pub(crate) fn new(max_in_flight: usize) -> Self {
        Self { slots: Arc::new(Semaphore::new(max_in_flight.min(Semaphore::MAX_PERMITS))) }
    }
}

impl<S> Layer<S> for DoorLayer {
    type Service = Door<S>;

    fn layer(&self, inner: S) -> Door<S> {
        Door { inner, slots: Arc::clone(&self.slots) }
    }
}

/// The service of [`DoorLayer`].
#[derive(Debug, Clone)]
pub(crate) struct Door<S> {
    inner: S,
    slots: Arc<Semaphore>,
}

impl<S, B, R> Service<Request<B>> for Door<S>
where
    S: Service<Request<B>, Response = Response<R>> + Clone + Send + 'static,
    S::Future: Send,
    S::Error: Send + 'static,
    B: Send + 'static,
    R: Body<Data = Bytes> + Send + 'static,
    R::Error: Into<BoxError>,
{
    type Response = Response<ResponseBody<R>>;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, S::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let (mut parts, body) = request.into_parts();
        let exchange = Exchange::of(&mut parts);
        let Some(route) = Route::of(&parts) else {
            let refusal = match Route::methods(parts.uri.path()) {
                [] => not_found(),
                methods => head::not_allowed(methods),
            };
            return refuse(refusal, &exchange);
        };
        if matches!(route, Route::Call(_))
            && let Err(refusal) = head::content_type(&parts.headers)
        {
            return refuse(refusal, &exchange);
        }
        let Ok(slot) = Arc::clone(&self.slots).try_acquire_owned() else {
            return refuse(overloaded(), &exchange);
        };
        // What the request holds is given back with its slot.
        let slot = (slot, parts.extensions.get::<Hold>().cloned());
        parts.extensions.insert(route);
        let inner = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, inner);
        Box::pin(async move {
            let response = inner.call(Request::from_parts(parts, body)).await?;
            // The slot is given back when the answer is over, not when it begins.
            Ok(response.map(|body| ResponseBody::inner(body).gated(give_back(slot), &exchange)))
        })
    }
}

fn give_back(slot: impl Send + 'static) -> impl Guard {
    Tap::new(move |_| drop(slot))
}

type Answer<R, E> = Pin<Box<dyn Future<Output = Result<Response<ResponseBody<R>>, E>> + Send>>;

fn refuse<R: Send + 'static, E: Send + 'static>(rejection: Rejection, exchange: &Exchange) -> Answer<R, E> {
    let response = rejection.into_response(exchange);
    Box::pin(std::future::ready(Ok(response)))
}

fn not_found() -> Rejection {
    Rejection::new(StatusCode::NOT_FOUND, "not_found", "there is nothing at this path")
}

fn overloaded() -> Rejection {
    let message = "the gateway is serving as many requests as it may; try again shortly";
    Rejection::new(StatusCode::SERVICE_UNAVAILABLE, "overloaded", message).with_retry_after(1)
}
