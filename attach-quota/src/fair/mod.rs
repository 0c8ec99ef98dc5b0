//! Fair shares of what many draw from.
//!
//! A limit that is [fair](crate::Limit::fair) notes who draws how much from its pool. While there is plenty, anybody gets
//! whatever they ask for. A quarter of the pool is kept for those who have had less than an equal share of it: whoever has
//! had more passes only if that quarter is still there afterwards. How much there is, the store decides as ever; this stands
//! before it, and a layer without such a limit does without.

use std::sync::Arc;

use crate::clock::SharedClock;
use crate::limit::Limit;
use crate::store::Store;

mod moment;
mod pool;
mod pools;
mod store;
#[cfg(test)]
mod tests;

use self::store::FairStore;

/// Whether any of `limits` is fair.
pub(crate) fn is_wanted(limits: &[Arc<Limit>]) -> bool {
    limits.iter().any(|limit| limit.is_fair())
}

/// `store`, and before it a judge of fair shares if any of `limits` wants one.
pub(crate) fn before(store: impl Store, limits: &[Arc<Limit>], clock: SharedClock) -> Arc<dyn Store> {
    if is_wanted(limits) {
        return Arc::new(FairStore::new(store, clock));
    }
    Arc::new(store)
}
