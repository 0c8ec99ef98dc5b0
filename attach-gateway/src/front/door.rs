//! What ends a request before anybody asks who is calling: no such path, or too much at once.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};

use attach_core::body::Tap;
use attach_core::{BoxError, Exchange, Rejection, ResponseBody};
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body::Body;
use pin_project_lite::pin_project;
use tower::{Layer, Service};

use super::answering::Answering;
use super::head;
use super::hold::Hold;
use super::route::Route;

/// Answers 404 where nothing is, 405 where the method is another, and 503 while `most` requests are being served.
#[derive(Debug, Clone)]
pub(crate) struct DoorLayer {
    running: Running,
    most: usize,
}

/// How many requests are being served, under whichever configuration. Clones count together.
#[derive(Debug, Clone, Default)]
pub(crate) struct Running(Arc<AtomicUsize>);

/// The place of one of them.
struct Slot(Running);

impl Running {
    fn slot(&self, most: usize) -> Option<Slot> {
        let room = |running: usize| (running < most).then_some(running + 1);
        let taken = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, room);
        taken.is_ok().then(|| Slot(self.clone()))
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl DoorLayer {
    pub(crate) fn new(running: Running, max_in_flight: usize) -> Self {
        Self { running, most: max_in_flight }
    }
}

impl<S> Layer<S> for DoorLayer {
    type Service = Door<S>;

    fn layer(&self, inner: S) -> Door<S> {
        Door { inner, layer: self.clone() }
    }
}

/// The service of [`DoorLayer`].
#[derive(Debug, Clone)]
pub(crate) struct Door<S> {
    inner: S,
    layer: DoorLayer,
}

impl<S, B, R> Service<Request<B>> for Door<S>
where
    S: Service<Request<B>, Response = Response<ResponseBody<R>>>,
    R: Body<Data = Bytes>,
    R::Error: Into<BoxError>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Entered<S::Future, R, S::Error>;

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
        let Some(slot) = self.layer.running.slot(self.layer.most) else {
            return refuse(overloaded(), &exchange);
        };
        // What the request holds is given back with its slot.
        let held = parts.extensions.get::<Hold>().cloned();
        parts.extensions.insert(route);
        let inner = self.inner.call(Request::from_parts(parts, body));
        Entered { answer: Answering::inner(inner), place: Some(Place { slot, held, exchange }) }
    }
}

/// What a request takes up.
struct Place {
    slot: Slot,
    held: Option<Hold>,
    exchange: Exchange,
}

type Answer<R, E> = Result<Response<ResponseBody<R>>, E>;

pin_project! {
    /// The answer of [`Door`].
    pub(crate) struct Entered<F, R, E> {
        #[pin]
        answer: Answering<F, Answer<R, E>>,
        place: Option<Place>,
    }
}

impl<F, R, E> Future for Entered<F, R, E>
where
    F: Future<Output = Answer<R, E>>,
    R: Body<Data = Bytes>,
    R::Error: Into<BoxError>,
{
    type Output = Answer<R, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let answer = ready!(this.answer.poll(cx));
        let Some(Place { slot, held, exchange }) = this.place.take() else { return Poll::Ready(answer) };
        // The slot is given back when the answer is over, not when it begins.
        let give_back = Tap::new(move |_| drop((slot, held)));
        Poll::Ready(answer.map(|answer| answer.map(|body| body.gated(give_back, &exchange))))
    }
}

fn refuse<F, R, E>(rejection: Rejection, exchange: &Exchange) -> Entered<F, R, E> {
    Entered { answer: Answering::here(Ok(rejection.into_response(exchange))), place: None }
}

fn not_found() -> Rejection {
    Rejection::new(StatusCode::NOT_FOUND, "not_found", "there is nothing at this path")
}

fn overloaded() -> Rejection {
    let message = "the gateway is serving as many requests as it may; try again shortly";
    Rejection::new(StatusCode::SERVICE_UNAVAILABLE, "overloaded", message).with_retry_after(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_being_served_counts_under_every_bound() {
        let running = Running::default();
        let held: Vec<_> = (0..3).map_while(|_| running.slot(3)).collect();
        assert_eq!(held.len(), 3);
        assert!(running.slot(3).is_none() && running.slot(2).is_none(), "no more than before, or fewer");
        assert!(running.slot(4).is_some(), "one more than before");
        drop(held);
        assert!(running.slot(1).is_some());
    }
}
