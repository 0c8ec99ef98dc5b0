//! The answer as a whole: which way it is restored.

use attach_core::usage::Wire;
use attach_core::{BoxError, Exchange, Outcome, Rejection, ResponseBody, body};
use bytes::{Bytes, BytesMut};
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, HeaderName, HeaderValue, TRANSFER_ENCODING};
use http::{HeaderMap, Response, StatusCode};
use http_body_util::BodyExt;

use super::stream::Stream;
use super::unary;
use crate::judge::{self, Held, Judge};
use crate::vault::Vault;

/// A unary answer that is to be restored may have so many bytes.
const LONGEST: usize = 16 << 20;

/// Checksums of the body as it was.
const DIGESTS: [HeaderName; 4] = [
    HeaderName::from_static("content-md5"),
    HeaderName::from_static("digest"),
    HeaderName::from_static("content-digest"),
    HeaderName::from_static("repr-digest"),
];

/// The answer with the placeholders of `vault` restored in it, now or as it comes; `judge` sees it before.
pub(crate) async fn response<R>(
    response: Response<R>,
    vault: Vault,
    judge: Option<Judge>,
    exchange: &Exchange,
) -> Response<ResponseBody<R>>
where
    R: http_body::Body<Data = Bytes> + Send + 'static,
    R::Error: Into<BoxError>,
{
    // An error is the upstream's word, not the model's.
    let judge = judge.filter(|_| response.status().is_success());
    if vault.is_empty() && judge.is_none() || response.body().is_end_stream() {
        return response.map(ResponseBody::inner);
    }
    if is_encoded(response.headers()) {
        exchange.facts(|facts| facts.encoded = true);
        let message = "the upstream compressed its answer, so nobody can look into it";
        return bad_gateway("upstream_encoded", message).into_response(exchange);
    }
    let wire = wire(response.headers());
    if wire.is_some() {
        exchange.facts(|facts| facts.redaction.get_or_insert_default().answer = true);
    }
    match wire {
        Some(Wire::Json) => match Box::pin(whole(response, &vault, judge, exchange)).await {
            Ok(response) => response,
            Err(rejection) => rejection.into_response(exchange),
        },
        Some(wire) => streamed(response, vault, judge, wire, exchange),
        None if judge.is_some() => {
            judge::uninspected("the answer is neither JSON nor a stream of events").into_response(exchange)
        }
        // Nothing that a model wrote.
        None => response.map(ResponseBody::inner),
    }
}

fn is_encoded(headers: &HeaderMap) -> bool {
    let plain = |value: &HeaderValue| value.as_bytes().trim_ascii().eq_ignore_ascii_case(b"identity");
    headers.get_all(CONTENT_ENCODING).iter().any(|value| !plain(value))
}

/// JSON under any of its names.
fn wire(headers: &HeaderMap) -> Option<Wire> {
    let essence = headers.get(http::header::CONTENT_TYPE)?.as_bytes().split(|byte| *byte == b';').next()?;
    let essence = essence.trim_ascii().to_ascii_lowercase();
    if essence.ends_with(b"+json") { Some(Wire::Json) } else { Wire::of(headers) }
}

fn bad_gateway(code: &'static str, message: &'static str) -> Rejection {
    Rejection::new(StatusCode::BAD_GATEWAY, code, message).with_outcome(Outcome::Failed)
}

pub(super) fn too_large() -> Rejection {
    bad_gateway("upstream_too_large", "the upstream's answer is too large to be restored")
}

fn streamed<R>(
    response: Response<R>,
    vault: Vault,
    judge: Option<Judge>,
    wire: Wire,
    exchange: &Exchange,
) -> Response<ResponseBody<R>>
where
    R: http_body::Body<Data = Bytes> + Send + 'static,
    R::Error: Into<BoxError>,
{
    let restores = !vault.is_empty();
    let mut guard = Stream::new(vault, wire, exchange.clone());
    let api = exchange.api();
    if api.is_none() || !response.status().is_success() {
        // Nobody counts tokens in it, so nobody cuts it into events.
        guard = guard.reframing();
    }
    let mut response = match api {
        // Whole events, and what the upstream sent is what is counted.
        Some(api) => body::metered(response, api, exchange),
        None => response.map(ResponseBody::inner),
    };
    response.headers_mut().remove(CONTENT_LENGTH);
    DIGESTS.iter().for_each(|name| drop(response.headers_mut().remove(name)));
    response.map(|inner| {
        let seen = match judge {
            Some(judge) => inner.gated(Held::new(judge, wire), exchange),
            None => inner,
        };
        if restores { seen.gated(guard, exchange) } else { seen }
    })
}

async fn whole<R>(
    response: Response<R>,
    vault: &Vault,
    judge: Option<Judge>,
    exchange: &Exchange,
) -> Result<Response<ResponseBody<R>>, Rejection>
where
    R: http_body::Body<Data = Bytes> + Send + 'static,
    R::Error: Into<BoxError>,
{
    let (mut parts, body) = response.into_parts();
    let mut bytes = collect(body).await?;
    if let Some(judge) = judge {
        bytes = judge::whole(judge, bytes).await?;
    }
    let (bytes, tally) = unary::restore(bytes, vault);
    super::note(exchange, tally);
    parts.headers.remove(TRANSFER_ENCODING);
    DIGESTS.iter().for_each(|name| drop(parts.headers.remove(name)));
    parts.headers.insert(CONTENT_LENGTH, HeaderValue::from(bytes.len()));
    Ok(Response::from_parts(parts, ResponseBody::full(bytes)))
}

async fn collect<R>(body: R) -> Result<Bytes, Rejection>
where
    R: http_body::Body<Data = Bytes>,
    R::Error: Into<BoxError>,
{
    let mut body = std::pin::pin!(body);
    // Most answers come in one piece, which is then all of it.
    let (mut first, mut bytes) = (Bytes::new(), BytesMut::new());
    while let Some(frame) = body.as_mut().frame().await {
        let frame = frame.map_err(|error| {
            bad_gateway("upstream_incomplete", "the upstream's answer broke off")
                .with_reason(error.into().to_string())
        })?;
        let Ok(data) = frame.into_data() else { continue };
        if data.len() > LONGEST - first.len().max(bytes.len()) {
            return Err(too_large());
        }
        if first.is_empty() && bytes.is_empty() {
            first = data;
        } else {
            bytes.extend_from_slice(&std::mem::take(&mut first));
            bytes.extend_from_slice(&data);
        }
    }
    Ok(if bytes.is_empty() { first } else { bytes.freeze() })
}
