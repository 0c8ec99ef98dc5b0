//! The wire shapes of a refusal.
//!
//! Sources: OpenAI API reference "Error codes", Anthropic API reference "Errors" and "Error events",
//! Ollama `docs/api.md`, RFC 9457; of a content filter: Azure OpenAI, "Content filtering" (a prompt that is filtered), and
//! what Anthropic's API answers with ("Input blocked …", "Output blocked by content filtering policy").

use std::borrow::Cow;

use bytes::Bytes;
use http::{HeaderValue, StatusCode};
use serde_json::{Value, json};

use super::Rejection;
use crate::{Api, Dialect, Exchange};

pub(super) fn content_type(dialect: Dialect) -> HeaderValue {
    HeaderValue::from_static(match dialect {
        Dialect::Problem => "application/problem+json",
        Dialect::OpenAi | Dialect::Anthropic | Dialect::Ollama => "application/json",
    })
}

pub(super) fn body(rejection: &Rejection, exchange: &Exchange) -> Bytes {
    value(rejection, exchange).to_string().into()
}

/// An error event, then the mark by which the dialect's clients know that nothing follows.
pub(super) fn terminal_event(rejection: &Rejection, exchange: &Exchange) -> Bytes {
    let error = value(rejection, exchange);
    match (exchange.api(), exchange.dialect()) {
        (Some(Api::OpenAiResponses), _) => {
            let error = json!({
                "type": "error",
                "code": rejection.code(),
                "message": rejection.message(),
                "param": rejection.param(),
                "request_id": exchange.id().to_string(),
            });
            format!("event: error\ndata: {error}\n\n").into()
        }
        (_, Dialect::OpenAi) => format!("data: {error}\n\ndata: [DONE]\n\n").into(),
        (_, Dialect::Anthropic) => format!("event: error\ndata: {error}\n\n").into(),
        (_, Dialect::Ollama) => format!("{error}\n").into(),
        (_, Dialect::Problem) => Bytes::new(),
    }
}

fn value(rejection: &Rejection, exchange: &Exchange) -> Value {
    let id = exchange.id().to_string();
    let (status, code, message) = (rejection.status(), rejection.code(), rejection.message());
    match exchange.dialect() {
        Dialect::OpenAi if rejection.is_by_content_filter() => json!({"error": {
            "message": message,
            "type": openai_type(status),
            "param": rejection.param(),
            "code": "content_filter",
            "innererror": {"code": "ResponsibleAIPolicyViolation"},
            "attach": {"code": code},
            "request_id": id,
        }}),
        Dialect::OpenAi => json!({"error": {
            "message": message,
            "type": openai_type(status),
            "param": rejection.param(),
            "code": code,
            "request_id": id,
        }}),
        Dialect::Anthropic => json!({
            "type": "error",
            "error": {"type": anthropic_type(status), "message": filtered(rejection), "code": code, "param": rejection.param()},
            "request_id": id,
        }),
        Dialect::Ollama => json!({
            "error": message,
            "code": code,
            "param": rejection.param(),
            "request_id": id,
        }),
        Dialect::Problem => json!({
            "type": "about:blank",
            "title": status.canonical_reason(),
            "status": status.as_u16(),
            "detail": message,
            "code": code,
            "request_id": id,
        }),
    }
}

/// The message, in the words that Anthropic's clients know a content filter by.
fn filtered(rejection: &Rejection) -> Cow<'_, str> {
    if rejection.is_by_content_filter() {
        format!("Input blocked by content filtering policy: {}", rejection.message()).into()
    } else {
        rejection.message().into()
    }
}

fn openai_type(status: StatusCode) -> &'static str {
    match status.as_u16() {
        401 => "authentication_error",
        403 => "permission_error",
        429 => "rate_limit_error",
        500.. => "server_error",
        _ => "invalid_request_error",
    }
}

fn anthropic_type(status: StatusCode) -> &'static str {
    match status.as_u16() {
        401 => "authentication_error",
        403 => "permission_error",
        404 => "not_found_error",
        413 => "request_too_large",
        429 => "rate_limit_error",
        503 | 529 => "overloaded_error",
        504 => "timeout_error",
        500.. => "api_error",
        _ => "invalid_request_error",
    }
}
