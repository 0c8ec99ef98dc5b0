use bytes::Bytes;
use http::header::{CONTENT_TYPE, ETAG, HeaderValue, LOCATION};
use http::{Response, StatusCode};
use serde_json::Value;

use crate::signals::answer::json;

/// The media type of everything that SCIM says (RFC 7644 §8.1).
pub(super) fn scim_json() -> HeaderValue {
    HeaderValue::from_static("application/scim+json")
}

/// An answer with a body.
pub(super) fn reply(status: StatusCode, body: &Value) -> Response<Bytes> {
    let mut response = json(status, body);
    response.headers_mut().insert(CONTENT_TYPE, scim_json());
    response
}

/// An answer that is one resource, with its place and version as headers as well.
pub(super) fn resource(status: StatusCode, resource: &Value) -> Response<Bytes> {
    let mut response = reply(status, resource);
    let meta = |name: &str| HeaderValue::from_str(resource.get("meta")?.get(name)?.as_str()?).ok();
    if let Some(version) = meta("version") {
        response.headers_mut().insert(ETAG, version);
    }
    if let Some(location) = meta("location").filter(|_| status == StatusCode::CREATED) {
        response.headers_mut().insert(LOCATION, location);
    }
    response
}
