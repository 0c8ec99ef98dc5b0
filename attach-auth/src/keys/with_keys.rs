use std::fmt;
use std::sync::Arc;

use attach_core::{Identity, Peer};
use http::request::Parts;

use super::{Keys, Secret};
use crate::failures::Failures;
use crate::{Authenticate, Credential, Denial};

/// Sends gateway keys to [`Keys`] and every other credential to `A`, whatever header either came in.
///
/// Whoever is let in by `A` with a token confirms their own keys.
#[must_use]
pub struct WithKeys<A> {
    keys: Keys,
    inner: A,
    failures: Failures,
}

impl<A> WithKeys<A> {
    /// What looks like a gateway key is one of `keys`; `inner` knows the rest.
    pub fn new(keys: Keys, inner: A) -> Self {
        Self { keys, inner, failures: Failures::new() }
    }
}

impl<A: Authenticate> Authenticate for WithKeys<A> {
    async fn authenticate(&self, credential: &Credential, parts: &Parts) -> Result<Arc<Identity>, Denial> {
        if !Secret::looks_like(credential.token()) {
            let identity = self.inner.authenticate(credential, parts).await?;
            self.keys.confirm(&identity);
            return Ok(identity);
        }
        let denial = match self.keys.authenticate(credential.token()) {
            // Who shows a key that was one is told why it no longer works, however often.
            Err(denial) if denial.code() == "invalid_key" => denial,
            known => return known,
        };
        match self.failures.count(parts.extensions.get::<Peer>()) {
            Ok(()) => Err(denial),
            Err(wait) => {
                let reason = format!("too_many_attempts: {}", denial.reason());
                Err(Denial::too_many_attempts(wait.as_secs() + 1).with_reason(reason))
            }
        }
    }
}

impl<A> fmt::Debug for WithKeys<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WithKeys").field("keys", &self.keys).finish_non_exhaustive()
    }
}
