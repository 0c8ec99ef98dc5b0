//! Which web pages may call (the Fetch standard's CORS protocol).

use std::time::Duration;

use http::Method;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use tower_http::cors::{AllowOrigin, CorsLayer};

/// How long a browser may remember what it was told.
const REMEMBER: Duration = Duration::from_secs(600);

/// What a page may send.
const SENT: [HeaderName; 10] = [
    AUTHORIZATION,
    CONTENT_TYPE,
    HeaderName::from_static("x-api-key"),
    HeaderName::from_static("api-key"),
    HeaderName::from_static("dpop"),
    HeaderName::from_static("anthropic-version"),
    HeaderName::from_static("anthropic-beta"),
    HeaderName::from_static("anthropic-dangerous-direct-browser-access"),
    HeaderName::from_static("openai-beta"),
    HeaderName::from_static("x-client-request-id"),
];

/// What a page may read of an answer, besides what any page may.
const READ: [HeaderName; 12] = [
    WWW_AUTHENTICATE,
    RETRY_AFTER,
    HeaderName::from_static("x-request-id"),
    HeaderName::from_static("request-id"),
    HeaderName::from_static("x-attach-user"),
    HeaderName::from_static("x-attach-session"),
    HeaderName::from_static("x-attach-dropped"),
    HeaderName::from_static("x-attach-policy"),
    HeaderName::from_static("ratelimit"),
    HeaderName::from_static("ratelimit-policy"),
    HeaderName::from_static("dpop-nonce"),
    HeaderName::from_static("openai-processing-ms"),
];

/// Answers what browsers ask before a call, and lets pages of these exact origins read answers, refusals too. `None`
/// without an origin: then browsers keep every page away.
///
/// Credentials that a browser would add by itself are not allowed for: a page shows its token.
pub(crate) fn layer(origins: &[HeaderValue]) -> Option<CorsLayer> {
    if origins.is_empty() {
        return None;
    }
    let layer = CorsLayer::new()
        .allow_origin(AllowOrigin::list(origins.iter().cloned()))
        .allow_methods([Method::GET, Method::HEAD, Method::POST, Method::DELETE])
        .allow_headers(sent())
        .expose_headers(READ)
        .max_age(REMEMBER);
    Some(layer)
}

/// Among them what the official client programs say about themselves with every call.
fn sent() -> Vec<HeaderName> {
    const STAINLESS: [&str; 9] = [
        "x-stainless-arch",
        "x-stainless-helper-method",
        "x-stainless-lang",
        "x-stainless-os",
        "x-stainless-package-version",
        "x-stainless-retry-count",
        "x-stainless-runtime",
        "x-stainless-runtime-version",
        "x-stainless-timeout",
    ];
    SENT.into_iter().chain(STAINLESS.map(HeaderName::from_static)).collect()
}
