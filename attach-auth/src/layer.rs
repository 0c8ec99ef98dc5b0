use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tower_layer::Layer;

use crate::challenge::Challenge;
use crate::delegation::Delegation;
use crate::service::Auth;
use crate::standing::Standing;
use crate::{Clock, Revocations};

/// Lets nobody through who is not known, and tells the inner service who is calling.
///
/// Works on headers alone: a refusal never reads a body. See the [crate's example](crate).
#[must_use]
pub struct AuthLayer<A> {
    authenticator: Arc<A>,
    settings: Arc<Settings>,
}

#[derive(Debug, Clone)]
pub(crate) struct Settings {
    pub(crate) challenge: Arc<Challenge>,
    pub(crate) keep_credential: bool,
    pub(crate) delegation: Option<Arc<Delegation>>,
    pub(crate) standing: Standing,
}

impl<A> AuthLayer<A> {
    /// Callers are who `authenticator` says they are.
    pub fn new(authenticator: A) -> Self {
        let settings = Settings {
            challenge: Arc::default(),
            keep_credential: false,
            delegation: None,
            standing: Standing::default(),
        };
        Self { authenticator: Arc::new(authenticator), settings: Arc::new(settings) }
    }

    /// Replaces the realm that challenges name (RFC 9110 §11.5); `attach` unless set.
    pub fn realm(mut self, realm: &str) -> Self {
        self.challenge().set_realm(realm);
        self
    }

    /// The URL of this service's protected-resource metadata, for challenges to name (RFC 9728 §5.1).
    pub fn resource_metadata(mut self, url: &str) -> Self {
        self.challenge().set_resource_metadata(url);
        self
    }

    /// Leaves the credential in the request, for an inner service that has to see it. It is removed otherwise.
    pub fn keep_credential(mut self) -> Self {
        Arc::make_mut(&mut self.settings).keep_credential = true;
        self
    }

    /// The front ends that may speak for people. What they sign about a body is held against it by whoever of us reads
    /// it: [`PolicyLayer`](crate::PolicyLayer) does, and so does a service that calls
    /// [`Payload::take`](attach_core::Payload::take).
    pub fn delegation(mut self, delegation: Delegation) -> Self {
        Arc::make_mut(&mut self.settings).delegation = Some(Arc::new(delegation));
        self
    }

    /// Holds callers to `revocations`: on every request, whatever is remembered of their token, and as long as an
    /// answer runs. An answer that streams ends in an event of the caller's dialect; a unary one goes whole or not at
    /// all. A store that is lost refuses who comes (503) and interrupts nobody.
    pub fn revocations(mut self, revocations: Revocations) -> Self {
        self.standing().revocations = Some(revocations);
        self
    }

    /// How long a stream may outlive the token it was asked for with, before it ends in an event of the caller's
    /// dialect; five minutes unless set. One that is idle at that moment ends with the next [`sweep`](Self::sweep).
    pub fn max_stream_past_exp(mut self, past: Duration) -> Self {
        self.standing().past_exp = past;
        self
    }

    /// Takes the place of `before`, whose answers may run on: [`sweep`](Self::sweep) is for them as well, and what a front
    /// end has shown to `before` it cannot show again. To be called after [`delegation`](Self::delegation).
    pub fn succeeding(mut self, before: &Self) -> Self {
        let settings = Arc::make_mut(&mut self.settings);
        settings.standing.succeed(&before.settings.standing);
        if let (Some(mine), Some(theirs)) = (&mut settings.delegation, &before.settings.delegation) {
            *mine = Arc::new(mine.succeeding(theirs));
        }
        self
    }

    /// Replaces the clocks of the machine.
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.standing().clock = clock;
        self
    }

    /// Ends idle streams that have outlived their token for too long. To be called from a timer of about a second,
    /// on any clone; a call that finds nothing due costs nothing.
    pub fn sweep(&self) {
        self.settings.standing.sweep();
    }

    fn challenge(&mut self) -> &mut Challenge {
        Arc::make_mut(&mut Arc::make_mut(&mut self.settings).challenge)
    }

    fn standing(&mut self) -> &mut Standing {
        &mut Arc::make_mut(&mut self.settings).standing
    }
}

impl<S, A> Layer<S> for AuthLayer<A> {
    type Service = Auth<S, A>;

    fn layer(&self, inner: S) -> Self::Service {
        Auth::with(inner, Arc::clone(&self.authenticator), Arc::clone(&self.settings))
    }
}

impl<A> Clone for AuthLayer<A> {
    fn clone(&self) -> Self {
        Self { authenticator: Arc::clone(&self.authenticator), settings: Arc::clone(&self.settings) }
    }
}

impl<A> fmt::Debug for AuthLayer<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthLayer").field("settings", &self.settings).finish_non_exhaustive()
    }
}
