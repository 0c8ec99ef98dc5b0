use attach_core::body::{Guard, Step, sse_events};
use attach_core::usage::Wire;
use attach_core::{BoxError, Exchange, ResponseBody};
use bytes::Bytes;
use http::Response;
use http::header::CONTENT_LENGTH;

use super::chunk::{Fate, fate, mentions_usage};

/// The answer without what was not asked for, if it is a stream that can be read. The meter is further in.
pub(crate) fn take_out<R>(
    mut response: Response<ResponseBody<R>>,
    exchange: &Exchange,
) -> Response<ResponseBody<R>>
where
    R: http_body::Body<Data = Bytes>,
    R::Error: Into<BoxError>,
{
    if Wire::of(response.headers()) != Some(Wire::Sse) {
        return response;
    }
    response.headers_mut().remove(CONTENT_LENGTH);
    response.map(|body| body.gated(TakeOut, exchange))
}

/// Takes the chunk with the usage out of a stream, and every `usage` that says nothing. Frames are whole events.
#[derive(Debug)]
struct TakeOut;

impl Guard for TakeOut {
    fn frame(&mut self, frame: Bytes, _last: bool) -> Step {
        if !mentions_usage(&frame) {
            return Step::Pass(frame);
        }
        Step::Pass(without_usage(frame))
    }

    fn keeps_length(&self) -> bool {
        false
    }
}

fn without_usage(frame: Bytes) -> Bytes {
    let mut kept = Vec::with_capacity(frame.len());
    for event in sse_events(&frame) {
        match fate(&event) {
            Fate::Stays => kept.extend_from_slice(event.raw),
            Fate::Goes => {}
            Fate::Without(part) => {
                kept.extend_from_slice(event.raw.get(..part.start).unwrap_or_default());
                kept.extend_from_slice(event.raw.get(part.end..).unwrap_or_default());
            }
        }
    }
    if kept.len() == frame.len() { frame } else { kept.into() }
}
