//! The limits of a configuration, at work.

use std::sync::Arc;

use attach_quota::store::{MemoryStore, SqliteStore, Store};
use attach_quota::{Limit, Overrides, QuotaLayer, Window};

use crate::alerts::Webhook;
use crate::config::Config;
use crate::run::StartError;
use crate::state::StateDir;

/// The layer that holds callers to the limits of `config`.
pub(crate) async fn open(
    config: &Config,
    dir: &StateDir,
    webhook: Option<&Webhook>,
) -> Result<QuotaLayer, StartError> {
    let overrides = Overrides::new();
    overrides.configure(config.overrides.iter().cloned());
    let layer = QuotaLayer::new(config.limits.clone()).prices(config.prices.clone());
    let layer = layer.overrides(overrides).store(store(config, dir).await?);
    Ok(match (&config.alerts, webhook.cloned()) {
        (Some(alerts), Some(webhook)) => {
            layer.alerts(alerts.quota_used.iter().copied(), move |alert| webhook.tell(&alert))
        }
        _ => layer,
    })
}

/// Where the counts are: on disk if any of them means more time than a process may live, else in memory.
async fn store(config: &Config, dir: &StateDir) -> Result<Arc<dyn Store>, StartError> {
    if !config.limits.iter().any(outlives) {
        return Ok(Arc::new(MemoryStore::new()));
    }
    let store = SqliteStore::open(dir.path()).await;
    Ok(Arc::new(store.map_err(|error| StartError::State(error.to_string().into()))?))
}

/// Says what the limits of `config` do not do.
pub(crate) fn warn(config: &Config) {
    for warning in &config.quota_warnings {
        tracing::warn!("{warning}");
    }
    if config.redis.is_some() && !config.limits.is_empty() {
        tracing::warn!(
            "state.redis: revocations and keys are shared by nodes; quotas are still counted on each node"
        );
    }
}

/// Whether a limit means more time than a process may live.
fn outlives(limit: &Limit) -> bool {
    matches!(limit.window(), Window::Budget(_))
}
