use std::fmt;
use std::sync::Arc;

use tower_layer::Layer;

use crate::{Offload, Redact, Redactor};

/// Redacts the calls that leave the perimeter and restores their answers.
///
/// Where a call goes is read from the [`Destination`](attach_core::Destination) in the request's extensions; without
/// one, it leaves. A call whose whole destination is trusted passes untouched, and so does a request that is none of
/// the known [`Api`](attach_core::Api)s.
///
/// Requests have to reach the layer before they are translated or compressed, and answers as the upstream's dialect is
/// the caller's.
///
/// ```
/// use attach_redact::{RedactLayer, Redactor};
/// use tower::ServiceBuilder;
///
/// let layer = RedactLayer::new(Redactor::with_defaults()?).body_limit(1 << 20);
/// let service = ServiceBuilder::new().layer(layer).service(tower::service_fn(
///     |request: http::Request<attach_core::Body>| async move {
///         Ok::<_, std::convert::Infallible>(http::Response::new(request.into_body()))
///     },
/// ));
/// # let _ = service;
/// # Ok::<(), attach_redact::ConfigError>(())
/// ```
#[derive(Clone)]
#[must_use]
pub struct RedactLayer {
    redactor: Redactor,
    body_limit: usize,
    offload: Option<Arc<dyn Offload>>,
}

impl RedactLayer {
    /// The largest request body that is accepted unless set: 4 MiB.
    pub const DEFAULT_BODY_LIMIT: usize = 4 << 20;

    /// A layer that redacts with `redactor`.
    pub fn new(redactor: Redactor) -> Self {
        Self { redactor, body_limit: Self::DEFAULT_BODY_LIMIT, offload: None }
    }

    /// The largest request body that is accepted, in bytes; a larger one is refused with 413.
    pub fn body_limit(self, bytes: usize) -> Self {
        Self { body_limit: bytes, ..self }
    }

    /// Where bodies of more than 64 KiB are worked on, and all if a recognizer [is slow](crate::Recognize::is_slow); without this, on the thread that polls the request.
    pub fn offload(self, offload: impl Offload) -> Self {
        Self { offload: Some(Arc::new(offload)), ..self }
    }
}

impl RedactLayer {
    pub(crate) fn redactor(&self) -> &Redactor {
        &self.redactor
    }

    pub(crate) fn limit(&self) -> usize {
        self.body_limit
    }

    pub(crate) fn elsewhere(&self) -> Option<&Arc<dyn Offload>> {
        self.offload.as_ref()
    }
}

impl fmt::Debug for RedactLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedactLayer")
            .field("redactor", &self.redactor)
            .field("body_limit", &self.body_limit)
            .field("offload", &self.offload.is_some())
            .finish()
    }
}

impl<S> Layer<S> for RedactLayer {
    type Service = Redact<S>;

    fn layer(&self, inner: S) -> Redact<S> {
        Redact::with(inner, self.clone())
    }
}
