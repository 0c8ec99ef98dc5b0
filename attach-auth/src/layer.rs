use std::fmt;
use std::sync::Arc;

use tower_layer::Layer;

use crate::challenge::Challenge;
use crate::delegation::Delegation;
use crate::service::Auth;

/// Lets nobody through who is not known, and tells the inner service who is calling.
///
/// Works on headers alone: a refusal never reads a body. See the [crate's example](crate).
#[must_use]
pub struct AuthLayer<A> {
    authenticator: Arc<A>,
    settings: Settings,
}

#[derive(Debug, Clone)]
pub(crate) struct Settings {
    pub(crate) challenge: Arc<Challenge>,
    pub(crate) keep_credential: bool,
    pub(crate) delegation: Option<Arc<Delegation>>,
}

impl<A> AuthLayer<A> {
    /// Callers are who `authenticator` says they are.
    pub fn new(authenticator: A) -> Self {
        let settings = Settings { challenge: Arc::default(), keep_credential: false, delegation: None };
        Self { authenticator: Arc::new(authenticator), settings }
    }

    /// Replaces the realm that challenges name (RFC 9110 §11.5); `attach` unless set.
    pub fn realm(mut self, realm: &str) -> Self {
        Arc::make_mut(&mut self.settings.challenge).set_realm(realm);
        self
    }

    /// The URL of this service's protected-resource metadata, for challenges to name (RFC 9728 §5.1).
    pub fn resource_metadata(mut self, url: &str) -> Self {
        Arc::make_mut(&mut self.settings.challenge).set_resource_metadata(url);
        self
    }

    /// Leaves the credential in the request, for an inner service that has to see it. It is removed otherwise.
    pub fn keep_credential(mut self) -> Self {
        self.settings.keep_credential = true;
        self
    }

    /// The front ends that may speak for people. What they sign about a body is held against it by whoever of us reads
    /// it: [`PolicyLayer`](crate::PolicyLayer) does, and so does a service that calls
    /// [`Payload::take`](attach_core::Payload::take).
    pub fn delegation(mut self, delegation: Delegation) -> Self {
        self.settings.delegation = Some(Arc::new(delegation));
        self
    }
}

impl<S, A> Layer<S> for AuthLayer<A> {
    type Service = Auth<S, A>;

    fn layer(&self, inner: S) -> Self::Service {
        Auth::with(inner, Arc::clone(&self.authenticator), self.settings.clone())
    }
}

impl<A> Clone for AuthLayer<A> {
    fn clone(&self) -> Self {
        Self { authenticator: Arc::clone(&self.authenticator), settings: self.settings.clone() }
    }
}

impl<A> fmt::Debug for AuthLayer<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthLayer").field("settings", &self.settings).finish_non_exhaustive()
    }
}
