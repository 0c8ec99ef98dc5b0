use attach_core::Exchange;
use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{Response, StatusCode};
use serde_json::{Map, Value, json};

/// A JSON answer.
pub(super) fn json_answer(status: StatusCode, body: &Value) -> Response<Bytes> {
    answer(status, body, "application/json")
}

/// A JSON answer that is text already.
pub(super) fn json_text(status: StatusCode, body: Vec<u8>) -> Response<Bytes> {
    with_type(status, body.into(), "application/json")
}

/// Problem details (RFC 9457), with a code as every refusal has. Whose request it was is [added](complete) outside.
pub(super) fn problem(status: StatusCode, detail: &str) -> Response<Bytes> {
    let body = json!({
        "type": "about:blank",
        "title": status.canonical_reason(),
        "status": status.as_u16(),
        "detail": detail,
        "code": code(status),
    });
    answer(status, &body, PROBLEM)
}

const PROBLEM: &str = "application/problem+json";

fn code(status: StatusCode) -> &'static str {
    match status {
        StatusCode::UNAUTHORIZED => "revoked",
        StatusCode::NOT_FOUND => "not_found",
        StatusCode::METHOD_NOT_ALLOWED => "method_not_allowed",
        StatusCode::CONFLICT => "conflict",
        StatusCode::SERVICE_UNAVAILABLE => "unavailable",
        status if status.is_server_error() => "layer_misconfigured",
        _ => "invalid_request",
    }
}

/// A problem with the id of the request that it is about; any other answer as it is.
pub(super) fn complete(answer: Response<Bytes>, exchange: &Exchange) -> Response<Bytes> {
    if answer.headers().get(CONTENT_TYPE).is_none_or(|kind| kind != PROBLEM) {
        return answer;
    }
    let Ok(mut body) = serde_json::from_slice::<Map<String, Value>>(answer.body()) else { return answer };
    body.entry("request_id").or_insert_with(|| exchange.id().to_string().into());
    answer.map(|_| Value::Object(body).to_string().into())
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
