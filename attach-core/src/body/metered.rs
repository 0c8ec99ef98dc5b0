use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::{HeaderMap, Response};
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

use super::{BoxError, Events, ResponseBody};
use crate::usage::{Ending, Meter, Wire};
use crate::{Api, Exchange, Outcome};

/// Puts the meter on an answer of `api`, if nobody further in has done so.
///
/// `api` is what the upstream speaks; it differs from the exchange's when a translation follows. The answer's
/// token counts, model and outcome are in `exchange` before a frame that states them goes on, and every frame of a
/// stream is whole events from here on.
pub fn metered<R: Body>(response: Response<R>, api: Api, exchange: &Exchange) -> Response<ResponseBody<R>> {
    if !response.status().is_success() || !exchange.claim_meter() {
        return response.map(ResponseBody::inner);
    }
    let Some(wire) = wire(response.headers(), exchange) else {
        return response.map(ResponseBody::inner);
    };
    exchange.facts(|facts| facts.streamed = wire != Wire::Json);
    response.map(|inner| ResponseBody::metered(Metered::new(inner, api, wire, exchange.clone())))
}

/// Meters a unary answer that was read whole, if nobody further in has metered it.
///
/// The outcome is the caller's to state: whether the answer can be used is not known yet.
pub fn metered_whole(answer: &[u8], api: Api, exchange: &Exchange) {
    if exchange.claim_meter() {
        let mut meter = Meter::new(api, Wire::Json);
        meter.push(answer);
        meter.end();
        publish(&meter, exchange);
    }
}

fn publish(meter: &Meter, exchange: &Exchange) {
    exchange.facts(|facts| {
        facts.usage = meter.usage();
        if facts.answered_by.is_none() {
            facts.answered_by.clone_from(&meter.answer().model);
        }
    });
}

fn wire(headers: &HeaderMap, exchange: &Exchange) -> Option<Wire> {
    let wire = Wire::of(headers);
    let encoded = headers.get(http::header::CONTENT_ENCODING).is_some_and(|value| value != "identity");
    if encoded {
        exchange.facts(|facts| facts.encoded = true);
    }
    wire
}

pin_project! {
    /// An answer under the meter: re-framed to whole events, its usage and its end noted in the exchange.
    pub struct Metered<R> {
        // In this order: the inner body, when it is dropped, finds the meter in the exchange.
        control: Control,
        #[pin]
        inner: R,
    }
}

struct Control {
    exchange: Exchange,
    meter: Meter,
    events: Events,
    /// What is left of a length known in advance: a server stops polling when it has been reached.
    remaining: Option<u64>,
    trailers: Option<Frame<Bytes>>,
    started: bool,
    over: bool,
}

impl<R: Body> Metered<R> {
    fn new(inner: R, api: Api, wire: Wire, exchange: Exchange) -> Self {
        let remaining = inner.size_hint().exact();
        let over = inner.is_end_stream();
        let meter = Meter::new(api, wire);
        let events = Events::new(wire);
        Self {
            control: Control { exchange, meter, events, remaining, trailers: None, started: false, over },
            inner,
        }
    }
}

impl Control {
    /// Takes a frame in and gives the whole events that are ready.
    fn frame(&mut self, data: Bytes, inner_at_end: bool) -> Result<Option<Bytes>, BoxError> {
        if !self.started {
            self.started = true;
            let elapsed = self.exchange.elapsed();
            self.exchange.facts(|facts| facts.first_byte = Some(elapsed));
        }
        self.remaining = self.remaining.map(|left| left.saturating_sub(data.len() as u64));
        let last = inner_at_end || self.remaining == Some(0);
        let whole = self.events.push(data)?;
        if let Some(whole) = &whole {
            self.meter.push(whole);
            self.publish();
        }
        if last { Ok(join(whole, self.rest())) } else { Ok(whole) }
    }

    /// Trailers: nothing but them follows, so what was held back goes first.
    fn trailers(&mut self, trailers: Frame<Bytes>) -> Frame<Bytes> {
        match self.rest() {
            Some(rest) => {
                self.trailers = Some(trailers);
                Frame::data(rest)
            }
            None => trailers,
        }
    }

    /// What was held back of an event that will not be completed any more; the inner body is over.
    fn rest(&mut self) -> Option<Bytes> {
        let rest = self.events.finish();
        if let Some(rest) = &rest {
            self.meter.push(rest);
        }
        self.meter.end();
        self.publish();
        self.over = true;
        // Some servers never send the completing event; a finish reason is as good.
        let whole = self.meter.ending().is_some() || self.meter.saw_finish();
        self.exchange.finish(if whole { Outcome::Complete } else { Outcome::Failed });
        rest
    }

    fn publish(&mut self) {
        publish(&self.meter, &self.exchange);
        match self.meter.ending() {
            None => false,
            Some(Ending::Failed) => self.exchange.finish(Outcome::Failed),
            Some(_) => self.exchange.finish(Outcome::Complete),
        };
    }

    /// The inner body may be read on without this wrapper, which is gone.
    fn leave(&mut self) {
        let exchange = self.exchange.clone();
        exchange.leave(|| {
            let (api, wire) = (Api::OllamaShow, Wire::Json);
            let meter = std::mem::replace(&mut self.meter, Meter::new(api, wire));
            (meter, std::mem::replace(&mut self.events, Events::new(wire)))
        });
    }

    fn fail(&mut self) {
        self.over = true;
        self.exchange.finish(Outcome::Failed);
    }
}

impl Drop for Control {
    fn drop(&mut self) {
        if !self.over {
            let panicked = std::thread::panicking();
            self.exchange.finish(if panicked { Outcome::Panicked } else { Outcome::Disconnected });
            if self.exchange.outcome() == Some(Outcome::Disconnected) {
                self.leave();
            }
        }
    }
}

fn join(whole: Option<Bytes>, rest: Option<Bytes>) -> Option<Bytes> {
    match (whole, rest) {
        (Some(whole), Some(rest)) => Some([whole, rest].concat().into()),
        (one, other) => one.or(other),
    }
}

impl<R> Body for Metered<R>
where
    R: Body<Data = Bytes>,
    R::Error: Into<BoxError>,
{
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = self.project();
        let (control, mut inner) = (this.control, this.inner);
        loop {
            if control.over {
                return Poll::Ready(control.trailers.take().map(Ok));
            }
            let ready = match ready!(inner.as_mut().poll_frame(cx)) {
                None => Ok(control.rest()),
                Some(Err(error)) => Err(error.into()),
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => control.frame(data, inner.is_end_stream()),
                    Err(trailers) => return Poll::Ready(Some(Ok(control.trailers(trailers)))),
                },
            };
            match ready {
                Ok(None) => {}
                Ok(Some(bytes)) => return Poll::Ready(Some(Ok(Frame::data(bytes)))),
                Err(error) => {
                    control.fail();
                    return Poll::Ready(Some(Err(error)));
                }
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.control.over && self.control.trailers.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

impl<R> fmt::Debug for Metered<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metered").field("over", &self.control.over).finish_non_exhaustive()
    }
}
