use std::future::Future;
use std::sync::Arc;

use attach_core::Identity;
use http::request::Parts;

use crate::{Credential, Denial};

/// Tells who is calling from what they showed.
///
/// [`OidcVerifier`](crate::OidcVerifier) is the implementation for tokens of an identity provider; a service with
/// credentials of its own writes one as a plain `async fn`:
///
/// ```
/// use std::sync::Arc;
///
/// use attach_auth::{Authenticate, Credential, Denial};
/// use attach_core::Identity;
/// use http::request::Parts;
///
/// struct OneRobot;
///
/// impl Authenticate for OneRobot {
///     async fn authenticate(&self, credential: &Credential, _: &Parts) -> Result<Arc<Identity>, Denial> {
///         match credential.token() {
///             "correct horse" => Ok(Arc::new(Identity::service("acme", "robot"))),
///             _ => Err(Denial::invalid_token("unknown_key")),
///         }
///     }
/// }
/// ```
pub trait Authenticate: Send + Sync + 'static {
    /// Who shows `credential`. The head of the request is as the inner service will see it: no credential in it.
    fn authenticate(
        &self,
        credential: &Credential,
        parts: &Parts,
    ) -> impl Future<Output = Result<Arc<Identity>, Denial>> + Send;

    /// Who calls without any credential, by what their connection has proved: a client certificate, the account at the
    /// other end of a socket, as the [`Peer`](attach_core::Peer) in the request's extensions has them. Nobody unless an
    /// implementation says otherwise. Asked only where nothing was shown: what was shown has to be good.
    fn connected(&self, parts: &Parts) -> Option<Arc<Identity>> {
        let _ = parts;
        None
    }
}

impl<A: Authenticate> Authenticate for Arc<A> {
    async fn authenticate(&self, credential: &Credential, parts: &Parts) -> Result<Arc<Identity>, Denial> {
        A::authenticate(self, credential, parts).await
    }

    fn connected(&self, parts: &Parts) -> Option<Arc<Identity>> {
        A::connected(self, parts)
    }
}
