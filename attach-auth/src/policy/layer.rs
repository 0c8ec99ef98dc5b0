use std::fmt;
use std::sync::Arc;

use tower_layer::Layer;

use super::service::Access;

/// Holds every caller to a [`Policy`](super::Policy).
///
/// Reads the body of the known operations, once for all layers. A request without an identity is answered with 500:
/// a service that forgot the layer that identifies its callers must not serve them all as one.
///
/// A call that could go to several places is asked about once for each, and goes on with a
/// [`Destination`](attach_core::Destination) of those that are allowed. Where only a stronger or a more recent sign-in
/// is missing the answer is a 401 that says so (RFC 9470), in the realm of the [`AuthLayer`](crate::AuthLayer) outside.
#[must_use]
pub struct PolicyLayer<P> {
    policy: Arc<P>,
    settings: Settings,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Settings {
    pub(super) body_limit: usize,
    pub(super) pass_unknown: bool,
    pub(super) decision_header: bool,
}

impl<P> PolicyLayer<P> {
    /// The longest body that is read unless another limit is set: 4 MiB.
    pub const BODY_LIMIT: usize = 4 << 20;

    /// Holds callers to `policy`.
    pub fn new(policy: P) -> Self {
        Self::shared(Arc::new(policy))
    }

    /// Holds callers to a policy that others use as well, for example to filter a list of models.
    pub fn shared(policy: Arc<P>) -> Self {
        let settings = Settings { body_limit: Self::BODY_LIMIT, pass_unknown: false, decision_header: false };
        Self { policy, settings }
    }

    /// Replaces the longest body that is read, in bytes.
    pub fn body_limit(mut self, bytes: usize) -> Self {
        self.settings.body_limit = bytes;
        self
    }

    /// Lets requests with a body pass that are none of the known operations, unread, where the policy allows the
    /// caller as such. They are answered with 404 otherwise: what a path unknown to us does with a model's name in
    /// its body, no rule would see.
    ///
    /// A service under axum's `nest` sets an [`Api`](attach_core::Api) extension instead.
    pub fn pass_unknown(mut self) -> Self {
        self.settings.pass_unknown = true;
        self
    }

    /// Says in every answer what was decided and by which rule: `X-Attach-Policy: allowed_by_rule; rule=everyone`.
    /// It tells callers about the rules; for the time when rules are being written.
    pub fn decision_header(mut self) -> Self {
        self.settings.decision_header = true;
        self
    }
}

impl<S, P> Layer<S> for PolicyLayer<P> {
    type Service = Access<S, P>;

    fn layer(&self, inner: S) -> Self::Service {
        Access::with(inner, Arc::clone(&self.policy), self.settings)
    }
}

impl<P> Clone for PolicyLayer<P> {
    fn clone(&self) -> Self {
        Self { policy: Arc::clone(&self.policy), settings: self.settings }
    }
}

impl<P> fmt::Debug for PolicyLayer<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PolicyLayer").field("settings", &self.settings).finish_non_exhaustive()
    }
}
