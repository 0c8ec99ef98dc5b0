//! What upstreams and clients are told about the caller: `X-Attach-User`, `X-Attach-Session`, `X-Attach-Groups`.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use attach_core::{Dialect, Exchange, Identity};
use http::header::{HeaderName, HeaderValue, USER_AGENT};
use http::{HeaderMap, Request, Response};
use pin_project_lite::pin_project;
use sha2::{Digest, Sha256};
use tower::{Layer, Service};

use crate::hex::hex;

pub(crate) const USER: HeaderName = HeaderName::from_static("x-attach-user");
pub(crate) const SESSION: HeaderName = HeaderName::from_static("x-attach-session");
pub(crate) const GROUPS: HeaderName = HeaderName::from_static("x-attach-groups");
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The same for Anthropic's packages, which look for it here (API reference, "Response headers").
const ANTHROPIC_REQUEST_ID: HeaderName = HeaderName::from_static("request-id");

/// Longest `X-Attach-Groups`, in bytes; groups that do not fit any more are left out whole.
const MAX_GROUPS: usize = 4 << 10;

/// The caller as headers show it.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    /// The token's `sub`, percent-encoded where a header needs it.
    pub(crate) user: HeaderValue,
    /// First 16 hex digits of SHA-256 of `sub:User-Agent`.
    pub(crate) session: HeaderValue,
    /// The caller's groups, comma-separated, each percent-encoded.
    pub(crate) groups: Option<HeaderValue>,
}

impl Caller {
    fn new(identity: &Identity, headers: &HeaderMap) -> Option<Self> {
        let agent = headers.get(USER_AGENT).map_or(&b""[..], HeaderValue::as_bytes);
        Some(Self {
            user: HeaderValue::from_str(&encode(&identity.subject)).ok()?,
            session: HeaderValue::from_str(&session(&identity.subject, agent)).ok()?,
            groups: groups(identity),
        })
    }
}

fn session(subject: &str, agent: &[u8]) -> String {
    let digest = Sha256::new().chain_update(subject).chain_update(b":").chain_update(agent).finalize();
    hex(&digest[..8])
}

fn groups(identity: &Identity) -> Option<HeaderValue> {
    let mut line = String::new();
    for group in &identity.groups {
        let name = encode(&group.name);
        if line.len() + name.len() + 1 > MAX_GROUPS {
            break;
        }
        if !line.is_empty() {
            line.push(',');
        }
        line.push_str(&name);
    }
    if line.is_empty() { None } else { HeaderValue::from_str(&line).ok() }
}

/// Percent-encodes what a header value cannot hold, and the comma and percent sign, which would be read as ours.
pub(crate) fn encode(text: &str) -> String {
    use std::fmt::Write as _;
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if (0x21..=0x7e).contains(&byte) && !matches!(byte, b'%' | b',' | b'"') {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

/// Works out the caller's headers once, for upstream and client alike.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CallerLayer;

impl<S> Layer<S> for CallerLayer {
    type Service = CallerService<S>;

    fn layer(&self, inner: S) -> CallerService<S> {
        CallerService { inner }
    }
}

/// The service of [`CallerLayer`].
#[derive(Debug, Clone)]
pub(crate) struct CallerService<S> {
    inner: S,
}

impl<S, B, R> Service<Request<B>> for CallerService<S>
where
    S: Service<Request<B>, Response = Response<R>>,
{
    type Response = Response<R>;
    type Error = S::Error;
    type Future = Told<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let exchange = Exchange::of_request(&mut request);
        let caller = exchange.identity().and_then(|identity| Caller::new(identity, request.headers()));
        if let Some(caller) = &caller {
            request.extensions_mut().insert(caller.clone());
        }
        Told { inner: self.inner.call(request), caller, exchange }
    }
}

pin_project! {
    /// The answer of [`CallerService`].
    pub(crate) struct Told<F> {
        #[pin]
        inner: F,
        caller: Option<Caller>,
        exchange: Exchange,
    }
}

impl<F, R, E> Future for Told<F>
where
    F: Future<Output = Result<Response<R>, E>>,
{
    type Output = Result<Response<R>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let mut answer = ready!(this.inner.poll(cx));
        if let Ok(response) = &mut answer {
            tell(response.headers_mut(), this.caller.take(), this.exchange);
        }
        Poll::Ready(answer)
    }
}

fn tell(headers: &mut HeaderMap, caller: Option<Caller>, exchange: &Exchange) {
    if let Some(caller) = caller {
        headers.insert(USER, caller.user);
        headers.insert(SESSION, caller.session);
    }
    let id = exchange.id().to_header();
    if exchange.dialect() == Dialect::Anthropic {
        headers.insert(ANTHROPIC_REQUEST_ID, id.clone());
    }
    headers.insert(REQUEST_ID, id);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_session_is_what_the_python_gateway_sent() {
        // echo -n 'auth0|123:curl/8.0' | sha256sum | cut -c1-16
        assert_eq!(session("auth0|123", b"curl/8.0"), "bc715ba779c2379b");
    }

    #[test]
    fn nothing_in_a_name_can_end_a_header_or_add_a_group() {
        assert_eq!(encode("a\r\nb,c%d é"), "a%0D%0Ab%2Cc%25d%20%C3%A9");
        assert_eq!(encode("auth0|123"), "auth0|123");
    }
}
