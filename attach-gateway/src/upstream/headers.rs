//! Headers in both directions go by allow-list: what is not named here does not pass.

use attach_core::{Dialect, ExchangeId};
use aws_lc_rs::hmac;
use http::header::{
    ACCEPT, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER,
    USER_AGENT,
};

use super::place::Place;
use crate::config::IdentityHeaders;
use crate::front::{Caller, GROUPS, REQUEST_ID, SESSION, USER};
use crate::hex::hex;

/// What a client may tell an upstream. Not its `Idempotency-Key`: all callers share the upstream's credential, so one
/// caller's key would bring another one's answer.
const REQUEST: [HeaderName; 3] = [
    HeaderName::from_static("anthropic-version"),
    HeaderName::from_static("anthropic-beta"),
    HeaderName::from_static("openai-beta"),
];

/// What an upstream may tell a client.
const RESPONSE: [HeaderName; 5] = [
    CONTENT_TYPE,
    CONTENT_ENCODING,
    RETRY_AFTER,
    HeaderName::from_static("openai-processing-ms"),
    HeaderName::from_static("openai-model"),
];

const ANTHROPIC_VERSION: HeaderName = HeaderName::from_static("anthropic-version");

/// Turns a user into a stable pseudonym that only this gateway's key can link.
#[derive(Clone)]
pub(crate) struct Pseudonym(hmac::Key);

impl Pseudonym {
    pub(crate) fn new(key: &[u8; 32]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, key))
    }

    fn of(&self, user: &HeaderValue) -> Option<HeaderValue> {
        let tag = hmac::sign(&self.0, user.as_bytes());
        HeaderValue::from_str(&hex(&tag.as_ref()[..16])).ok()
    }
}

/// The headers of a call of `place` in `dialect`.
pub(super) fn request(
    from: &HeaderMap,
    place: &Place,
    dialect: Dialect,
    caller: Option<(&Caller, &Pseudonym)>,
    id: ExchangeId,
) -> HeaderMap {
    let mut headers = HeaderMap::with_capacity(12);
    for name in &REQUEST {
        if let Some(value) = from.get(name).filter(|value| is_plain(value)) {
            headers.insert(name, value.clone());
        }
    }
    headers.insert(ACCEPT, HeaderValue::from_static("*/*"));
    // A client such as `curl -d` may say anything; the body has been parsed as JSON.
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers
        .insert(USER_AGENT, HeaderValue::from_static(concat!("attach-gateway/", env!("CARGO_PKG_VERSION"))));
    if dialect == Dialect::Anthropic && !headers.contains_key(&ANTHROPIC_VERSION) {
        headers.insert(ANTHROPIC_VERSION, HeaderValue::from_static("2023-06-01"));
    }
    headers.insert(REQUEST_ID, id.to_header());
    if let Some((caller, pseudonym)) = caller {
        identity(&mut headers, place.upstream.identity_headers, caller, pseudonym);
    }
    headers
}

/// Dates and the names of features: nothing that could carry a message.
fn is_plain(value: &HeaderValue) -> bool {
    let plain = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_., =".contains(byte);
    value.len() <= 256 && value.as_bytes().iter().all(plain)
}

fn identity(headers: &mut HeaderMap, how: IdentityHeaders, caller: &Caller, pseudonym: &Pseudonym) {
    match how {
        IdentityHeaders::None => {}
        IdentityHeaders::Pseudonym => {
            if let Some(user) = pseudonym.of(&caller.user) {
                headers.insert(USER, user);
            }
        }
        IdentityHeaders::Full => {
            headers.insert(USER, caller.user.clone());
            headers.insert(SESSION, caller.session.clone());
            if let Some(groups) = &caller.groups {
                headers.insert(GROUPS, groups.clone());
            }
        }
    }
}

/// What of an upstream's headers the client gets.
pub(super) fn response(from: &HeaderMap) -> HeaderMap {
    let mut headers = HeaderMap::with_capacity(RESPONSE.len() + 6);
    for name in &RESPONSE {
        if let Some(value) = from.get(name) {
            headers.insert(name, value.clone());
        }
    }
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers
}
