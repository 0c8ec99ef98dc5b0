//! What the client is told when an upstream does not answer as it should.

use std::time::Duration;

use attach_core::{Exchange, Outcome, Rejection};
use http::StatusCode;

use super::health::Shut;

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

/// An answer repeats the credential that its upstream was shown.
pub(super) fn repeated() -> Rejection {
    let message = "the model server repeated the gateway's own credential; the operator has to look at it";
    bad_gateway("upstream_credential_rejected", message).with_reason("its answer repeats the credential")
}

pub(super) fn redirected(status: StatusCode) -> Rejection {
    let message = "the model server answered with a redirect, which is not followed";
    bad_gateway("upstream_redirected", message).with_reason(format!("upstream answered {status}"))
}

pub(super) fn unreadable(why: &'static str) -> Rejection {
    bad_gateway("upstream_unreadable", "the model server's answer could not be understood").with_reason(why)
}

/// It came in a coding, although none was asked for.
pub(super) fn encoded() -> Rejection {
    bad_gateway("upstream_encoded", "the model server compressed an answer that has to be read")
}

/// Every upstream has failed lately, or is busy with as many calls as it may have.
pub(super) fn unavailable(why: Shut) -> Rejection {
    let (code, message, wait) = match why {
        Shut::Open(wait) => ("upstream_unavailable", "the model server has failed and is given a rest", wait),
        Shut::Full => {
            let message = "the model server has as many calls as it may have; try again shortly";
            ("upstream_busy", message, Duration::ZERO)
        }
    };
    let seconds = wait.as_millis().div_ceil(1000).try_into().unwrap_or(u64::MAX).max(1);
    Rejection::new(StatusCode::SERVICE_UNAVAILABLE, code, message).with_retry_after(seconds)
}

/// One upstream wanted to be asked later, and no other one could be asked at all.
pub(super) fn rate_limited(retry_after: Option<Duration>) -> Rejection {
    let message = "the model server takes no more calls for now";
    let rejection = Rejection::new(StatusCode::TOO_MANY_REQUESTS, "upstream_rate_limited", message);
    match retry_after {
        Some(wait) => rejection.with_retry_after(wait.as_secs()),
        None => rejection,
    }
}

pub(super) fn not_translated() -> Rejection {
    let message =
        "the model's server does not speak this API, and the gateway does not translate this pair yet";
    Rejection::new(StatusCode::NOT_IMPLEMENTED, "translation_not_available", message)
}

fn bad_gateway(code: &'static str, message: &'static str) -> Rejection {
    Rejection::new(StatusCode::BAD_GATEWAY, code, message).with_outcome(Outcome::Failed)
}
