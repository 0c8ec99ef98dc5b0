//! Small HTTP interfaces beside the one a service is for: provisioning, logout signals, a caller's own keys.

mod layer;
mod service;

pub use self::layer::EndpointLayer;
pub use self::service::Endpoints;

use std::future::Future;
use std::sync::Arc;

use bytes::Bytes;
use http::header::{ALLOW, CONTENT_TYPE, HeaderMap, HeaderValue};
use http::request::Parts;
use http::{Request, Response};

/// Answers whole requests under paths of its own. It authenticates whoever asks, unless it says otherwise.
pub trait Endpoint: Send + Sync + 'static {
    /// Whether requests to `path` are its own.
    fn owns(&self, path: &str) -> bool;

    /// The answer to a request that is refused by its head alone, so that no body of a stranger's is read. By default
    /// none is.
    fn refuse(&self, head: &Parts) -> Option<Response<Bytes>> {
        let _ = head;
        None
    }

    /// The longest body that is read of a request to `path`, in bytes; 64 KiB unless it says otherwise.
    fn body_limit(&self, path: &str) -> usize {
        let _ = path;
        64 << 10
    }

    /// The answer to a request it owns.
    fn handle(&self, request: Request<Bytes>) -> impl Future<Output = Response<Bytes>> + Send;
}

impl<E: Endpoint> Endpoint for Arc<E> {
    fn owns(&self, path: &str) -> bool {
        E::owns(self, path)
    }

    fn refuse(&self, head: &Parts) -> Option<Response<Bytes>> {
        E::refuse(self, head)
    }

    fn body_limit(&self, path: &str) -> usize {
        E::body_limit(self, path)
    }

    async fn handle(&self, request: Request<Bytes>) -> Response<Bytes> {
        E::handle(self, request).await
    }
}

/// Nothing there.
impl<E: Endpoint> Endpoint for Option<E> {
    fn owns(&self, path: &str) -> bool {
        self.as_ref().is_some_and(|endpoint| endpoint.owns(path))
    }

    fn refuse(&self, head: &Parts) -> Option<Response<Bytes>> {
        self.as_ref()?.refuse(head)
    }

    fn body_limit(&self, path: &str) -> usize {
        self.as_ref().map_or(0, |endpoint| endpoint.body_limit(path))
    }

    async fn handle(&self, request: Request<Bytes>) -> Response<Bytes> {
        match self {
            Some(endpoint) => endpoint.handle(request).await,
            None => status(http::StatusCode::NOT_FOUND),
        }
    }
}

/// The first of two that owns the path.
impl<A: Endpoint, B: Endpoint> Endpoint for (A, B) {
    fn owns(&self, path: &str) -> bool {
        self.0.owns(path) || self.1.owns(path)
    }

    fn refuse(&self, head: &Parts) -> Option<Response<Bytes>> {
        if self.0.owns(head.uri.path()) { self.0.refuse(head) } else { self.1.refuse(head) }
    }

    fn body_limit(&self, path: &str) -> usize {
        if self.0.owns(path) { self.0.body_limit(path) } else { self.1.body_limit(path) }
    }

    async fn handle(&self, request: Request<Bytes>) -> Response<Bytes> {
        if self.0.owns(request.uri().path()) {
            self.0.handle(request).await
        } else {
            self.1.handle(request).await
        }
    }
}

/// Whether the content type is `wanted`, whatever its parameters.
pub(crate) fn has_type(headers: &HeaderMap, wanted: &str) -> bool {
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    kind.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case(wanted)
}

/// The answer to another method than those of `allow` (RFC 9110 §15.5.6).
pub(crate) fn not_allowed(allow: &'static str) -> Response<Bytes> {
    let mut response = status(http::StatusCode::METHOD_NOT_ALLOWED);
    response.headers_mut().insert(ALLOW, HeaderValue::from_static(allow));
    response
}

/// An answer without a body.
pub(crate) fn status(status: http::StatusCode) -> Response<Bytes> {
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = status;
    response
}
