use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::OnceCell;

use super::super::cache::Digest;

/// Questions under way: one for all who show the same token.
///
/// Whoever came first asks; if he goes away before the answer, the next one does.
pub(super) struct Flights<T>(Mutex<HashMap<Digest, Arc<OnceCell<T>>>>);

impl<T> Default for Flights<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T: Clone> Flights<T> {
    /// The answer to `question`, or to the one about the same token that is under way. A question that was not asked
    /// (`Err`) is no answer for others.
    pub(super) async fn join<E>(
        &self,
        key: Digest,
        question: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        let cell = Arc::clone(self.map().entry(key).or_default());
        let seat = Seat { flights: self, key, cell };
        seat.cell.get_or_try_init(|| question).await.cloned()
    }

    fn map(&self) -> MutexGuard<'_, HashMap<Digest, Arc<OnceCell<T>>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One who waits for an answer. The last one to leave ends the flight.
struct Seat<'f, T: Clone> {
    flights: &'f Flights<T>,
    key: Digest,
    cell: Arc<OnceCell<T>>,
}

impl<T: Clone> Drop for Seat<'_, T> {
    fn drop(&mut self) {
        let mut map = self.flights.map();
        // Ours and the map's: seats are only taken under the map's lock.
        let last = Arc::strong_count(&self.cell) <= 2;
        let ours = map.get(&self.key).is_some_and(|cell| Arc::ptr_eq(cell, &self.cell));
        if ours && (last || self.cell.initialized()) {
            map.remove(&self.key);
        }
    }
}

impl<T> fmt::Debug for Flights<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Flights")
    }
}
