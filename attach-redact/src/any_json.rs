//! A request of no known API: any JSON.

use attach_core::exchange::Coverage;
use attach_core::json::{Document, Edit, JsonError};
use attach_core::{Body, BoxError, Exchange, Payload, Rejection};
use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderValue, TRANSFER_ENCODING};
use http::{HeaderMap, Request, StatusCode};

use crate::request::{Prepared, fault};
use crate::steps::{self, scope};
use crate::vault::Vault;
use crate::{Fault, RedactLayer, Redactor};

/// The request without what was found in it, and what it takes to restore the answer.
pub(crate) async fn redact<B>(
    layer: &RedactLayer,
    request: Request<B>,
    exchange: &Exchange,
) -> Result<(Request<Body>, Vault), Rejection>
where
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    let nothing = || layer.redactor().vault(&scope(exchange));
    if request.body().is_end_stream() {
        return Ok((request.map(Body::new), nothing()));
    }
    if !is_json(request.headers()) {
        if !layer.passes_other_media() {
            return Err(other_media());
        }
        exchange.facts(|facts| {
            facts.redaction.get_or_insert_with(|| layer.redactor().facts()).coverage = Coverage::Partial;
        });
        return Ok((request.map(Body::new), nothing()));
    }
    let (mut request, bytes) = Payload::take_bytes(request, layer.limit()).await?;
    if bytes.is_empty() {
        return Ok((request, nothing()));
    }
    let size = bytes.len();
    let prepare =
        move |redactor: &Redactor| Prepared::of_any(redactor, Document::parse(bytes).map_err(not_json)?);
    let (redacted, vault) = steps::redact(layer, exchange, size, prepare, spliced).await?;
    if let Some(bytes) = redacted {
        let headers = request.headers_mut();
        headers.remove(TRANSFER_ENCODING);
        headers.insert(CONTENT_LENGTH, HeaderValue::from(bytes.len()));
        *request.body_mut() = Body::from(bytes);
    }
    Ok((request, vault))
}

/// The bytes of `document` with `edits`, `None` if there are none.
fn spliced(document: &Document, edits: &[Edit]) -> Result<Option<Bytes>, Rejection> {
    if edits.is_empty() {
        return Ok(None);
    }
    let spliced = document.splice(edits).map_err(|error| fault(Fault::new(error.to_string())))?;
    Ok(Some(spliced.bytes().clone()))
}

/// JSON under any of its names; a body that does not say what it is has to be JSON.
fn is_json(headers: &HeaderMap) -> bool {
    let Some(value) = headers.get(CONTENT_TYPE) else { return true };
    let essence = value.as_bytes().split(|byte| *byte == b';').next().unwrap_or_default();
    let essence = essence.trim_ascii().to_ascii_lowercase();
    essence == b"application/json" || essence.ends_with(b"+json")
}

fn other_media() -> Rejection {
    let message = "only JSON can be inspected, and what cannot be inspected must not leave";
    Rejection::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "uninspectable_media_type", message)
}

// The message holds a path, never a value.
fn not_json(error: JsonError) -> Rejection {
    Rejection::bad_request(error.kind.code(), error.to_string()).with_param(error.path)
}
