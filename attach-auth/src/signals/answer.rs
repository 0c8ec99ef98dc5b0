use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use http::{Response, StatusCode};

use crate::endpoint::status;

/// An answer with a JSON body.
pub(super) fn json(code: StatusCode, body: &serde_json::Value) -> Response<Bytes> {
    let mut response = status(code);
    *response.body_mut() = body.to_string().into();
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// The same answer, with the time to wait.
pub(super) fn retry_after(mut response: Response<Bytes>, wait: Duration) -> Response<Bytes> {
    let seconds = wait.as_secs().saturating_add(1);
    response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
    response
}
