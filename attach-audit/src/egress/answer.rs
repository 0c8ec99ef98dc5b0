//! What an HTTP receiver's answer means.

use std::time::Duration;

use attach_core::fetch::FetchError;
use bytes::Bytes;
use http::header::RETRY_AFTER;
use http::{Response, StatusCode};

use super::SendError;

/// Why an answer that is no success, and nothing the receiver explains in a way of its own, is none. Overload, failure
/// and what stands between (408, 425, 429, 5xx: RFC 9110 section 15, RFC 6585, RFC 8470) pass; what is about the
/// content (400, 413, 422) may not be so for a part of it; any other does not pass without somebody's help.
pub(super) fn refusal(answer: &Response<Bytes>, why: Option<&str>) -> SendError {
    let status = answer.status();
    let told = why.map(|why| format!(": {}", printable(why))).unwrap_or_default();
    let why = format!("it answered {}{told}", status.as_u16()).into();
    let passes = [StatusCode::REQUEST_TIMEOUT, StatusCode::TOO_EARLY, StatusCode::TOO_MANY_REQUESTS];
    if status.is_server_error() || passes.contains(&status) {
        return SendError::Unavailable { why, after: retry_after(answer) };
    }
    let content = [StatusCode::BAD_REQUEST, StatusCode::PAYLOAD_TOO_LARGE, StatusCode::UNPROCESSABLE_ENTITY];
    if content.contains(&status) { SendError::Unacceptable(why) } else { SendError::Refused(why) }
}

/// No answer came.
pub(super) fn unreachable(error: &FetchError) -> SendError {
    SendError::unavailable(error.to_string())
}

/// `Retry-After` in seconds (RFC 9110 section 10.2.3); a date is left to the pauses of our own.
pub(super) fn retry_after(answer: &Response<Bytes>) -> Option<Duration> {
    let value = answer.headers().get(RETRY_AFTER)?.to_str().ok()?;
    value.trim().parse().ok().map(Duration::from_secs)
}

/// A receiver's words, in one short line.
fn printable(text: &str) -> String {
    text.chars().take(100).map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, after: &str) -> Response<Bytes> {
        let answer = Response::builder().status(status).header(RETRY_AFTER, after);
        answer.body(Bytes::new()).expect("an answer")
    }

    #[test]
    fn what_passes_is_told_from_what_somebody_must_put_right() {
        for status in [408, 425, 429, 500, 502, 503, 504] {
            let after = Some(Duration::from_secs(7));
            let why = format!("it answered {status}").into();
            assert_eq!(refusal(&answer(status, "7"), None), SendError::Unavailable { why, after });
        }
        for status in [301, 401, 403, 404] {
            assert!(matches!(refusal(&answer(status, "7"), None), SendError::Refused(_)), "{status}");
        }
        for status in [400, 413, 422] {
            assert!(matches!(refusal(&answer(status, "7"), None), SendError::Unacceptable(_)), "{status}");
        }
        let dated = refusal(&answer(503, "Wed, 21 Oct 2026 07:28:00 GMT"), Some("busy\nnow"));
        assert_eq!(dated, SendError::unavailable("it answered 503: busy now"));
    }
}
