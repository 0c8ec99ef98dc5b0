//! Where the counts of this gateway are.

use std::sync::Arc;
use std::time::Duration;

use attach_quota::store::{MemoryStore, RedisStore, SqliteStore, Store};
use attach_quota::{Limit, WhenDown, Window};

use crate::config::{Config, Source};
use crate::run::StartError;
use crate::state::StateDir;

/// How long the end of the process waits for what calls came to.
const PATIENCE: Duration = Duration::from_secs(5);

/// Where the counts are: with the other nodes, else on disk if any of them means more time than a process may live or may
/// come to do so, by a file that is read again, else in memory.
#[derive(Clone)]
pub(super) enum Counts {
    Memory(Arc<MemoryStore>),
    Disk(SqliteStore),
    Shared(RedisStore),
}

impl Counts {
    pub(super) async fn open(config: &Config, dir: &StateDir) -> Result<Self, StartError> {
        if let Some(shared) = &config.counts {
            return Ok(Self::Shared(shared.clone()));
        }
        if !config.limits.iter().any(outlives) && !matches!(config.source, Source::File(_)) {
            return Ok(Self::Memory(Arc::default()));
        }
        let disk = SqliteStore::open(dir.path()).await;
        Ok(Self::Disk(disk.map_err(|error| StartError::Counts(error.to_string().into()))?))
    }

    pub(super) fn store(&self) -> Arc<dyn Store> {
        match self {
            Self::Memory(memory) => Arc::clone(memory) as Arc<dyn Store>,
            Self::Disk(disk) => Arc::new(disk.clone()),
            Self::Shared(shared) => Arc::new(shared.clone()),
        }
    }

    /// What has to be done beside the service as long as that lives.
    pub(super) async fn run(&self) {
        if let Self::Shared(shared) = self {
            shared.run().await;
        }
    }

    /// Waits for what was settled, before the process ends.
    pub(super) async fn close(&self) {
        let settled = match self {
            Self::Memory(_) => true,
            Self::Disk(disk) => match disk.flushed() {
                None => true,
                Some(flushed) => tokio::time::timeout(PATIENCE, flushed).await.is_ok(),
            },
            Self::Shared(shared) => shared.flush(PATIENCE).await,
        };
        if !settled {
            tracing::error!("what the last calls used could not be written down");
        }
    }
}

/// Says what the limits of `config` do not do.
pub(crate) fn warn(config: &Config) {
    for warning in &config.quota.warnings {
        tracing::warn!("{warning}");
    }
    let goes_on = |limit: &Limit| limit.when_down() != WhenDown::Closed;
    if config.redis.is_some() && config.revocation.stale.is_zero() && config.limits.iter().any(goes_on) {
        tracing::warn!(
            "while Redis cannot be asked every call is answered 503, whatever a quota's when_store_down says: nobody \
             knows who was revoked; revocation.stale or a state.quota_redis of its own changes that"
        );
    }
}

/// Whether a limit means more time than a process may live.
fn outlives(limit: &Limit) -> bool {
    matches!(limit.window(), Window::Budget(_))
}
