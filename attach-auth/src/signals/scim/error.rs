use std::borrow::Cow;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue, WWW_AUTHENTICATE};
use http::{Response, StatusCode};
use serde_json::{Map, json};

use super::reply::scim_json;
use crate::signals::answer::{json, retry_after};

/// An answer other than what was asked for (RFC 7644 §3.12).
#[derive(Debug)]
pub(super) struct ScimError {
    status: StatusCode,
    kind: Option<&'static str>,
    detail: Cow<'static, str>,
    wait: Option<Duration>,
}

impl ScimError {
    fn new(status: StatusCode, detail: impl Into<Cow<'static, str>>) -> Self {
        Self { status, kind: None, detail: detail.into(), wait: None }
    }

    /// 400 with a `scimType` of RFC 7644, table 9.
    fn bad(kind: &'static str, detail: impl Into<Cow<'static, str>>) -> Self {
        Self { kind: Some(kind), ..Self::new(StatusCode::BAD_REQUEST, detail) }
    }

    pub(super) fn invalid_syntax(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::bad("invalidSyntax", detail)
    }

    pub(super) fn invalid_filter() -> Self {
        let detail = "a filter is one attribute, `eq` and one value: userName, externalId, id, emails.value or \
                      displayName";
        Self::bad("invalidFilter", detail)
    }

    pub(super) fn invalid_path() -> Self {
        Self::bad("invalidPath", "the path is none that is understood")
    }

    pub(super) fn no_target() -> Self {
        Self::bad("noTarget", "there is nothing at the path")
    }

    pub(super) fn mutability() -> Self {
        Self::bad("mutability", "the attribute is the server's to set")
    }

    pub(super) fn invalid_value(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::bad("invalidValue", detail)
    }

    pub(super) fn uniqueness() -> Self {
        let detail = "another user has this userName";
        Self { kind: Some("uniqueness"), ..Self::new(StatusCode::CONFLICT, detail) }
    }

    pub(super) fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "there is no such resource")
    }

    pub(super) fn method_not_allowed() -> Self {
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "the resource has no such operation")
    }

    pub(super) fn unauthorized() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "the bearer token is missing or is not good")
    }

    pub(super) fn too_many(wait: Duration) -> Self {
        Self { wait: Some(wait), ..Self::new(StatusCode::TOO_MANY_REQUESTS, "too many requests") }
    }

    pub(super) fn precondition() -> Self {
        Self::new(StatusCode::PRECONDITION_FAILED, "the resource is not of this version any more")
    }

    pub(super) fn full(what: &'static str) -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, what)
    }

    pub(super) fn unavailable() -> Self {
        let detail = "this cannot be recorded at the moment; nothing was done";
        Self { wait: Some(Duration::ZERO), ..Self::new(StatusCode::SERVICE_UNAVAILABLE, detail) }
    }

    pub(super) fn into_response(self) -> Response<Bytes> {
        let mut body = Map::new();
        body.insert("schemas".to_owned(), json!(["urn:ietf:params:scim:api:messages:2.0:Error"]));
        body.insert("status".to_owned(), self.status.as_str().into());
        if let Some(kind) = self.kind {
            body.insert("scimType".to_owned(), kind.into());
        }
        body.insert("detail".to_owned(), self.detail.into());
        let mut response = json(self.status, &body.into());
        response.headers_mut().insert(CONTENT_TYPE, scim_json());
        if self.status == StatusCode::UNAUTHORIZED {
            let challenge = HeaderValue::from_static("Bearer realm=\"scim\"");
            response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
        }
        match self.wait {
            Some(wait) => retry_after(response, wait),
            None => response,
        }
    }
}
