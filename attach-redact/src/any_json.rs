//! A request of no known API: any JSON.

use attach_core::exchange::Coverage;
use attach_core::json::{Document, JsonError};
use attach_core::{Body, BoxError, Exchange, Payload, Rejection};
use bytes::Bytes;
use http::header::{ACCEPT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderValue, TRANSFER_ENCODING};
use http::{HeaderMap, Request, StatusCode};

use crate::offload::{Elsewhere, LARGE, perform};
use crate::request::{Looked, Whose, check_files, fault};
use crate::vault::Vault;
use crate::{Fault, RedactLayer, Redactor, Scope};

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
    let scope = exchange.identity().map_or_else(Scope::anonymous, |identity| Scope::from(&**identity));
    if request.body().is_end_stream() {
        return Ok((request.map(Body::new), layer.redactor().vault(&scope)));
    }
    if !is_json(request.headers()) {
        if !layer.passes_other_media() {
            return Err(other_media());
        }
        exchange.facts(|facts| facts.redaction.get_or_insert_default().coverage = Coverage::Partial);
        return Ok((request.map(Body::new), layer.redactor().vault(&scope)));
    }
    let (mut request, bytes) = Payload::take_bytes(request, layer.limit()).await?;
    if bytes.is_empty() {
        return Ok((request, layer.redactor().vault(&scope)));
    }
    let whose = Whose { scope: scope.clone(), budget: layer.budget_of_one() };
    let offload = layer.elsewhere().filter(|_| bytes.len() > LARGE);
    let elsewhere = offload.map(|offload| Elsewhere { offload, whose: &scope, bytes: bytes.len() });
    let (redactor, noted) = (layer.redactor().clone(), exchange.clone());
    let work = move || document(&redactor, &whose, bytes, &noted);
    let (redacted, vault) = perform(elsewhere.as_ref(), work).await?;
    if let Some(bytes) = redacted {
        let headers = request.headers_mut();
        headers.remove(TRANSFER_ENCODING);
        headers.insert(CONTENT_LENGTH, HeaderValue::from(bytes.len()));
        *request.body_mut() = Body::from(bytes);
    }
    if !vault.is_empty() {
        // An encoded answer could not be restored.
        request.headers_mut().insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    }
    Ok((request, vault))
}

/// The bytes without what was found in them, `None` if nothing was; what was found is noted also if it is blocked.
fn document(
    redactor: &Redactor,
    whose: &Whose,
    bytes: Bytes,
    exchange: &Exchange,
) -> Result<(Option<Bytes>, Vault), Rejection> {
    if !redactor.inspectors().is_empty() {
        return Err(fault(Fault::new("inspectors are asked about known calls only")));
    }
    let document = Document::parse(bytes).map_err(not_json)?;
    let coverage = check_files(redactor, &document)?;
    let looked = Looked::at(redactor, whose, &document, coverage).map_err(fault)?;
    exchange.facts(|facts| facts.redaction = Some(looked.facts().clone()));
    looked.check()?;
    let (redacted, outcome) = looked.spliced().map_err(fault)?;
    Ok((redacted.map(|document| document.bytes().clone()), outcome.vault))
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
