//! Answers that are read whole: errors, and what is translated in one piece.

use attach_core::body::metered_whole;
use attach_core::{Api, BoxError, Exchange, Rejection, ResponseBody};
use bytes::Bytes;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderValue};
use http::{Response, response};
use http_body_util::{BodyExt, LengthLimitError, Limited};

use super::answer::Answer;
use super::foreign::ErrorName;
use super::origin::Origin;
use super::refusal;
use super::shown::Shown;
use crate::translate::Translator;

/// Longest unary answer that is translated, in bytes.
const MAX_UNARY: usize = 16 << 20;

/// Longest error that is passed on, in bytes.
const MAX_ERROR: usize = 1 << 20;

/// An error as the upstream put it, unless it repeats the credential it was shown.
pub(super) async fn error(
    from: Response<Origin>,
    (shown, exchange): (&Shown, &Exchange),
) -> Result<Answer, Rejection> {
    let (parts, bytes) = collect(from, MAX_ERROR, (shown, exchange)).await?;
    Ok(Response::from_parts(parts, ResponseBody::full(bytes)))
}

/// A whole answer, or an error, in the caller's words. `api` is the upstream's, if it is one that callers have, too: then
/// what it sent is metered, else what is said instead of it. The outcome is not stated before it is known to be readable.
pub(super) async fn translated(
    from: Response<Origin>,
    api: Option<Api>,
    translator: &Translator,
    (shown, exchange): (&Shown, &Exchange),
) -> Result<Answer, Rejection> {
    let (mut parts, bytes) = collect(from, MAX_UNARY, (shown, exchange)).await?;
    parts.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if !parts.status.is_success() {
        let name = parts.extensions.get::<ErrorName>().map(ErrorName::as_str);
        let error = translator.error(parts.status, (name, &bytes), exchange);
        return Ok(Response::from_parts(parts, ResponseBody::full(error)));
    }
    if let Some(api) = api {
        metered_whole(&bytes, api, exchange);
    }
    let translated = translator.whole(&bytes, exchange);
    let (bytes, usage) = translated.ok_or_else(|| refusal::unreadable("not the JSON of a completion"))?;
    if api.is_none() {
        metered_whole(&bytes, translator.api(), exchange);
        if let Some(usage) = usage {
            exchange.facts(|facts| facts.usage = usage);
        }
    }
    if translator.is_streamed() {
        parts.headers.insert(CONTENT_TYPE, translator.stream_content_type());
    }
    Ok(Response::from_parts(parts, ResponseBody::full(bytes)))
}

/// The whole body, which has to be readable. That of an error must not repeat the credential.
async fn collect(
    from: Response<Origin>,
    most: usize,
    (shown, exchange): (&Shown, &Exchange),
) -> Result<(response::Parts, Bytes), Rejection> {
    let (parts, body) = from.into_parts();
    let plain = |coding: &HeaderValue| coding.as_bytes().eq_ignore_ascii_case(b"identity");
    if !parts.headers.get_all(CONTENT_ENCODING).iter().all(plain) {
        return Err(refusal::encoded());
    }
    let collected = Limited::new(body, most).collect().await;
    let bytes = collected.map_err(|error| uncollected(&error, exchange))?.to_bytes();
    if !parts.status.is_success() && shown.is_in(&bytes) {
        return Err(refusal::repeated());
    }
    Ok((parts, bytes))
}

fn uncollected(error: &BoxError, exchange: &Exchange) -> Rejection {
    if error.is::<LengthLimitError>() {
        return refusal::unreadable("longer than what is translated");
    }
    if let Some(rejection) = error.downcast_ref::<Rejection>() {
        return rejection.clone();
    }
    refusal::ended(exchange)
}
