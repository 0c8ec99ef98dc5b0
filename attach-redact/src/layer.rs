use tower_layer::Layer;

use crate::{Redact, Redactor};

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
#[derive(Debug, Clone)]
#[must_use]
pub struct RedactLayer {
    redactor: Redactor,
    body_limit: usize,
}

impl RedactLayer {
    /// The largest request body that is accepted unless set: 4 MiB.
    pub const DEFAULT_BODY_LIMIT: usize = 4 << 20;

    /// A layer that redacts with `redactor`.
    pub fn new(redactor: Redactor) -> Self {
        Self { redactor, body_limit: Self::DEFAULT_BODY_LIMIT }
    }

    /// The largest request body that is accepted, in bytes; a larger one is refused with 413.
    pub fn body_limit(self, bytes: usize) -> Self {
        Self { body_limit: bytes, ..self }
    }
}

impl<S> Layer<S> for RedactLayer {
    type Service = Redact<S>;

    fn layer(&self, inner: S) -> Redact<S> {
        Redact::new(inner, self.redactor.clone(), self.body_limit)
    }
}
