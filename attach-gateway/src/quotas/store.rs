//! Where the counts of this gateway are.

use std::sync::Arc;

use attach_quota::store::{MemoryStore, SqliteStore, Store};
use attach_quota::{Limit, Window};

use crate::config::Config;
use crate::run::StartError;
use crate::state::StateDir;

/// Where the counts are: on disk if any of them means more time than a process may live, else in memory.
pub(super) async fn open(config: &Config, dir: &StateDir) -> Result<Arc<dyn Store>, StartError> {
    if !config.limits.iter().any(outlives) {
        return Ok(Arc::new(MemoryStore::new()));
    }
    let store = SqliteStore::open(dir.path()).await;
    Ok(Arc::new(store.map_err(|error| StartError::State(error.to_string().into()))?))
}

/// Says what the limits of `config` do not do.
pub(crate) fn warn(config: &Config) {
    for warning in &config.quota.warnings {
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
