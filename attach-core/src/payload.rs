//! The request body, read once.

use std::any::Any;
use std::error::Error;
use std::fmt;
use std::pin::pin;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, HeaderMap, HeaderValue, TRANSFER_ENCODING};
use http::request::Parts;
use http::{Request, StatusCode};
use http_body_util::{BodyExt, LengthLimitError};

use crate::BodyCheck;
use crate::Exchange;
use crate::body::{Body, BoxError};
use crate::call::{Api, Call, CallError};
use crate::json::{Document, Edit, JsonError, Value};
use crate::rejection::Rejection;

/// The request body: its bytes, their strict parse, and the call that was read from it.
///
/// Cheap to clone. `Debug` shows sizes, never content.
#[derive(Clone)]
pub struct Payload(Arc<Inner>);

struct Inner {
    document: Document,
    call: Arc<Call>,
}

impl Payload {
    /// Reads `bytes` as a call of `api`.
    ///
    /// A bare `prompt` for Ollama's chat becomes the one message of a user; where there are `messages` as well,
    /// both stay as they are, and the server ignores `prompt`.
    ///
    /// # Errors
    ///
    /// 400, with the place, if the bytes are not strict JSON or not such a call.
    pub fn parse(api: Api, bytes: Bytes) -> Result<Self, Rejection> {
        let mut document = Document::parse(bytes).map_err(not_json)?;
        if api == Api::OllamaChat
            && let Some(bytes) = with_messages(document.root())
        {
            document = Document::parse(bytes).map_err(not_json)?;
        }
        let call = Call::parse(api, &document).map_err(no_call)?;
        Ok(Self(Arc::new(Inner { document, call: Arc::new(call) })))
    }

    /// Takes the body out of `request`, reads it as a call, and leaves both in their places: the bytes as the new
    /// body, the payload in the extensions.
    ///
    /// The [`Api`] is the one in the extensions, else that of method and path. The parse of an earlier layer is
    /// used only if the body still is the same allocation: a body that somebody changed on the way never rides on
    /// an old parse. Content types are not looked at; `curl -d` sends JSON as a form.
    ///
    /// # Errors
    ///
    /// 404 for a path of no API, 415 for an encoded body, 413 for more than `limit` bytes, 400 for a body that
    /// breaks off or that [`parse`](Self::parse) refuses, and whatever a [`BodyCheck`] in the extensions says.
    pub async fn take<B>(request: Request<B>, limit: usize) -> Result<(Request<Body>, Self), Rejection>
    where
        B: http_body::Body<Data = Bytes> + 'static,
        B::Error: Into<BoxError>,
    {
        if let Some(payload) = Self::of_taken(&request, limit) {
            return Ok((request.map(Body::known), payload));
        }
        // Boxed: all layers but the first would have room for what they need not do.
        Box::pin(Self::take_first(request, limit)).await
    }

    async fn take_first<B>(request: Request<B>, limit: usize) -> Result<(Request<Body>, Self), Rejection>
    where
        B: http_body::Body<Data = Bytes>,
        B::Error: Into<BoxError>,
    {
        let (mut parts, body) = request.into_parts();
        let known = parts.extensions.get::<Api>().copied();
        let Some(api) = known.or_else(|| Api::of(&parts.method, parts.uri.path())) else {
            return Err(Rejection::new(
                StatusCode::NOT_FOUND,
                "unknown_endpoint",
                "there is no such endpoint",
            ));
        };
        let bytes = read(&mut parts, body, limit).await?;
        let earlier =
            parts.extensions.get::<Self>().filter(|earlier| earlier.is_parse_of(api, &bytes)).cloned();
        let payload = match earlier {
            Some(payload) => payload,
            None => Self::parse(api, bytes)?,
        };
        let mut request = Request::from_parts(parts, Body::empty());
        payload.attach(&mut request);
        Ok((request, payload))
    }

    /// The payload of a request that a layer further out has [taken](Self::take), if nothing has changed since.
    fn of_taken<B: 'static>(request: &Request<B>, limit: usize) -> Option<Self> {
        let body = (request.body() as &dyn Any).downcast_ref::<Body>();
        let (bytes, extensions) = (body.and_then(Body::bytes)?, request.extensions());
        let payload = extensions.get::<Self>()?;
        let known = extensions.get::<Api>().copied();
        let api = known.or_else(|| Api::of(request.method(), request.uri().path()))?;
        let unchanged = bytes.len() <= limit
            && payload.is_parse_of(api, bytes)
            && extensions.get::<BodyCheck>().is_none()
            && is_plain(request.headers(), bytes.len());
        unchanged.then(|| payload.clone())
    }

    /// Takes the body out of `request`, whatever it is, and leaves it in its place as bytes: for requests that are no
    /// calls.
    ///
    /// # Errors
    ///
    /// 415, 413, 400 and whatever a [`BodyCheck`] says, as [`take`](Self::take).
    pub async fn take_bytes<B>(request: Request<B>, limit: usize) -> Result<(Request<Body>, Bytes), Rejection>
    where
        B: http_body::Body<Data = Bytes>,
        B::Error: Into<BoxError>,
    {
        let (mut parts, body) = request.into_parts();
        let bytes = read(&mut parts, body, limit).await?;
        Ok((Request::from_parts(parts, Body::from(bytes.clone())), bytes))
    }

    /// The call.
    #[must_use]
    pub fn call(&self) -> &Call {
        &self.0.call
    }

    /// The parse.
    #[must_use]
    pub fn document(&self) -> &Document {
        &self.0.document
    }

    /// The bytes.
    #[must_use]
    pub fn bytes(&self) -> &Bytes {
        self.0.document.bytes()
    }

    /// The payload with `edits` made. Nothing is parsed again: the nodes stay valid, and the call stays as it was
    /// read, also where an edit changes what it was read from.
    ///
    /// # Errors
    ///
    /// 400 if an edit cannot be made, as when a renamed key is there already. No edit is made then.
    pub fn splice(&self, edits: &[Edit]) -> Result<Self, Rejection> {
        if edits.is_empty() {
            return Ok(self.clone());
        }
        let document = self.0.document.splice(edits).map_err(|error| {
            Rejection::bad_request("not_replaceable", "a value of the body cannot be replaced")
                .with_reason(error.to_string())
        })?;
        Ok(Self(Arc::new(Inner { document, call: Arc::clone(&self.0.call) })))
    }

    /// Makes this the body of `request`, with its length and in its extensions.
    pub fn attach(&self, request: &mut Request<Body>) {
        *request.body_mut() = Body::from(self.bytes().clone());
        let headers = request.headers_mut();
        headers.remove(TRANSFER_ENCODING);
        headers.insert(CONTENT_LENGTH, HeaderValue::from(self.bytes().len()));
        request.extensions_mut().insert(self.clone());
    }

    fn is_parse_of(&self, api: Api, bytes: &Bytes) -> bool {
        // As long as `self` holds the allocation, no other bytes can be at its address.
        let ours = self.bytes();
        self.0.call.api == api && ours.as_ptr() == bytes.as_ptr() && ours.len() == bytes.len()
    }
}

impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Payload").field("document", &self.0.document).field("call", &self.0.call).finish()
    }
}

/// Whether the head says of the body what [`Payload::attach`] says of it, and no more.
fn is_plain(headers: &HeaderMap, length: usize) -> bool {
    let said = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    said == Some(length)
        && !headers.contains_key(TRANSFER_ENCODING)
        && !headers.contains_key(CONTENT_ENCODING)
}

fn check_headers(headers: &HeaderMap, limit: usize) -> Result<(), Rejection> {
    let encoded = |value: &HeaderValue| !value.as_bytes().trim_ascii().eq_ignore_ascii_case(b"identity");
    if headers.get_all(CONTENT_ENCODING).iter().any(encoded) {
        let message = "the request body must not be compressed";
        return Err(Rejection::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "unsupported_content_encoding",
            message,
        ));
    }
    let length = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if length.is_some_and(|length| length > limit as u64) { Err(too_large()) } else { Ok(()) }
}

/// The whole body, unless the head or a promise about it says that it must not be used.
async fn read<B>(parts: &mut Parts, body: B, limit: usize) -> Result<Bytes, Rejection>
where
    B: http_body::Body<Data = Bytes>,
    B::Error: Into<BoxError>,
{
    check_headers(&parts.headers, limit)?;
    let bytes = collect(body, limit).await?;
    BodyCheck::settle(&mut parts.extensions, &bytes)?;
    if let Some(exchange) = parts.extensions.get::<Exchange>() {
        exchange.receive(&bytes);
    }
    Ok(bytes)
}

/// The whole body; the bytes themselves if they come in one piece.
async fn collect<B>(body: B, limit: usize) -> Result<Bytes, Rejection>
where
    B: http_body::Body<Data = Bytes>,
    B::Error: Into<BoxError>,
{
    let mut body = pin!(body);
    let mut first = Bytes::new();
    let mut more = BytesMut::new();
    while let Some(frame) = body.as_mut().frame().await {
        // Trailers are dropped.
        let Ok(data) = frame.map_err(|error| unreadable(&*error.into()))?.into_data() else {
            continue;
        };
        if data.is_empty() {
            continue;
        }
        if data.len() > limit - first.len().max(more.len()) {
            return Err(too_large());
        }
        if first.is_empty() && more.is_empty() {
            first = data;
        } else {
            more.extend_from_slice(&std::mem::take(&mut first));
            more.extend_from_slice(&data);
        }
    }
    Ok(if more.is_empty() { first } else { more.freeze() })
}

fn too_large() -> Rejection {
    let message = "the request body is too large";
    Rejection::new(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", message)
}

fn unreadable(error: &(dyn Error + 'static)) -> Rejection {
    // Whoever watches over the body may know better than we what it is refused with.
    if let Some(rejection) = causes(error).find_map(|cause| cause.downcast_ref::<Rejection>()) {
        return rejection.clone();
    }
    // A limit that somebody else set around this one.
    if causes(error).any(<dyn Error>::is::<LengthLimitError>) {
        return too_large();
    }
    Rejection::bad_request("body_incomplete", "the request body broke off").with_reason(error.to_string())
}

fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&error| error.source())
}

// The messages hold paths, never values.
fn not_json(error: JsonError) -> Rejection {
    Rejection::bad_request(error.kind.code(), error.to_string()).with_param(error.path)
}

fn no_call(error: CallError) -> Rejection {
    Rejection::bad_request(error.code(), error.to_string()).with_param(error.path)
}

/// The body with its bare `prompt` made the message of a user, if it has one and no messages.
fn with_messages(root: Value<'_>) -> Option<Bytes> {
    let prompt = root.get("prompt").filter(|prompt| prompt.as_str().is_some())?;
    if root.get("messages").is_some() {
        return None;
    }
    let span = prompt.member_span()?;
    let body = root.document().bytes();
    let parts: [&[u8]; 5] = [
        body.get(..span.start)?,
        br#""messages":[{"role":"user","content":"#,
        prompt.raw(),
        b"}]",
        body.get(span.end..)?,
    ];
    Some(parts.concat().into())
}
