//! SIGHUP: the rules of the file as it is now, in force at once; everything else as it was.

use std::io;
use std::sync::Arc;

use attach_auth::policy::{Live, Rules};
use attach_auth::{Event, Witness};

use crate::config::{Config, ConfigError, Reread};
use crate::server::ReloadSignal;

/// Waits for the signal and replaces the rules.
#[derive(Debug)]
pub(crate) struct Reload {
    signal: ReloadSignal,
    reread: Arc<Reread>,
    rules: Live<Rules>,
    witness: Arc<dyn Witness>,
}

impl Reload {
    /// Listens from now on: a signal that comes early does not end the program.
    pub(crate) fn listen(config: &Config, rules: Live<Rules>, witness: Arc<dyn Witness>) -> io::Result<Self> {
        Ok(Self { signal: ReloadSignal::listen()?, reread: Arc::new(Reread::of(config)), rules, witness })
    }

    /// Never ends.
    pub(crate) async fn run(mut self) {
        loop {
            self.signal.next().await;
            match self.replace().await {
                Ok(summary) => tracing::info!(rules = ?summary, "access rules reloaded"),
                Err(error) => {
                    tracing::error!(%error, "configuration not reloaded; the one in force stays");
                }
            }
        }
    }

    async fn replace(&self) -> Result<Vec<String>, ConfigError> {
        let reread = Arc::clone(&self.reread);
        let read = tokio::task::spawn_blocking(move || reread.rules()).await;
        let (rules, summary) = read.map_err(|error| ConfigError::new(error.to_string()))??;
        let event = Event::new("policy.reload", "SIGHUP").detail("rules", shortened(&summary));
        self.witness.witness(event).await.map_err(|error| ConfigError::new(format!("access: {error}")))?;
        if let Err(error) = self.rules.replace(rules) {
            let event = Event::new("policy.reload_refused", "SIGHUP");
            let _ = self.witness.witness(event).await;
            return Err(ConfigError::new(format!("access: {error}")));
        }
        Ok(summary)
    }
}

/// Enough for an auditor to tell which rules they were; the file itself has the rest.
fn shortened(summary: &[String]) -> String {
    summary.join("; ").chars().take(2000).collect()
}
