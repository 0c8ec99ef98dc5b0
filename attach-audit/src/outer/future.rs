use std::fmt;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use attach_core::{BoxError, Outcome, ResponseBody};
use bytes::Bytes;
use http::{Response, StatusCode};
use http_body::Body;
use pin_project_lite::pin_project;

use super::CatchPanic;
use super::hold::{Hold, internal_error};
use crate::audit::unavailable;
use crate::sink::Receipt;
use crate::trail::{Closed, Trail};

type Answer<R> = Response<ResponseBody<CatchPanic<R>>>;

pin_project! {
    /// The answer of [`Audited`](super::Audited).
    pub struct ResponseFuture<F, R> {
        #[pin]
        state: State<F, R>,
    }
}

pin_project! {
    #[project = StateProj]
    #[project_replace = StateOwned]
    enum State<F, R> {
        Unwatched { #[pin] inner: F },
        // In this order: what is inside settles before the record is written.
        Watched { #[pin] inner: F, entry: Option<Entry> },
        Waiting { receipt: Receipt, answer: Option<Answer<R>>, entry: Entry },
        Ready { answer: Option<Answer<R>> },
    }
}

/// Writes the end of a request whose future is dropped before it had an answer.
struct Entry(Option<Arc<Trail>>);

impl Drop for Entry {
    fn drop(&mut self) {
        if let Some(trail) = self.0.take() {
            let panicking = std::thread::panicking();
            trail.exchange().finish(if panicking { Outcome::Panicked } else { Outcome::Disconnected });
            trail.close(false);
        }
    }
}

impl<F, R> ResponseFuture<F, R> {
    pub(super) fn unwatched(inner: F) -> Self {
        Self { state: State::Unwatched { inner } }
    }

    pub(super) fn watched(inner: F, trail: Arc<Trail>) -> Self {
        Self { state: State::Watched { inner, entry: Some(Entry(Some(trail))) } }
    }

    pub(super) fn answered(answer: Answer<R>) -> Self {
        Self { state: State::Ready { answer: Some(answer) } }
    }
}

impl<F, R> ResponseFuture<F, R>
where
    R: Body<Data = Bytes>,
    R::Error: Into<BoxError>,
{
    /// The inner service panicked before it had a future.
    pub(super) fn panicked(trail: Arc<Trail>) -> Self {
        let answer = internal_error().into_response(trail.exchange());
        Self { state: next(answer, Entry(Some(trail))) }
    }
}

/// What to do with an answer: give it, with or without a guard on its body, or wait for its record first.
fn next<F, R>(answer: Answer<R>, mut entry: Entry) -> State<F, R>
where
    R: Body<Data = Bytes>,
    R::Error: Into<BoxError>,
{
    let Some(trail) = entry.0.clone() else { return State::Ready { answer: Some(answer) } };
    trail.answered(answer.status());
    let over = trail.exchange().outcome().is_some() && !trail.content().is_sent();
    if !over && !is_bodiless(&answer, &trail) {
        entry.0 = None;
        let exchange = trail.exchange().clone();
        let answer = answer.map(|body| body.gated(Hold::new(trail), &exchange));
        return State::Ready { answer: Some(answer) };
    }
    trail.exchange().finish(Outcome::Complete);
    match trail.close(true) {
        Closed::Written(receipt) => State::Waiting { receipt, answer: Some(answer), entry },
        Closed::Enough => State::Ready { answer: Some(answer) },
        Closed::Full => State::Ready { answer: Some(unavailable().into_response(trail.exchange())) },
    }
}

/// Whether nobody will read a last frame to hold.
fn is_bodiless<R>(answer: &Answer<R>, trail: &Trail) -> bool
where
    R: Body<Data = Bytes>,
    R::Error: Into<BoxError>,
{
    let status = answer.status();
    let body = answer.body();
    trail.is_head()
        || status.is_informational()
        || matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED)
        || body.is_end_stream()
        || body.size_hint().exact() == Some(0)
}

impl<F, R, E> Future for ResponseFuture<F, R>
where
    F: Future<Output = Result<Response<R>, E>>,
    R: Body<Data = Bytes>,
    R::Error: Into<BoxError>,
{
    type Output = Result<Answer<R>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut state = self.project().state;
        loop {
            let following = match state.as_mut().project() {
                StateProj::Unwatched { inner } => {
                    let answer = ready!(inner.poll(cx))?;
                    return Poll::Ready(Ok(answer.map(|body| ResponseBody::inner(CatchPanic::off(body)))));
                }
                StateProj::Watched { inner, entry } => {
                    let polled = catch_unwind(AssertUnwindSafe(|| inner.poll(cx)));
                    let Some(trail) = entry.as_ref().and_then(|entry| entry.0.clone()) else {
                        return Poll::Pending;
                    };
                    let answer = match polled {
                        Ok(polled) => match ready!(polled) {
                            Ok(answer) => answer.map(|body| {
                                ResponseBody::inner(CatchPanic::new(body, trail.exchange().clone()))
                            }),
                            Err(error) => {
                                trail.exchange().finish(Outcome::Failed);
                                trail.close(false);
                                return Poll::Ready(Err(error));
                            }
                        },
                        Err(_) => internal_error().into_response(trail.exchange()),
                    };
                    next(answer, entry.take().unwrap_or(Entry(None)))
                }
                StateProj::Waiting { receipt, answer, entry } => {
                    let told = ready!(Pin::new(receipt).poll(cx));
                    let refused = entry.0.as_ref().filter(|_| told.is_err());
                    let answer = match refused {
                        Some(trail) => Some(unavailable().into_response(trail.exchange())),
                        None => answer.take(),
                    };
                    State::Ready { answer }
                }
                StateProj::Ready { answer } => match answer.take() {
                    Some(answer) => return Poll::Ready(Ok(answer)),
                    None => return Poll::Pending,
                },
            };
            discard(state.as_mut(), following);
        }
    }
}

/// Replaces the state; a destructor of the inner future that panics has been dealt with like the future itself.
fn discard<F, R>(mut state: Pin<&mut State<F, R>>, following: State<F, R>) {
    let dropped = catch_unwind(AssertUnwindSafe(|| drop(state.as_mut().project_replace(following))));
    if dropped.is_err() {
        tracing::error!("the destructor of a response future panicked");
    }
}

impl<F, R> fmt::Debug for ResponseFuture<F, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture").finish_non_exhaustive()
    }
}
