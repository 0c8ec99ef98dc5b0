use std::time::Duration;

use attach_core::Identity;
use tokio::sync::watch;

use super::{Fact, FactIndex};
use crate::Denial;
use crate::state::{CommitError, Health, State};

/// Says who lost the right to go on, and records who does.
///
/// Cheap to clone; clones share the facts.
#[derive(Debug, Clone)]
pub struct Revocations {
    state: State,
    index: FactIndex,
    keep: Duration,
    stale: Duration,
}

impl Revocations {
    /// Facts of `state`, which was opened with `index` as a view of its facts.
    #[must_use]
    pub fn new(state: State, index: FactIndex) -> Self {
        Self { state, index, keep: Duration::from_secs(48 * 60 * 60), stale: Duration::ZERO }
    }

    /// How long a *not before* is kept: at least as long as the longest-lived token or key. Two days unless set.
    #[must_use]
    pub fn keep(mut self, keep: Duration) -> Self {
        self.keep = keep;
        self
    }

    /// For how long the facts are relied on while their store is down; not at all unless set.
    #[must_use]
    pub fn stale(mut self, stale: Duration) -> Self {
        self.stale = stale;
        self
    }

    /// Records facts. When it returns they are durable, and this node acts on them.
    ///
    /// # Errors
    ///
    /// When that cannot be known.
    pub async fn record(&self, facts: &[Fact]) -> Result<(), CommitError> {
        self.state.commit(facts.iter().map(|fact| fact.change(self.keep)).collect()).await
    }

    /// Whether `identity` may go on.
    ///
    /// # Errors
    ///
    /// 401 `revoked`, also when it is the client that speaks for the caller; 503 while the store is down.
    pub fn check(&self, identity: &Identity) -> Result<(), Denial> {
        if let Health::Down { since, .. } = self.state.health()
            && since > self.stale
        {
            return Err(Denial::unavailable(1).with_reason("revocation_store_down"));
        }
        let actor = identity.actor.as_deref();
        if self.index.refuses(identity) || actor.is_some_and(|actor| self.index.refuses(actor)) {
            return Err(Denial::invalid_token("revoked"));
        }
        Ok(())
    }

    /// Changes whenever an answer of [`check`](Self::check) may have.
    #[must_use]
    pub fn subscribe(&self) -> watch::Receiver<u64> {
        self.state.subscribe()
    }

    /// The rows the facts are among.
    #[must_use]
    pub fn state(&self) -> &State {
        &self.state
    }
}
