use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

use super::{BoxError, End, ResponseBody};
use crate::{Exchange, Outcome, Rejection};

/// Watches over a running answer: passes, changes, holds or ends it.
///
/// Every method has a default that does nothing, so a guard is only what it cares about. None may block.
pub trait Guard: Send + 'static {
    /// Looks at a frame of data. `last` is true when nothing follows it.
    fn frame(&mut self, frame: Bytes, last: bool) -> Step {
        let _ = last;
        Step::Pass(frame)
    }

    /// The inner body ended without saying so on its last frame; bytes passed from here come last.
    fn end(&mut self) -> Step {
        Step::Pass(Bytes::new())
    }

    /// The inner body broke. A rejection ends the answer in the dialect's terminal event instead.
    ///
    /// # Errors
    ///
    /// With the error the body is to end in, which by default is the one it broke with.
    fn error(&mut self, error: BoxError) -> Result<Rejection, BoxError> {
        Err(error)
    }

    /// Ready when the answer is to be ended now, also while the inner body is idle.
    fn poll_stop(&mut self, cx: &mut Context<'_>) -> Poll<Rejection> {
        let _ = cx;
        Poll::Pending
    }

    /// Ready when a frame that was held may go, or must not.
    fn poll_release(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Rejection>> {
        let _ = cx;
        Poll::Ready(Ok(()))
    }

    /// What of a frame that was held goes on, now that it may: as it was, unless the guard has something else.
    fn released(&mut self, held: Bytes) -> Bytes {
        held
    }

    /// Whether every frame leaves as long as it came.
    fn keeps_length(&self) -> bool {
        true
    }

    /// The body is over. Called exactly once, possibly from a destructor.
    fn done(&mut self, end: End) {
        let _ = end;
    }
}

/// What a [`Guard`] decides about a frame.
#[derive(Debug)]
#[non_exhaustive]
pub enum Step {
    /// These bytes go on. Empty bytes are swallowed.
    Pass(Bytes),
    /// These bytes go on once [`Guard::poll_release`] says so.
    Hold(Bytes),
    /// Nothing goes on: the answer ends in the dialect's terminal event.
    End(Rejection),
}

pin_project_lite::pin_project! {
    /// A body under a [`Guard`]; made by [`ResponseBody::gated`].
    pub struct Gate<R> {
        // In this order: when nobody reads on, what is inside settles before this guard is told.
        #[pin]
        inner: ResponseBody<R>,
        control: Control,
    }
}

struct Control {
    guard: Box<dyn Guard>,
    exchange: Exchange,
    state: State,
    /// What is left of a length known in advance: a server stops polling when it has been reached.
    remaining: Option<u64>,
    /// Trailers wait until the guard has let the end pass; a server reads nothing after them.
    trailers: Option<Frame<Bytes>>,
    keeps_length: bool,
}

#[derive(Debug)]
enum State {
    Open,
    Held { bytes: Bytes, last: bool },
    Over,
}

type Polled = Option<Result<Frame<Bytes>, BoxError>>;

impl<R> Gate<R>
where
    R: Body<Data = Bytes>,
    R::Error: Into<BoxError>,
{
    pub(super) fn new(inner: ResponseBody<R>, guard: Box<dyn Guard>, exchange: Exchange) -> Self {
        let keeps_length = guard.keeps_length();
        let remaining = inner.size_hint().exact();
        let mut control =
            Control { guard, exchange, state: State::Open, remaining, trailers: None, keeps_length };
        if inner.is_end_stream() {
            control.finish(End::Ended);
        }
        Self { control, inner }
    }
}

impl Control {
    fn poll<R>(&mut self, mut inner: Pin<&mut ResponseBody<R>>, cx: &mut Context<'_>) -> Poll<Polled>
    where
        R: Body<Data = Bytes>,
        R::Error: Into<BoxError>,
    {
        loop {
            match self.state {
                State::Over => return Poll::Ready(self.trailers.take().map(Ok)),
                State::Held { .. } => match ready!(self.poll_held(cx)) {
                    Ok(None) => continue,
                    Ok(Some(bytes)) => return Poll::Ready(Some(Ok(Frame::data(bytes)))),
                    Err(rejection) => return Poll::Ready(self.cut(inner, rejection)),
                },
                State::Open => {}
            }
            if let Poll::Ready(rejection) = self.guard.poll_stop(cx) {
                return Poll::Ready(self.cut(inner, rejection));
            }
            let (step, last) = match ready!(inner.as_mut().poll_frame(cx)) {
                None => (self.guard.end(), true),
                Some(Err(error)) => return Poll::Ready(self.broken(inner, error)),
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => self.look_at(data, inner.is_end_stream()),
                    Err(trailers) => {
                        self.trailers = Some(trailers);
                        (self.guard.end(), true)
                    }
                },
            };
            match step {
                Step::End(rejection) => return Poll::Ready(self.cut(inner, rejection)),
                Step::Hold(bytes) => self.state = State::Held { bytes, last },
                Step::Pass(bytes) => {
                    if last {
                        self.finish(End::Ended);
                    }
                    if !bytes.is_empty() {
                        return Poll::Ready(Some(Ok(Frame::data(bytes))));
                    }
                }
            }
        }
    }

    fn look_at(&mut self, data: Bytes, inner_at_end: bool) -> (Step, bool) {
        self.remaining = self.remaining.map(|left| left.saturating_sub(data.len() as u64));
        let last = inner_at_end || self.remaining == Some(0);
        (self.guard.frame(data, last), last)
    }

    fn poll_held(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Bytes>, Rejection>> {
        let released = ready!(self.guard.poll_release(cx));
        let State::Held { bytes, last } = std::mem::replace(&mut self.state, State::Open) else {
            return Poll::Ready(Ok(None));
        };
        if let Err(rejection) = released {
            return Poll::Ready(Err(rejection));
        }
        let bytes = self.guard.released(bytes);
        if last {
            self.finish(End::Ended);
        }
        Poll::Ready(Ok((!bytes.is_empty()).then_some(bytes)))
    }

    /// The order matters: the outcome is stated first, so that the inner body's destructor finds it stated.
    fn cut<R>(&mut self, mut inner: Pin<&mut ResponseBody<R>>, rejection: Rejection) -> Polled {
        let streamed = self.exchange.facts(|facts| facts.streamed);
        let event = rejection.into_terminal_event(&self.exchange);
        inner.set(ResponseBody::default());
        self.trailers = None;
        self.finish(End::Ended);
        if !streamed || event.is_empty() || self.remaining.is_some() {
            // What the client has of it must not look whole: the connection is broken off.
            return Some(Err("answer ended by the gateway".into()));
        }
        Some(Ok(Frame::data(event)))
    }

    fn broken<R>(&mut self, inner: Pin<&mut ResponseBody<R>>, error: BoxError) -> Polled {
        match self.guard.error(error) {
            Ok(rejection) => self.cut(inner, rejection),
            Err(error) => {
                self.finish(End::Failed);
                Some(Err(error))
            }
        }
    }

    fn finish(&mut self, end: End) {
        if matches!(self.state, State::Over) {
            return;
        }
        self.state = State::Over;
        self.exchange.finish(match end {
            End::Ended => Outcome::Complete,
            End::Failed => Outcome::Failed,
            End::Dropped if std::thread::panicking() => Outcome::Panicked,
            End::Dropped => Outcome::Disconnected,
        });
        self.guard.done(end);
    }
}

impl Drop for Control {
    fn drop(&mut self) {
        self.finish(End::Dropped);
    }
}

impl<R> Body for Gate<R>
where
    R: Body<Data = Bytes>,
    R::Error: Into<BoxError>,
{
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Polled> {
        let this = self.project();
        this.control.poll(this.inner, cx)
    }

    fn is_end_stream(&self) -> bool {
        matches!(self.control.state, State::Over) && self.control.trailers.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        match (&self.control.state, self.control.remaining) {
            (State::Over, _) => SizeHint::with_exact(0),
            (State::Held { bytes, .. }, Some(left)) if self.control.keeps_length => {
                SizeHint::with_exact(left.saturating_add(bytes.len() as u64))
            }
            (State::Open, Some(left)) if self.control.keeps_length => SizeHint::with_exact(left),
            _ => SizeHint::default(),
        }
    }
}

impl<R> fmt::Debug for Gate<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gate")
            .field("over", &matches!(self.control.state, State::Over))
            .finish_non_exhaustive()
    }
}
