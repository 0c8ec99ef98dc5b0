use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{Response, StatusCode};
use serde_json::{Value, json};

/// A JSON answer.
pub(super) fn json_answer(status: StatusCode, body: &Value) -> Response<Bytes> {
    answer(status, body, "application/json")
}

/// A JSON answer that is text already.
pub(super) fn json_text(status: StatusCode, body: Vec<u8>) -> Response<Bytes> {
    with_type(status, body.into(), "application/json")
}

/// Problem details (RFC 9457).
pub(super) fn problem(status: StatusCode, detail: &str) -> Response<Bytes> {
    let body = json!({"title": status.canonical_reason(), "status": status.as_u16(), "detail": detail});
    answer(status, &body, "application/problem+json")
}

/// Why something is not done.
#[derive(Debug)]
pub(super) struct Refused {
    status: StatusCode,
    detail: Box<str>,
}

impl Refused {
    pub(super) fn new(status: StatusCode, detail: &str) -> Self {
        Self { status, detail: detail.into() }
    }

    pub(super) fn bad_request(detail: &str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, detail)
    }

    pub(super) fn into_answer(self) -> Response<Bytes> {
        problem(self.status, &self.detail)
    }
}

fn answer(status: StatusCode, body: &Value, kind: &'static str) -> Response<Bytes> {
    with_type(status, Bytes::from(body.to_string()), kind)
}

fn with_type(status: StatusCode, body: Bytes, kind: &'static str) -> Response<Bytes> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}
