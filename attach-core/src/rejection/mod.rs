use std::borrow::Cow;
use std::fmt;

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderMap, Response, StatusCode};

use crate::exchange::Refusal;
use crate::{Dialect, Exchange, Outcome, ResponseBody};

mod dialect;

/// A refusal: one status, one stable public code, one sentence for people; rendered in the caller's dialect.
///
/// The private reason goes to the audit trail only. Neither the message nor the reason ever holds a credential or
/// a value from the body.
///
/// ```
/// use attach_core::{Exchange, Rejection, ResponseBody};
/// use http::StatusCode;
///
/// let mut request = http::Request::post("/v1/messages").body(())?;
/// let exchange = Exchange::of_request(&mut request);
/// let refusal = Rejection::new(StatusCode::FORBIDDEN, "model_not_available", "this model is not available to you");
/// let response = refusal.into_response::<http_body_util::Empty<bytes::Bytes>>(&exchange);
/// assert_eq!(response.status(), 403);
/// assert_eq!(response.headers()["cache-control"], "no-store");
/// # Ok::<(), http::Error>(())
/// ```
#[derive(Clone)]
pub struct Rejection(Box<Inner>);

#[derive(Clone)]
struct Inner {
    status: StatusCode,
    code: &'static str,
    message: Cow<'static, str>,
    param: Option<Box<str>>,
    reason: Option<Box<str>>,
    headers: HeaderMap,
    outcome: Option<Outcome>,
    terminal: Option<Bytes>,
    by_content_filter: bool,
}

impl Rejection {
    /// A refusal with `status`, the stable `code` and a `message` for people.
    #[must_use]
    pub fn new(status: StatusCode, code: &'static str, message: impl Into<Cow<'static, str>>) -> Self {
        Self(Box::new(Inner {
            status,
            code,
            message: message.into(),
            param: None,
            reason: None,
            headers: HeaderMap::new(),
            outcome: None,
            terminal: None,
            by_content_filter: false,
        }))
    }

    /// 400 with `code`: the request makes no sense.
    #[must_use]
    pub fn bad_request(code: &'static str, message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, message)
    }

    /// 400 `content_blocked`: what is said in the call is why it is refused. The outcome is [`Outcome::Blocked`].
    ///
    /// It is rendered as the dialect's own providers say that their content filter refused: in OpenAI's dialect `code` is
    /// `content_filter` (Azure OpenAI, "Content filtering", as in the documented error of a filtered prompt), and the
    /// stable code is in `attach.code`; Anthropic's is an `invalid_request_error` about its content filtering policy.
    #[must_use]
    pub fn content_blocked(message: impl Into<Cow<'static, str>>) -> Self {
        let mut rejection = Self::bad_request("content_blocked", message).with_outcome(Outcome::Blocked);
        rejection.0.by_content_filter = true;
        rejection
    }

    /// 500 `layer_misconfigured`: a layer found something missing that only the service's author can provide.
    #[must_use]
    pub fn misconfigured(reason: impl Into<Box<str>>) -> Self {
        let message = "the service is not set up correctly; its operator can find the reason in the log";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "layer_misconfigured", message).with_reason(reason)
    }

    /// Names the offending part of the body as a JSON path (`$.messages[0].content`).
    #[must_use]
    pub fn with_param(mut self, param: impl Into<Box<str>>) -> Self {
        self.0.param = Some(param.into());
        self
    }

    /// Adds what only the audit trail is told.
    #[must_use]
    pub fn with_reason(mut self, reason: impl Into<Box<str>>) -> Self {
        self.0.reason = Some(reason.into());
        self
    }

    /// Adds a header to the response.
    #[must_use]
    pub fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.0.headers.append(name, value);
        self
    }

    /// Adds a `WWW-Authenticate` challenge (RFC 9110 §11.6.1). A value no header can hold is left out.
    #[must_use]
    pub fn with_challenge(self, challenge: &str) -> Self {
        match HeaderValue::from_str(challenge) {
            Ok(value) => self.with_header(WWW_AUTHENTICATE, value),
            Err(_) => self,
        }
    }

    /// Adds `Retry-After` in seconds (RFC 9110 §10.2.3).
    #[must_use]
    pub fn with_retry_after(self, seconds: u64) -> Self {
        self.with_header(RETRY_AFTER, HeaderValue::from(seconds))
    }

    /// What the exchange's outcome is to be; [`Outcome::Rejected`] with the code unless set.
    #[must_use]
    pub fn with_outcome(mut self, outcome: Outcome) -> Self {
        self.0.outcome = Some(outcome);
        self
    }

    /// What ends a running stream in place of the dialect's error event: events that end it like any other, in the
    /// dialect of its client. A response is not changed by it.
    #[must_use]
    pub fn with_terminal_event(mut self, events: Bytes) -> Self {
        self.0.terminal = Some(events);
        self
    }

    /// The status of the response.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.0.status
    }

    /// The stable public code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.0.code
    }

    /// Whether it is [what was said](Self::content_blocked) that is refused.
    #[must_use]
    pub fn is_by_content_filter(&self) -> bool {
        self.0.by_content_filter
    }

    /// The sentence for people.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The offending part of the body, if known.
    #[must_use]
    pub fn param(&self) -> Option<&str> {
        self.0.param.as_deref()
    }

    /// What only the audit trail is told.
    #[must_use]
    pub fn reason(&self) -> Option<&str> {
        self.0.reason.as_deref()
    }

    /// The headers the response will carry besides the standard ones.
    #[must_use]
    pub fn headers(&self) -> &HeaderMap {
        &self.0.headers
    }

    /// The response, in the dialect of `exchange`; the exchange's outcome and refusal are set by it.
    #[must_use]
    pub fn into_response<R>(self, exchange: &Exchange) -> Response<ResponseBody<R>> {
        self.settle(exchange);
        let body = dialect::body(&self, exchange);
        let mut response = Response::new(ResponseBody::full(body));
        *response.status_mut() = self.0.status;
        let headers = response.headers_mut();
        *headers = self.0.headers;
        headers.insert(CONTENT_TYPE, dialect::content_type(exchange.dialect()));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        let id = exchange.id().to_header();
        // Where Anthropic's packages look for it.
        if exchange.dialect() == Dialect::Anthropic {
            headers.insert(HeaderName::from_static("request-id"), id.clone());
        }
        headers.insert(HeaderName::from_static("x-request-id"), id);
        response
    }

    /// The event that ends a running stream in the dialect of `exchange`, or what was
    /// [given](Self::with_terminal_event) instead; outcome and refusal are set by it.
    #[must_use]
    pub fn into_terminal_event(mut self, exchange: &Exchange) -> Bytes {
        self.settle(exchange);
        self.0.terminal.take().unwrap_or_else(|| dialect::terminal_event(&self, exchange))
    }

    fn settle(&self, exchange: &Exchange) {
        exchange.finish(self.0.outcome.unwrap_or(Outcome::Rejected(self.0.code)));
        let refusal = Refusal::new(self.0.status.as_u16(), self.0.code, self.0.reason.clone());
        exchange.facts(|facts| {
            facts.refusal.get_or_insert(refusal);
        });
    }
}

impl fmt::Debug for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rejection")
            .field("status", &self.0.status)
            .field("code", &self.0.code)
            .field("param", &self.0.param)
            .field("reason", &self.0.reason)
            .finish_non_exhaustive()
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.0.code, self.0.message)
    }
}

impl std::error::Error for Rejection {}
