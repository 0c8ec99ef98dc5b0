//! The shapes of answers: keys, and problems by RFC 9457.

use std::sync::Arc;

use attach_core::Identity;
use bytes::Bytes;
use http::header::{ALLOW, CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER};
use http::{HeaderMap, Request, Response, StatusCode};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use crate::endpoint::has_type;
use crate::keys::services::Owners;
use crate::keys::time::rfc3339;
use crate::keys::{Key, KeyError, ServiceIdentity};

pub(super) type Answer = Response<Bytes>;

pub(super) fn json(status: StatusCode, value: &Value) -> Answer {
    typed(status, "application/json", value.to_string())
}

pub(super) fn typed(status: StatusCode, kind: &'static str, body: impl Into<Bytes>) -> Answer {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}

/// A refusal by RFC 9457.
#[derive(Debug)]
pub(super) struct Problem {
    status: StatusCode,
    code: &'static str,
    detail: Box<str>,
    header: Option<(HeaderName, &'static str)>,
}

impl Problem {
    pub(super) fn new(status: StatusCode, code: &'static str, detail: &str) -> Self {
        Self { status, code, detail: detail.into(), header: None }
    }

    pub(super) fn bad_request(detail: &str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid_key_request", detail)
    }

    pub(super) fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", "there is nothing here")
    }

    pub(super) fn not_allowed(methods: &'static str) -> Self {
        let status = StatusCode::METHOD_NOT_ALLOWED;
        let problem = Self::new(status, "method_not_allowed", "this cannot be done here");
        Self { header: Some((ALLOW, methods)), ..problem }
    }

    pub(super) fn into_answer(self) -> Answer {
        let problem = json!({
            "type": "about:blank",
            "title": self.status.canonical_reason().unwrap_or_default(),
            "status": self.status.as_u16(),
            "code": self.code,
            "detail": self.detail,
        });
        let mut answer = typed(self.status, "application/problem+json", problem.to_string());
        if let Some((name, value)) = self.header {
            answer.headers_mut().insert(name, HeaderValue::from_static(value));
        }
        answer
    }
}

impl From<KeyError> for Problem {
    fn from(error: KeyError) -> Self {
        let status = match error {
            KeyError::TokenRequired | KeyError::ExceedsRights(_) => StatusCode::FORBIDDEN,
            KeyError::Invalid(_) => StatusCode::BAD_REQUEST,
            KeyError::TooMany | KeyError::Exists | KeyError::NotActive => StatusCode::CONFLICT,
            KeyError::NotFound => StatusCode::NOT_FOUND,
            KeyError::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
        };
        let header = (status == StatusCode::SERVICE_UNAVAILABLE).then_some((RETRY_AFTER, "1"));
        Self { header, ..Self::new(status, error.code(), &error.to_string()) }
    }
}

/// Who asks, as the layer outside has established.
pub(super) fn caller<B>(request: &Request<B>) -> Result<Arc<Identity>, Problem> {
    request.extensions().get::<Arc<Identity>>().cloned().ok_or_else(|| {
        tracing::error!("the endpoint for keys found no identity: a layer that identifies goes outside it");
        let detail = "the service is not set up correctly; its operator can find the reason in the log";
        Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "layer_misconfigured", detail)
    })
}

/// The body as JSON. No page of a browser can send one without being asked first (Fetch, CORS preflight).
pub(super) fn read<T: DeserializeOwned>(headers: &HeaderMap, body: &[u8]) -> Result<T, Problem> {
    if !has_type(headers, "application/json") {
        let detail = "send `Content-Type: application/json`";
        return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", detail));
    }
    let wrong = |error| Problem::bad_request(&format!("the body is not as it should be: {error}"));
    serde_json::from_slice(body).map_err(wrong)
}

/// A key as its owner sees it.
pub(super) fn key(key: &Key) -> Map<String, Value> {
    let value = json!({
        "id": key.id,
        "prefix": key.prefix,
        "name": key.name,
        "created_at": rfc3339(key.created_at),
        "expires_at": rfc3339(key.expires_at),
        "last_used_at": key.last_used_at.map(rfc3339),
        "last_confirmed_at": key.last_confirmed_at.map(rfc3339),
        "groups": key.groups,
        "scopes": key.scopes,
        "models": key.limits.models,
        "apis": key.limits.apis,
    });
    object(value)
}

/// A key as an administrator sees it.
pub(super) fn key_of(shown: &Key) -> Map<String, Value> {
    let mut value = key(shown);
    let owner = json!({
        "directory": &*shown.owner.directory,
        "id": &*shown.owner.id,
        "kind": shown.owner.kind.as_str(),
        "name": shown.owner.name.as_deref(),
    });
    value.insert("owner".to_owned(), owner);
    value
}

pub(super) fn service(service: &ServiceIdentity) -> Map<String, Value> {
    let (group, people) = match &service.owners {
        Owners::Group(group) => (Some(group), None),
        Owners::People(people) => (None, Some(people.iter().map(|id| &**id).collect::<Vec<_>>())),
    };
    object(json!({
        "directory": &*service.directory,
        "name": &*service.name,
        "purpose": service.purpose,
        "owning_group": group,
        "owners": people,
        "groups": service.groups,
        "scopes": service.scopes,
        "models": service.limits.models,
        "apis": service.limits.apis,
        "created_at": rfc3339(service.created_at),
        "created_by": service.created_by,
        "expires_at": rfc3339(service.expires_at),
        "last_used_at": service.last_used_at.map(rfc3339),
        "state": service.state.as_str(),
        "keys": service.keys.iter().map(key).collect::<Vec<_>>(),
    }))
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}
