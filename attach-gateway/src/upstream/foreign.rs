//! Streams in a form that no caller has: Amazon Bedrock's. They are translated first, and metered in the caller's words.

use attach_core::body::{Guard, Step, metered};
use attach_core::{Api, BoxError, Exchange, Rejection};
use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use http::{HeaderMap, Response, StatusCode};
use hyper::body::Incoming;

use super::answer::Answer;
use super::origin::{Origin, Reported};
use crate::config::Kind;
use crate::translate::Translator;
use crate::upstream::place::Place;

/// Where Amazon names an error.
const ERROR_TYPE: HeaderName = HeaderName::from_static("x-amzn-errortype");

/// A name is a word.
const LONGEST_NAME: usize = 64;

/// The upstream's own name of the error that an answer is.
#[derive(Debug, Clone)]
pub(super) struct ErrorName(Box<str>);

impl ErrorName {
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

/// The stream in the caller's words.
pub(super) fn foreign(
    answer: Response<Origin>,
    api: Api,
    translator: &Translator,
    exchange: &Exchange,
) -> Answer {
    let (mut parts, body) = answer.into_parts();
    parts.headers.insert(CONTENT_TYPE, translator.stream_content_type());
    let reported = Reported::default();
    let body = body.reworded(translator.stream(exchange), reported.clone());
    let answer = metered(Response::from_parts(parts, body), api, exchange);
    let correct = Correct { reported, exchange: exchange.clone() };
    answer.map(|body| body.gated(correct, exchange))
}

/// Whether it comes in frames that no caller reads.
pub(super) fn is_event_stream(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).map_or(&b""[..], HeaderValue::as_bytes);
    kind.starts_with(b"application/vnd.amazon.eventstream")
}

/// What a status of `place` means to others, and how it names its error: that a model took too long is nothing the caller
/// did, and that it failed is no dependency of the caller's.
pub(super) fn understood(place: &Place, answer: &mut Response<Incoming>) {
    if place.upstream.kind != Kind::Bedrock || answer.status().is_success() {
        return;
    }
    let name = answer.headers().get(ERROR_TYPE).and_then(|name| name.to_str().ok());
    let name = name.and_then(|name| name.split([':', ',']).next()).map(str::trim);
    let is_word = |name: &&str| name.len() <= LONGEST_NAME && name.bytes().all(|b| b.is_ascii_alphanumeric());
    let name = name.filter(is_word).map(|name| ErrorName(name.into()));
    *answer.status_mut() = match answer.status() {
        StatusCode::REQUEST_TIMEOUT => StatusCode::GATEWAY_TIMEOUT,
        StatusCode::FAILED_DEPENDENCY => StatusCode::BAD_GATEWAY,
        other => other,
    };
    if let Some(name) = name {
        answer.extensions_mut().insert(name);
    }
}

/// Says what the upstream reported after the meter has said what it saw of it.
#[derive(Debug)]
struct Correct {
    reported: Reported,
    exchange: Exchange,
}

impl Correct {
    fn correct(&self) {
        if let Some(usage) = self.reported.usage() {
            self.exchange.facts(|facts| facts.usage = usage);
        }
    }
}

impl Guard for Correct {
    fn frame(&mut self, frame: Bytes, _: bool) -> Step {
        self.correct();
        Step::Pass(frame)
    }

    fn end(&mut self) -> Step {
        self.correct();
        Step::Pass(Bytes::new())
    }

    fn error(&mut self, error: BoxError) -> Result<Rejection, BoxError> {
        self.correct();
        Err(error)
    }
}
