//! Callers who lost the right to go on, seen from where they call.

#[cfg(feature = "redis")]
mod nodes;
mod running;
mod script;
mod store;
mod subjects;

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use attach_auth::revocation::{Effect, Fact, FactIndex, Subject};
use attach_auth::state::{Backend, Memory, State, Table};
use attach_auth::{AuthLayer, Authenticate, Credential, Denial, Revocations};
use attach_core::Identity;
use http::request::Parts;
use tokio::task::JoinHandle;

use crate::support::{NOW, TestClock};

/// Facts in memory, followed, at the tests' time.
struct Facts {
    revocations: Revocations,
    clock: TestClock,
    task: JoinHandle<()>,
}

impl Facts {
    async fn new() -> Self {
        Self::of(Memory::new()).await
    }

    async fn of(backend: impl Backend) -> Self {
        let (index, clock) = (FactIndex::new(), TestClock::default());
        let views = vec![(Table::FACTS, Arc::new(index.clone()) as _)];
        let state = State::with_clock(backend, views, Arc::new(clock.clone())).await.expect("opens");
        let running = state.clone();
        let task = tokio::spawn(async move { running.run(tokio::time::sleep).await });
        Self { revocations: Revocations::new(state, index), clock, task }
    }

    async fn record(&self, subject: Subject, effect: Effect) {
        let mut fact = Fact::new("acme", subject, effect, "test");
        fact.at = at(0);
        self.revocations.record(&[fact]).await.expect("is durable");
    }

    /// A layer that takes names for credentials.
    fn layer(&self) -> AuthLayer<Names> {
        AuthLayer::new(Names).revocations(self.revocations.clone()).with_clock(Arc::new(self.clock.clone()))
    }
}

impl Drop for Facts {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// So many seconds after [`NOW`].
fn at(seconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(NOW + seconds)
}

fn user(id: &str) -> Subject {
    Subject::User(id.into())
}

/// Whoever says a name is called so, for a minute.
#[derive(Debug, Clone, Copy)]
struct Names;

impl Authenticate for Names {
    async fn authenticate(&self, credential: &Credential, _: &Parts) -> Result<Arc<Identity>, Denial> {
        let mut identity = Identity::person("acme", credential.token());
        identity.issued_at = Some(at(0));
        identity.expires_at = Some(at(60));
        Ok(Arc::new(identity))
    }
}
