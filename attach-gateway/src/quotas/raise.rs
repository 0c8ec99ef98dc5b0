//! Counts are put back where nodes share them.

use attach_quota::store::{Counted, Raised};
use attach_quota::{Limit, Window};

use super::Quotas;
use super::store::Counts;

/// Why counts are not put back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NotRaised {
    /// They are this node's own.
    Own,
    /// The store does not answer.
    Unavailable,
}

impl Quotas {
    /// Sets what the store counts to what a log says, where that is more.
    pub(crate) async fn raise(
        &self,
        counted: &[Counted],
        dry_run: bool,
    ) -> Result<Vec<Option<Raised>>, NotRaised> {
        match &self.counts {
            Counts::Shared(redis) => redis.raise(counted, dry_run).await.map_err(|_| NotRaised::Unavailable),
            Counts::Memory(_) | Counts::Disk(_) => Err(NotRaised::Own),
        }
    }

    /// The limits that no log is needed for: a rate fills again by itself, and running calls take their places again.
    pub(crate) fn not_in_a_log(&self) -> Vec<&str> {
        let others = |limit: &&Limit| !matches!(limit.window(), Window::Budget(_));
        self.layer().limits().filter(others).map(Limit::id).collect()
    }
}
