use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use attach_core::Identity;
use quick_cache::sync::Cache;

use super::super::cache::Digest;
use super::super::times::Times;
use crate::Denial;

/// Tokens that are remembered as good, and as many that are not: apart, so that junk pushes no good one out.
const TOKENS: usize = 10_000;

/// What was answered a moment ago. Ages by the clock that never goes back.
pub(super) struct Memory {
    good: Cache<Digest, (Known, Duration)>,
    refused: Cache<Digest, (Denial, Duration)>,
}

/// A caller the provider vouched for.
#[derive(Clone)]
pub(super) struct Known {
    pub(super) identity: Arc<Identity>,
    pub(super) times: Times,
}

impl Memory {
    pub(super) fn new() -> Self {
        Self { good: Cache::new(TOKENS), refused: Cache::new(TOKENS) }
    }

    pub(super) fn find(&self, key: &Digest, elapsed: Duration) -> Option<Result<Known, Denial>> {
        if let Some((known, until)) = self.good.get(key) {
            if elapsed < until {
                return Some(Ok(known));
            }
            self.good.remove(key);
        }
        let (denial, until) = self.refused.get(key)?;
        if elapsed < until {
            return Some(Err(denial));
        }
        self.refused.remove(key);
        None
    }

    pub(super) fn keep(&self, key: Digest, known: Known, until: Duration) {
        self.good.insert(key, (known, until));
    }

    pub(super) fn refuse(&self, key: Digest, denial: Denial, until: Duration) {
        self.refused.insert(key, (denial, until));
    }

    pub(super) fn forget(&self, key: &Digest) {
        self.good.remove(key);
    }
}

impl fmt::Debug for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Memory")
            .field("good", &self.good.len())
            .field("refused", &self.refused.len())
            .finish()
    }
}
