//! What may be shown once only: nonces, ids of proofs.

use std::collections::HashSet;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_lc_rs::digest::{Context, SHA256};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::Denial;
use crate::clock::{Clock, since_epoch};
use crate::state::{Change, CommitError, Row, State, Table};

/// Remembers for a while what was shown, on this node and, with a [`State`], on all. Clones remember together.
#[derive(Debug, Clone)]
pub(crate) struct Once {
    seen: Arc<Mutex<Generations>>,
    keep: Duration,
    capacity: usize,
    state: Option<State>,
}

/// Two generations, each of which takes what is shown in a period as long as anything has to be kept: when one is
/// over, nothing of the one before it matters any more.
#[derive(Default)]
struct Generations {
    current: HashSet<[u8; 16]>,
    previous: HashSet<[u8; 16]>,
    began: Duration,
}

/// What the check of something that may be shown once only found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shown {
    First,
    Again,
}

impl Once {
    /// What was shown is remembered for `keep`, and at most `capacity` at a time twice over.
    pub(crate) fn new(keep: Duration, capacity: usize) -> Self {
        Self { seen: Arc::default(), keep, capacity, state: None }
    }

    /// The same on every node that shares `state`.
    pub(crate) fn share(&mut self, state: State) {
        self.state = Some(state);
    }

    /// Whether this is the first time that `value` is shown by or for `whom`. From now on it is not.
    ///
    /// # Errors
    ///
    /// 503 when there is no room to remember it, or when the other nodes cannot be asked.
    pub(crate) async fn show(&self, whom: &[&str], value: &str, clock: &dyn Clock) -> Result<Shown, Denial> {
        let key = digest(whom, value);
        if self.show_here(&key, clock.elapsed())? == Shown::Again {
            return Ok(Shown::Again);
        }
        let Some(state) = &self.state else { return Ok(Shown::First) };
        let over = since_epoch(clock.now()).saturating_add(self.keep.as_secs());
        let row = Row::new(Table::ONCE, format!("shown\n{}", URL_SAFE_NO_PAD.encode(key)), &b"{}"[..]);
        match state.commit(vec![Change::insert(row.until(over))]).await {
            Ok(()) => Ok(Shown::First),
            Err(CommitError::Conflict(..)) => Ok(Shown::Again),
            Err(CommitError::Unavailable(_)) => Err(Denial::unavailable(1).with_reason("state_store_down")),
        }
    }

    fn show_here(&self, key: &[u8; 32], now: Duration) -> Result<Shown, Denial> {
        let mut short = [0; 16];
        short.copy_from_slice(&key[..16]);
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.turn(now, self.keep);
        if seen.current.contains(&short) || seen.previous.contains(&short) {
            return Ok(Shown::Again);
        }
        if seen.current.len() >= self.capacity {
            return Err(Denial::unavailable(1).with_reason("replay_cache_full"));
        }
        seen.current.insert(short);
        Ok(Shown::First)
    }
}

impl Generations {
    fn turn(&mut self, now: Duration, keep: Duration) {
        let age = now.saturating_sub(self.began);
        if age < keep {
            return;
        }
        let last = std::mem::take(&mut self.current);
        self.previous = if age < keep * 2 { last } else { HashSet::new() };
        self.began = now;
    }
}

/// Of the parts and where each ends, so that no two lists look alike.
fn digest(whom: &[&str], value: &str) -> [u8; 32] {
    let mut context = Context::new(&SHA256);
    for part in whom.iter().chain([&value]) {
        context.update(&(part.len() as u64).to_be_bytes());
        context.update(part.as_bytes());
    }
    let mut key = [0; 32];
    key.copy_from_slice(context.finish().as_ref());
    key
}

impl fmt::Debug for Generations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Generations")
            .field("current", &self.current.len())
            .field("previous", &self.previous.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEEP: Duration = Duration::from_secs(120);

    fn at(once: &Once, value: &str, seconds: u64) -> Result<Shown, Denial> {
        once.show_here(&digest(&["who"], value), Duration::from_secs(seconds))
    }

    #[test]
    fn what_was_shown_is_known_for_as_long_as_it_has_to_be() {
        for first in [0, 1, 60, 119, 120, 121, 500] {
            for later in [0, 1, 60, 119] {
                let once = Once::new(KEEP, 10);
                assert_eq!(at(&once, "a", first).unwrap(), Shown::First);
                // Something else, which may begin a new generation in between.
                at(&once, "b", first + later / 2).unwrap();
                assert_eq!(at(&once, "a", first + later).unwrap(), Shown::Again, "{first} {later}");
            }
        }
    }

    #[test]
    fn it_is_forgotten_in_the_end_and_never_grows_past_its_bound() {
        let once = Once::new(KEEP, 2);
        for value in ["a", "b"] {
            assert_eq!(at(&once, value, 0).unwrap(), Shown::First);
        }
        assert_eq!(at(&once, "c", 0).unwrap_err().status(), 503);
        assert_eq!(at(&once, "a", 0).unwrap(), Shown::Again);
        assert_eq!(at(&once, "c", 120).unwrap(), Shown::First);
        assert_eq!(at(&once, "a", 300).unwrap(), Shown::First);
    }

    #[test]
    fn parts_do_not_run_into_each_other() {
        assert_ne!(digest(&["ab"], "c"), digest(&["a"], "bc"));
        assert_ne!(digest(&["a", "b"], "c"), digest(&["ab"], "c"));
    }
}
