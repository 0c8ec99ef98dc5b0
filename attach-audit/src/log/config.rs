use std::sync::{Arc, PoisonError, RwLock};

/// The digest of the configuration in force, for records that say nothing of another.
#[derive(Clone)]
pub(super) struct InForce(Arc<RwLock<Arc<str>>>);

impl InForce {
    pub(super) fn new(hash: &str) -> Self {
        Self(Arc::new(RwLock::new(hash.into())))
    }

    pub(super) fn replace(&self, hash: &str) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = hash.into();
    }

    pub(super) fn hash(&self) -> Arc<str> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }
}
