use tower_layer::Layer;

use super::Audited;
use crate::Audit;

/// Goes outermost: opens the [`Exchange`](attach_core::Exchange), catches panics of everything inside, and writes
/// how each request ended before the last byte of its answer goes out.
///
/// Made by [`Audit::layer`].
#[derive(Debug, Clone)]
pub struct AuditLayer {
    audit: Audit,
}

impl AuditLayer {
    pub(crate) fn new(audit: Audit) -> Self {
        Self { audit }
    }
}

impl<S> Layer<S> for AuditLayer {
    type Service = Audited<S>;

    fn layer(&self, inner: S) -> Self::Service {
        Audited::new(inner, self.audit.clone())
    }
}
