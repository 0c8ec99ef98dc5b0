use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::log::Position;

/// How far each target has come; clones share it. A segment that some target has not left behind is not deleted.
#[derive(Debug, Clone, Default)]
pub struct Shipped(Arc<Mutex<BTreeMap<Box<str>, Option<Position>>>>);

impl Shipped {
    /// Nobody is sent anything.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// `target` has everything up to `position`; `None`: nothing yet.
    pub fn reached(&self, target: &str, position: Option<Position>) {
        self.lock().insert(target.into(), position);
    }

    /// The place that all targets have reached: outer `None` if there is no target, inner if one has nothing yet.
    #[must_use]
    pub fn by_all(&self) -> Option<Option<Position>> {
        self.lock().values().min().cloned()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Box<str>, Option<Position>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
