use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use tokio::sync::Semaphore;
use tower_layer::Layer;

use super::{Endpoint, Endpoints};

/// Answers what an [`Endpoint`] owns; everything else goes to the inner service.
#[must_use]
pub struct EndpointLayer<E> {
    pub(super) endpoint: Arc<E>,
    pub(super) bounds: Bounds,
}

/// What a stranger may take up.
#[derive(Clone)]
pub(super) struct Bounds {
    pub(super) slots: Arc<Semaphore>,
    pub(super) deadline: Option<Arc<Deadline>>,
}

type Deadline = dyn Fn() -> Pin<Box<dyn Future<Output = ()> + Send>> + Send + Sync;

impl<E: Endpoint> EndpointLayer<E> {
    /// How many bodies are read at a time unless another number is set; one more is answered 503.
    pub const AT_ONCE: usize = 256;

    /// Answers what `endpoint` owns.
    pub fn new(endpoint: E) -> Self {
        let bounds = Bounds { slots: Arc::new(Semaphore::new(Self::AT_ONCE)), deadline: None };
        Self { endpoint: Arc::new(endpoint), bounds }
    }

    /// Replaces how many bodies are read at a time.
    pub fn at_once(mut self, bodies: usize) -> Self {
        self.bounds.slots = Arc::new(Semaphore::new(bodies.min(Semaphore::MAX_PERMITS)));
        self
    }

    /// Gives up on a body (408) when the future that `timer` makes is ready: this library has no clock of its own.
    pub fn deadline<F>(mut self, timer: impl Fn() -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.bounds.deadline = Some(Arc::new(move || Box::pin(timer())));
        self
    }
}

impl<S, E> Layer<S> for EndpointLayer<E> {
    type Service = Endpoints<S, E>;

    fn layer(&self, inner: S) -> Self::Service {
        Endpoints::new(inner, self.clone())
    }
}

impl<E> Clone for EndpointLayer<E> {
    fn clone(&self) -> Self {
        Self { endpoint: Arc::clone(&self.endpoint), bounds: self.bounds.clone() }
    }
}

impl<E> fmt::Debug for EndpointLayer<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EndpointLayer").finish_non_exhaustive()
    }
}
