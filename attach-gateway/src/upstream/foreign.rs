//! Answers in a form that no caller has: Amazon Bedrock's. They are translated first, and metered in the caller's words.

use attach_core::body::{Guard, Step, metered, metered_whole};
use attach_core::{Api, BoxError, Exchange, Rejection, ResponseBody};
use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use http::{HeaderMap, Response, StatusCode};
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;

use super::answer::{Answer, MAX_UNARY, uncollected};
use super::origin::{Origin, Reported};
use super::refusal;
use crate::config::Kind;
use crate::translate::Translator;
use crate::upstream::place::Place;

/// Where Amazon names an error.
const ERROR_TYPE: HeaderName = HeaderName::from_static("x-amzn-errortype");

/// A name is a word.
const LONGEST_NAME: usize = 64;

/// The upstream's own name of the error that an answer is.
#[derive(Debug, Clone)]
struct ErrorName(Box<str>);

/// The answer in the caller's words.
pub(super) async fn foreign(
    answer: Response<Origin>,
    api: Api,
    translator: &Translator,
    (place, exchange): (&Place, &Exchange),
) -> Result<Answer, Rejection> {
    if answer.status().is_success() && is_stream(answer.headers()) {
        let (mut parts, body) = answer.into_parts();
        parts.headers.insert(CONTENT_TYPE, translator.stream_content_type());
        let reported = Reported::default();
        let body = body.reworded(translator.stream(exchange), reported.clone());
        let answer = metered(Response::from_parts(parts, body), api, exchange);
        let correct = Correct { reported, exchange: exchange.clone() };
        return Ok(answer.map(|body| body.gated(correct, exchange)));
    }
    let (mut parts, body) = answer.into_parts();
    let collected = Limited::new(body, MAX_UNARY).collect().await;
    let bytes = collected.map_err(|error| uncollected(&error, exchange))?.to_bytes();
    parts.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if !parts.status.is_success() {
        if place.keys.now().is_in(&bytes) {
            return Err(refusal::repeated());
        }
        let name = parts.extensions.get::<ErrorName>().map(|name| &*name.0);
        let error = translator.named_error(parts.status, (name, &bytes), exchange);
        return Ok(Response::from_parts(parts, ResponseBody::full(error)));
    }
    let translated = translator.unary_with_usage(&bytes, exchange);
    let (bytes, usage) = translated.ok_or_else(|| refusal::unreadable("not the JSON of a completion"))?;
    metered_whole(&bytes, api, exchange);
    if let Some(usage) = usage {
        exchange.facts(|facts| facts.usage = usage);
    }
    Ok(Response::from_parts(parts, ResponseBody::full(bytes)))
}

fn is_stream(headers: &HeaderMap) -> bool {
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
