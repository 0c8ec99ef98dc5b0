use std::fmt;
use std::sync::Arc;

use tower_layer::Layer;

use super::{Endpoint, Endpoints};

/// Answers what an [`Endpoint`] owns; everything else goes to the inner service.
#[must_use]
pub struct EndpointLayer<E> {
    endpoint: Arc<E>,
    body_limit: usize,
}

impl<E: Endpoint> EndpointLayer<E> {
    /// The longest body that is read unless another limit is set: 1 MiB.
    pub const BODY_LIMIT: usize = 1 << 20;

    /// Answers what `endpoint` owns.
    pub fn new(endpoint: E) -> Self {
        Self { endpoint: Arc::new(endpoint), body_limit: Self::BODY_LIMIT }
    }

    /// Replaces the longest body that is read, in bytes.
    pub fn body_limit(mut self, bytes: usize) -> Self {
        self.body_limit = bytes;
        self
    }
}

impl<S, E> Layer<S> for EndpointLayer<E> {
    type Service = Endpoints<S, E>;

    fn layer(&self, inner: S) -> Self::Service {
        Endpoints::new(inner, Arc::clone(&self.endpoint), self.body_limit)
    }
}

impl<E> Clone for EndpointLayer<E> {
    fn clone(&self) -> Self {
        Self { endpoint: Arc::clone(&self.endpoint), body_limit: self.body_limit }
    }
}

impl<E> fmt::Debug for EndpointLayer<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EndpointLayer").field("body_limit", &self.body_limit).finish_non_exhaustive()
    }
}
