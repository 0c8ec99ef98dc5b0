//! An upstream's answer on its way back: checked, metered, translated where needed.

use attach_core::body::metered;
use attach_core::{Exchange, Outcome, ResponseBody};
use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use http::{Response, StatusCode};
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;

use super::directory::Place;
use super::mend::Mend;
use super::timed::Timed;
use super::{headers, refusal};
use crate::translate::Plan;

/// Longest unary answer that is translated, in bytes.
const MAX_UNARY: usize = 16 << 20;

pub(super) type Answer = Response<ResponseBody<Timed>>;

/// Turns what an upstream sent into what the client gets.
pub(super) async fn answer(
    from: Response<Incoming>,
    place: &Place,
    plan: Plan,
    exchange: &Exchange,
) -> Answer {
    let status = from.status();
    if let Some(rejection) = refused(status) {
        return rejection.into_response(exchange);
    }
    let (mut parts, body) = from.into_parts();
    parts.headers = headers::response(&parts.headers);
    let body = Timed::new(body, &place.upstream.timeouts, exchange.clone());
    let answer = metered(Response::from_parts(parts, body), plan.upstream_api(), exchange);
    if status.is_server_error() {
        exchange.finish(Outcome::Failed);
    }
    let mut answer = match plan.translator() {
        None => answer,
        Some(_) if !status.is_success() => translated_error(answer, &plan, exchange).await,
        Some(_) if is_stream(&answer) => translated_stream(answer, &plan, exchange),
        Some(_) => translated(answer, &plan, exchange).await,
    };
    if let Some(dropped) = plan.dropped().and_then(|names| HeaderValue::from_str(&names).ok()) {
        answer.headers_mut().insert(HeaderName::from_static("x-attach-dropped"), dropped);
    }
    let mend = Mend(exchange.clone());
    answer.map(|body| body.gated(mend, exchange))
}

fn refused(status: StatusCode) -> Option<attach_core::Rejection> {
    match status.as_u16() {
        401 | 403 | 407 => Some(refusal::credential_rejected(status)),
        300..=399 => Some(refusal::redirected(status)),
        _ => None,
    }
}

fn is_stream(answer: &Answer) -> bool {
    let kind = answer.headers().get(CONTENT_TYPE).map(HeaderValue::as_bytes);
    kind.is_some_and(|kind| kind.starts_with(b"text/event-stream"))
}

fn translated_stream(answer: Answer, plan: &Plan, exchange: &Exchange) -> Answer {
    let Some(translator) = plan.translator() else { return answer };
    let (mut parts, body) = answer.into_parts();
    parts.headers.insert(CONTENT_TYPE, translator.stream_content_type());
    Response::from_parts(parts, body.gated(translator.stream(exchange), exchange))
}

async fn translated(answer: Answer, plan: &Plan, exchange: &Exchange) -> Answer {
    let Some(translator) = plan.translator() else { return answer };
    let (mut parts, body) = answer.into_parts();
    let Ok(bytes) = collect(body).await else { return refusal::broke().into_response(exchange) };
    match translator.unary(&bytes, exchange) {
        Some(bytes) => {
            parts.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
            Response::from_parts(parts, ResponseBody::full(bytes))
        }
        None => refusal::unreadable("not the JSON of a completion").into_response(exchange),
    }
}

async fn translated_error(answer: Answer, plan: &Plan, exchange: &Exchange) -> Answer {
    let Some(translator) = plan.translator() else { return answer };
    let (mut parts, body) = answer.into_parts();
    let Ok(bytes) = collect(body).await else { return refusal::broke().into_response(exchange) };
    parts.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Response::from_parts(parts, ResponseBody::full(translator.error(&bytes)))
}

async fn collect(body: ResponseBody<Timed>) -> Result<Bytes, attach_core::BoxError> {
    Ok(Limited::new(body, MAX_UNARY).collect().await?.to_bytes())
}
