//! An upstream's answer on its way back: checked, metered, translated where needed.

use attach_core::body::metered;
use attach_core::usage::Wire;
use attach_core::{Exchange, Outcome, Rejection, ResponseBody};
use http::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderName, HeaderValue};
use http::{HeaderMap, Response, StatusCode};
use hyper::body::Incoming;

use super::foreign::{foreign, is_event_stream};
use super::mend::Mend;
use super::origin::Origin;
use super::place::Place;
use super::shown::Shown;
use super::timed::Timed;
use super::way::Way;
use super::withhold::withheld;
use super::{headers, refusal, whole};
use crate::translate::{Plan, Translator};

pub(super) type Answer = Response<ResponseBody<Origin>>;

/// Turns what an upstream sent into what the client gets.
pub(super) async fn answer(mut from: Response<Incoming>, place: &Place, plan: Plan, way: Way) -> Answer {
    let exchange = &way.exchange().clone();
    way.note_id(from.headers());
    let status = from.status();
    if let Some(rejection) = refused(status) {
        return rejection.into_response(exchange);
    }
    let Some(shown) = Shown::take(&mut from) else {
        return Rejection::misconfigured("an answer to no credential").into_response(exchange);
    };
    let (mut parts, body) = from.into_parts();
    parts.headers = headers::response(&parts.headers);
    let body = Timed::new(body, &place.upstream.timeouts, way);
    let body = if Wire::of(&parts.headers) == Some(Wire::Json) { body.held() } else { body };
    let from = Response::from_parts(parts, Origin::new(body));
    let Some(api) = plan.operation().api().or(exchange.api()) else {
        return Rejection::misconfigured("an answer to no operation").into_response(exchange);
    };
    if status.is_server_error() {
        exchange.finish(Outcome::Failed);
    }
    let mut answer = match plan.translator() {
        None if !status.is_success() => match Box::pin(whole::error(from, (&shown, exchange))).await {
            Ok(answer) => answer,
            Err(rejection) => return rejection.into_response(exchange),
        },
        None if is_unknown(&from) => {
            return refusal::unreadable("neither JSON nor a stream").into_response(exchange);
        }
        None => metered(from, api, exchange),
        Some(translator) if status.is_success() && is_streamed(from.headers()) => {
            translated_stream(metered(from, api, exchange), translator, exchange)
        }
        Some(translator) if status.is_success() && is_event_stream(from.headers()) => {
            foreign(from, api, translator, exchange)
        }
        Some(translator) => {
            let own = plan.operation().api();
            match Box::pin(whole::translated(from, own, translator, (&shown, exchange))).await {
                Ok(answer) => answer,
                Err(rejection) => rejection.into_response(exchange),
            }
        }
    };
    if let Some(dropped) = plan.dropped().and_then(|names| HeaderValue::from_str(&names).ok()) {
        answer.headers_mut().insert(HeaderName::from_static("x-attach-dropped"), dropped);
    }
    let mend = Mend(exchange.clone());
    withheld(answer, shown, exchange).map(|body| body.gated(mend, exchange))
}

/// Whether it comes in pieces that can be translated one by one.
fn is_streamed(headers: &HeaderMap) -> bool {
    matches!(Wire::of(headers), Some(Wire::Sse | Wire::Ndjson))
}

/// Whether it is declared to be nothing that a model server says. What is encoded is refused by whoever has to read it.
fn is_unknown<B>(answer: &Response<B>) -> bool {
    Wire::of(answer.headers()).is_none() && !answer.headers().contains_key(CONTENT_ENCODING)
}

fn refused(status: StatusCode) -> Option<Rejection> {
    match status.as_u16() {
        401 | 403 | 407 => Some(refusal::credential_rejected(status)),
        300..=399 => Some(refusal::redirected(status)),
        ..200 | 600.. => Some(refusal::unreadable("a status that is no answer")),
        _ => None,
    }
}

fn translated_stream(answer: Answer, translator: &Translator, exchange: &Exchange) -> Answer {
    let (mut parts, body) = answer.into_parts();
    parts.headers.insert(CONTENT_TYPE, translator.stream_content_type());
    Response::from_parts(parts, body.gated(translator.stream(exchange), exchange))
}
