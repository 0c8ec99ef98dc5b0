use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::backend::Lost;

/// How long a watched backend may be silent.
const PATIENCE: Duration = Duration::from_secs(2);

/// Whether rows can be relied on.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Health {
    /// They are up to date.
    Up,
    /// They are those of a while ago.
    Down {
        /// How long ago the backend was last heard of.
        since: Duration,
        /// What is wrong.
        why: Box<str>,
    },
}

/// What is known of a backend's presence. Written by one who follows it, read on every request.
#[derive(Debug)]
pub(super) struct Contact {
    watched: bool,
    /// When it last showed that it is there and what it was, in nanoseconds.
    confirmed: AtomicU64,
    /// Saves the lock as long as nothing is wrong.
    is_lost: AtomicBool,
    trouble: Mutex<Trouble>,
}

#[derive(Debug, Default)]
struct Trouble {
    lost: Option<Lost>,
    /// What everybody was told last.
    announced: bool,
}

impl Contact {
    pub(super) fn new(now: Duration, watched: bool) -> Self {
        let confirmed = AtomicU64::new(nanos(now));
        Self { watched, confirmed, is_lost: AtomicBool::new(false), trouble: Mutex::default() }
    }

    pub(super) fn confirm(&self, now: Duration) {
        self.confirmed.store(nanos(now), Ordering::Release);
        if self.is_lost.load(Ordering::Acquire) {
            self.trouble().lost = None;
            self.is_lost.store(false, Ordering::Release);
        }
    }

    pub(super) fn lose(&self, lost: Lost) {
        self.trouble().lost = Some(lost);
        self.is_lost.store(true, Ordering::Release);
    }

    pub(super) fn health(&self, now: impl FnOnce() -> Duration) -> Health {
        let is_lost = self.is_lost.load(Ordering::Acquire);
        if !is_lost && !self.watched {
            return Health::Up;
        }
        let since = now().saturating_sub(Duration::from_nanos(self.confirmed.load(Ordering::Acquire)));
        if !is_lost && since <= PATIENCE {
            return Health::Up;
        }
        match &self.trouble().lost {
            // A file that cannot be read, a store that is another: waiting makes neither better.
            Some(lost) if since > PATIENCE || !self.watched || matches!(lost, Lost::Reset(_)) => {
                Health::Down { since, why: lost.to_string().into() }
            }
            None if since > PATIENCE => Health::Down { since, why: "silent".into() },
            _ => Health::Up,
        }
    }

    /// Whether the health is another than at the last call; logs it if so.
    pub(super) fn has_turned(&self, now: Duration) -> bool {
        let health = self.health(|| now);
        let down = health != Health::Up;
        if std::mem::replace(&mut self.trouble().announced, down) == down {
            return false;
        }
        match health {
            Health::Up => tracing::info!("the state store is there again"),
            Health::Down { why, .. } => tracing::error!(%why, "the state store is lost"),
        }
        true
    }

    fn trouble(&self) -> MutexGuard<'_, Trouble> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_watched_backend_may_be_silent_for_a_moment_and_no_longer() {
        let contact = Contact::new(SECOND, true);
        assert_eq!(contact.health(|| SECOND * 3), Health::Up);
        assert_eq!(contact.health(|| SECOND * 4), Health::Down { since: SECOND * 3, why: "silent".into() });
        contact.lose(Lost::Unreachable("timeout".into()));
        assert!(!contact.has_turned(SECOND * 3));
        assert!(contact.has_turned(SECOND * 4));
        assert!(!contact.has_turned(SECOND * 5), "it was said already");
        contact.confirm(SECOND * 5);
        assert!(contact.has_turned(SECOND * 5));
    }

    #[test]
    fn a_store_that_is_another_is_down_at_once() {
        let contact = Contact::new(SECOND, true);
        contact.lose(Lost::Reset("emptied".into()));
        assert_ne!(contact.health(|| SECOND), Health::Up);
    }

    #[test]
    fn a_file_is_not_expected_to_speak_but_is_down_when_it_fails() {
        let contact = Contact::new(SECOND, false);
        assert_eq!(contact.health(|| SECOND * 9999), Health::Up);
        contact.lose(Lost::Unreachable("disk".into()));
        assert_ne!(contact.health(|| SECOND), Health::Up);
    }
}
