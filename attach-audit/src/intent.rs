//! The inner half: [`IntentLayer`].

use std::fmt;
use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use attach_core::{BoxError, Exchange, Rejection, ResponseBody};
use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use pin_project_lite::pin_project;
use tower_layer::Layer;
use tower_service::Service;

use crate::audit::unavailable;
use crate::sink::Receipt;
use crate::trail::{Ticket, Trail};
use crate::{Audit, Mode, Overheard};

/// Goes innermost: writes what is about to be done, with all that the layers around it know by then.
///
/// Made by [`Audit::intent_layer`]; without an [`AuditLayer`](crate::AuditLayer) outside it refuses every request,
/// because nobody would write how they ended.
#[derive(Debug, Clone)]
pub struct IntentLayer {
    audit: Audit,
}

impl IntentLayer {
    pub(crate) fn new(audit: Audit) -> Self {
        Self { audit }
    }
}

impl<S> Layer<S> for IntentLayer {
    type Service = Intent<S>;

    fn layer(&self, inner: S) -> Self::Service {
        Intent { inner, mode: self.audit.when() }
    }
}

/// A service that is called when its intent is on record; made by [`IntentLayer`].
#[derive(Debug, Clone)]
pub struct Intent<S> {
    inner: S,
    mode: Mode,
}

impl<S, B, R> Service<Request<B>> for Intent<S>
where
    S: Service<Request<B>, Response = Response<R>> + Clone,
    R: Body<Data = Bytes>,
    R::Error: Into<BoxError>,
{
    type Response = Response<ResponseBody<Overheard<R>>>;
    type Error = S::Error;
    type Future = IntentFuture<S, B>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let trail = match request.extensions().get::<Ticket>() {
            Some(Ticket::Open(trail)) => Arc::clone(trail),
            Some(Ticket::Exempt) => return IntentFuture::calling(self.inner.call(request), None),
            None => {
                let reason = "IntentLayer without AuditLayer outside it";
                let exchange = Exchange::of_request(&mut request);
                return IntentFuture::refused(Rejection::misconfigured(reason), exchange);
            }
        };
        let asked = trail.content().asked(trail.exchange(), request.extensions());
        let overheard = Arc::clone(&trail);
        let future = match asked.and_then(|()| trail.intend()) {
            Err(refusal) => return IntentFuture::refused(refusal, trail.exchange().clone()),
            Ok(None) => IntentFuture::calling(self.inner.call(request), None),
            Ok(Some(receipt)) if self.mode == Mode::Overlap => {
                IntentFuture::calling(self.inner.call(request), Some(Waiting { receipt, trail }))
            }
            Ok(Some(receipt)) => {
                let clone = self.inner.clone();
                let service = mem::replace(&mut self.inner, clone);
                let waiting = Waiting { receipt, trail };
                IntentFuture::of(State::Waiting { waiting, call: Some((service, request)) })
            }
        };
        future.overhearing(overheard)
    }
}

/// An intent on its way to being durable.
struct Waiting {
    receipt: Receipt,
    trail: Arc<Trail>,
}

impl Waiting {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Exchange>> {
        let told = ready!(Pin::new(&mut self.receipt).poll(cx));
        self.trail.intended();
        Poll::Ready(told.map_err(|_| self.trail.exchange().clone()))
    }
}

pin_project! {
    /// The answer of [`Intent`].
    pub struct IntentFuture<S, B>
    where
        S: Service<Request<B>>,
    {
        #[pin]
        state: State<S, S::Future, B>,
        overhearing: Option<Arc<Trail>>,
    }
}

pin_project! {
    #[project = StateProj]
    enum State<S, F, B>
    where
        F: Future,
    {
        Waiting { waiting: Waiting, call: Option<(S, Request<B>)> },
        Calling { #[pin] inner: F, overlap: Option<Waiting>, answer: Option<F::Output> },
        Refused { refusal: Option<(Rejection, Exchange)> },
    }
}

impl<S: Service<Request<B>>, B> IntentFuture<S, B> {
    fn of(state: State<S, S::Future, B>) -> Self {
        Self { state, overhearing: None }
    }

    fn calling(inner: S::Future, overlap: Option<Waiting>) -> Self {
        Self::of(State::Calling { inner, overlap, answer: None })
    }

    fn refused(refusal: Rejection, exchange: Exchange) -> Self {
        Self::of(State::Refused { refusal: Some((refusal, exchange)) })
    }

    fn overhearing(self, trail: Arc<Trail>) -> Self {
        Self { overhearing: Some(trail), ..self }
    }
}

impl<S, B, R> Future for IntentFuture<S, B>
where
    S: Service<Request<B>, Response = Response<R>>,
{
    type Output = Result<Response<ResponseBody<Overheard<R>>>, S::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let (mut state, overhearing) = (this.state, this.overhearing);
        loop {
            let following = match state.as_mut().project() {
                StateProj::Waiting { waiting, call } => match (ready!(waiting.poll(cx)), call.take()) {
                    (Ok(()), Some((mut service, request))) => {
                        State::Calling { inner: service.call(request), overlap: None, answer: None }
                    }
                    (Err(exchange), _) => State::Refused { refusal: Some((unavailable(), exchange)) },
                    (Ok(()), None) => return Poll::Pending,
                },
                StateProj::Calling { inner, overlap, answer } => {
                    // In overlap the upstream works while the disk does; the answer waits for both.
                    if answer.is_none()
                        && let Poll::Ready(ready) = inner.poll(cx)
                    {
                        *answer = Some(ready);
                    }
                    match overlap.as_mut().map(|waiting| waiting.poll(cx)) {
                        Some(Poll::Pending) => return Poll::Pending,
                        Some(Poll::Ready(Err(exchange))) => {
                            State::Refused { refusal: Some((unavailable(), exchange)) }
                        }
                        Some(Poll::Ready(Ok(()))) | None => {
                            *overlap = None;
                            let Some(answer) = answer.take() else { return Poll::Pending };
                            let trail = overhearing.take().filter(|trail| trail.is_answered());
                            return Poll::Ready(answer.map(|answer| {
                                answer.map(|body| ResponseBody::inner(Overheard::new(body, trail)))
                            }));
                        }
                    }
                }
                StateProj::Refused { refusal } => match refusal.take() {
                    Some((refusal, exchange)) => return Poll::Ready(Ok(refusal.into_response(&exchange))),
                    None => return Poll::Pending,
                },
            };
            state.set(following);
        }
    }
}

impl<S: Service<Request<B>>, B> fmt::Debug for IntentFuture<S, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IntentFuture").finish_non_exhaustive()
    }
}
