//! What has to be done from time to time while the gateway serves.

use std::time::Duration;

use attach_auth::OidcVerifier;
use attach_auth::keys::KeyError;

use crate::alerts::Webhook;
use crate::run::Current;

/// How often streams that outlived their token are looked for.
const TICK: Duration = Duration::from_secs(1);

/// How often issuers whose metadata or keys are due are asked, idle quota entries are dropped, and what happened to
/// gateway keys is written down.
const UPKEEP: Duration = Duration::from_secs(5);

/// How often service identities that nobody uses or owns are looked for.
const REVIEW: Duration = Duration::from_secs(60);

/// Goes by whatever configuration is in force.
pub(crate) struct Upkeep {
    pub(crate) current: Current,
    pub(crate) webhook: Webhook,
}

impl Upkeep {
    /// Has keys ready before the first caller comes, where their issuers answer.
    pub(crate) async fn prepare(&self) {
        let assembly = self.current.load();
        assembly.refresh().await;
        for status in assembly.verifiers().flat_map(OidcVerifier::status) {
            if let Some(problem) = &status.problem {
                tracing::warn!(issuer = %status.issuer, %problem, "issuer not ready; its tokens are answered 503 until it is");
            }
        }
    }

    /// Does not end. None of the parts waits for another: a provider that does not answer delays no revocation.
    pub(crate) async fn run(&self) {
        let pause = async |time| tokio::time::sleep(time).await;
        let first = self.current.load().rights.clone();
        tokio::join!(
            first.state.run(pause),
            every(TICK, async || self.current.load().auth.sweep()),
            every(UPKEEP, async || self.current.load().refresh().await),
            every(UPKEEP, async || self.current.load().rights.quotas.layer().sweep()),
            every(UPKEEP, async || self.current.load().rights.flush().await),
            self.webhook.run(),
            first.quotas.run(),
            every(REVIEW, async || self.review().await),
        );
    }

    async fn review(&self) {
        let Some(services) = self.current.load().rights.services() else { return };
        report(services.sweep().await);
    }
}

fn report(swept: Result<usize, KeyError>) {
    match swept {
        Ok(0) => {}
        Ok(disabled) => tracing::warn!(disabled, "service identities nobody uses or owns were disabled"),
        Err(error) => tracing::warn!(%error, "service identities could not be reviewed"),
    }
}

async fn every(time: Duration, what: impl AsyncFn()) {
    loop {
        tokio::time::sleep(time).await;
        what().await;
    }
}
