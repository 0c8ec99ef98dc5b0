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

/// What is known of a backend's presence.
#[derive(Debug)]
pub(super) struct Contact {
    /// When it last showed that it is there and what it was.
    confirmed: Duration,
    lost: Option<Lost>,
    watched: bool,
    /// What everybody was told last.
    announced: bool,
}

impl Contact {
    pub(super) fn new(now: Duration, watched: bool) -> Self {
        Self { confirmed: now, lost: None, watched, announced: true }
    }

    pub(super) fn confirm(&mut self, now: Duration) {
        self.confirmed = now;
        self.lost = None;
    }

    pub(super) fn lose(&mut self, lost: Lost) {
        self.lost = Some(lost);
    }

    pub(super) fn health(&self, now: Duration) -> Health {
        let since = now.saturating_sub(self.confirmed);
        let down = |why: Box<str>| Health::Down { since, why };
        match &self.lost {
            // A file that cannot be read, a store that is another: waiting makes neither better.
            Some(lost) if !self.watched || matches!(lost, Lost::Reset(_)) => down(lost.to_string().into()),
            Some(lost) if since > PATIENCE => down(lost.to_string().into()),
            None if self.watched && since > PATIENCE => down("silent".into()),
            _ => Health::Up,
        }
    }

    /// Whether the health is another than at the last call; logs it if so.
    pub(super) fn has_turned(&mut self, now: Duration) -> bool {
        let health = self.health(now);
        let up = health == Health::Up;
        if self.announced == up {
            return false;
        }
        self.announced = up;
        match health {
            Health::Up => tracing::info!("the state store is there again"),
            Health::Down { why, .. } => tracing::error!(%why, "the state store is lost"),
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_watched_backend_may_be_silent_for_a_moment_and_no_longer() {
        let mut contact = Contact::new(SECOND, true);
        assert_eq!(contact.health(SECOND * 3), Health::Up);
        assert_eq!(contact.health(SECOND * 4), Health::Down { since: SECOND * 3, why: "silent".into() });
        contact.lose(Lost::Unreachable("timeout".into()));
        assert!(!contact.has_turned(SECOND * 3));
        assert!(contact.has_turned(SECOND * 4));
        assert!(!contact.has_turned(SECOND * 5), "it was said already");
        contact.confirm(SECOND * 5);
        assert!(contact.has_turned(SECOND * 5));
    }

    #[test]
    fn a_store_that_is_another_is_down_at_once() {
        let mut contact = Contact::new(SECOND, true);
        contact.lose(Lost::Reset("emptied".into()));
        assert_ne!(contact.health(SECOND), Health::Up);
    }

    #[test]
    fn a_file_is_not_expected_to_speak_but_is_down_when_it_fails() {
        let mut contact = Contact::new(SECOND, false);
        assert_eq!(contact.health(SECOND * 9999), Health::Up);
        contact.lose(Lost::Unreachable("disk".into()));
        assert_ne!(contact.health(SECOND), Health::Up);
    }
}
