//! What the client is told when an upstream does not answer as it should.

use attach_core::{Exchange, Outcome, Rejection};
use http::StatusCode;

pub(super) fn unreachable(why: &str) -> Rejection {
    let message = "the model server cannot be reached";
    bad_gateway("upstream_unreachable", message).with_reason(why)
}

pub(super) fn timeout() -> Rejection {
    Rejection::new(StatusCode::GATEWAY_TIMEOUT, "upstream_timeout", "the model server did not answer in time")
        .with_outcome(Outcome::Timeout)
}

pub(super) fn broke() -> Rejection {
    bad_gateway("upstream_broke", "the model server broke off its answer")
}

/// Why an answer ended before it was whole, as far as its body told.
pub(super) fn ended(exchange: &Exchange) -> Rejection {
    match exchange.outcome() {
        Some(Outcome::Timeout) => timeout(),
        _ => broke(),
    }
}

pub(super) fn credential_rejected(status: StatusCode) -> Rejection {
    let message = "the model server refused the gateway's own credential; the operator has to look at it";
    bad_gateway("upstream_credential_rejected", message).with_reason(format!("upstream answered {status}"))
}

pub(super) fn redirected(status: StatusCode) -> Rejection {
    let message = "the model server answered with a redirect, which is not followed";
    bad_gateway("upstream_redirected", message).with_reason(format!("upstream answered {status}"))
}

pub(super) fn unreadable(why: &'static str) -> Rejection {
    bad_gateway("upstream_unreadable", "the model server's answer could not be understood").with_reason(why)
}

pub(super) fn not_translated() -> Rejection {
    let message =
        "the model's server does not speak this API, and the gateway does not translate this pair yet";
    Rejection::new(StatusCode::NOT_IMPLEMENTED, "translation_not_available", message)
}

fn bad_gateway(code: &'static str, message: &'static str) -> Rejection {
    Rejection::new(StatusCode::BAD_GATEWAY, code, message).with_outcome(Outcome::Failed)
}
