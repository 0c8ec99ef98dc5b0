//! Small HTTP interfaces beside the one a service is for: provisioning, logout signals, a caller's own keys.

mod layer;
mod service;

pub use self::layer::EndpointLayer;
pub use self::service::Endpoints;

use std::future::Future;
use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response};

/// Answers whole requests under paths of its own. It authenticates whoever asks, unless it says otherwise.
pub trait Endpoint: Send + Sync + 'static {
    /// Whether requests to `path` are its own.
    fn owns(&self, path: &str) -> bool;

    /// The answer to a request it owns.
    fn handle(&self, request: Request<Bytes>) -> impl Future<Output = Response<Bytes>> + Send;
}

impl<E: Endpoint> Endpoint for Arc<E> {
    fn owns(&self, path: &str) -> bool {
        E::owns(self, path)
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

    async fn handle(&self, request: Request<Bytes>) -> Response<Bytes> {
        if self.0.owns(request.uri().path()) {
            self.0.handle(request).await
        } else {
            self.1.handle(request).await
        }
    }
}

/// An answer without a body.
pub(crate) fn status(status: http::StatusCode) -> Response<Bytes> {
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = status;
    response
}
