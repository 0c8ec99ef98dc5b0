//! The limits of a configuration, at work.

use attach_quota::store::MemoryStore;
use attach_quota::{Limit, Overrides, QuotaLayer, Window};

use crate::alerts::Webhook;
use crate::config::Config;

/// The layer that holds callers to the limits of `config`.
pub(crate) fn layer(config: &Config, webhook: Option<&Webhook>) -> QuotaLayer {
    let overrides = Overrides::new();
    overrides.configure(config.overrides.iter().cloned());
    let layer = QuotaLayer::new(config.limits.clone()).prices(config.prices.clone());
    let layer = layer.overrides(overrides).store(store());
    match (&config.alerts, webhook.cloned()) {
        (Some(alerts), Some(webhook)) => {
            layer.alerts(alerts.quota_used.iter().copied(), move |alert| webhook.tell(&alert))
        }
        _ => layer,
    }
}

/// Where the counts are: in this process's memory.
///
/// This is the one place that chooses. A store that nodes share goes here for `config.redis`, and one that outlives the
/// process for [limits that have to](outlives).
fn store() -> MemoryStore {
    MemoryStore::new()
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
    if let Some(budget) = config.limits.iter().find(|limit| outlives(limit)) {
        tracing::warn!(limit = budget.id(), "budgets are counted in memory: a restart begins them anew");
    }
}

/// Whether a limit means more time than a process may live.
fn outlives(limit: &Limit) -> bool {
    matches!(limit.window(), Window::Budget(_))
}
