//! Requests, answers, and a way to run what never waits.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::pin::{Pin, pin};
use std::sync::LazyLock;
use std::task::{Context, Poll, Waker};

use attach_benches::issuer::Issuer;
use attach_benches::mock::CHAT_PATH;
use attach_benches::{bodies, target::Shape};
use attach_core::Body;
use bytes::Bytes;
use http::{Request, Response};
use http_body::{Frame, SizeHint};
use http_body_util::BodyExt;

/// The issuer's keys and a token, made once.
pub(crate) static IDENTITY: LazyLock<(String, String)> = LazyLock::new(|| {
    let issuer = Issuer::new().expect("there is randomness");
    (issuer.jwks(), issuer.token("00u1bench").expect("the key signs"))
});

/// The result of a future that has nothing to wait for.
pub(crate) fn now<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("a benchmark's service waits for nothing"),
    }
}

/// A chat as a client sends it.
pub(crate) fn chat(shape: Shape) -> Request<Body> {
    let body = bodies::chat(shape == Shape::Streamed);
    Request::post(CHAT_PATH)
        .header("host", "127.0.0.1:8080")
        .header("accept", "application/json")
        .header("content-type", "application/json")
        .header("user-agent", "attach-bench/1")
        .header("authorization", format!("Bearer {}", IDENTITY.1))
        .header("content-length", body.len())
        .body(Body::from(Bytes::from(body)))
        .expect("a valid request")
}

/// What the model answers.
pub(crate) fn answer(shape: Shape) -> Response<Frames> {
    let (kind, frames) = match shape {
        Shape::Plain => ("application/json", vec![bodies::answer()]),
        Shape::Streamed => ("text/event-stream", bodies::events()),
    };
    let body = Frames(frames.into());
    Response::builder().header("content-type", kind).body(body).expect("a valid response")
}

/// Reads an answer to its end and says how long it was.
pub(crate) fn read<B>(response: Response<B>) -> usize
where
    B: http_body::Body<Data = Bytes>,
{
    let mut body = pin!(response.into_body());
    let mut length = 0;
    while let Some(frame) = now(body.as_mut().frame()) {
        length += frame.ok().and_then(|frame| frame.into_data().ok()).map_or(0, |data| data.len());
    }
    length
}

/// A body of these frames.
#[derive(Debug, Clone)]
pub(crate) struct Frames(VecDeque<Bytes>);

impl http_body::Body for Frames {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.0.pop_front().map(|bytes| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        match self.0.len() {
            1 => SizeHint::with_exact(self.0[0].len() as u64),
            _ => SizeHint::default(),
        }
    }
}
