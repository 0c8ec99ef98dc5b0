use std::time::SystemTime;

use attach_audit::Timestamp;
use clap::Args;

use crate::config::ConfigError;
use crate::moment;

/// From when to when.
#[derive(Debug, Args)]
pub(super) struct Span {
    /// Only records of this time or later: 2026-11-01, 2026-11-01T08:00:00Z, or how long ago, as in 2h or 7d.
    #[arg(long, value_name = "TIME", value_parser = moment_of)]
    since: Option<SystemTime>,
    /// Only records before this time.
    #[arg(long, value_name = "TIME", value_parser = moment_of)]
    until: Option<SystemTime>,
}

fn moment_of(text: &str) -> Result<SystemTime, String> {
    moment::parse_before(text, SystemTime::now())
        .ok_or_else(|| format!("{text:?} is no time; write 2026-11-01, 2026-11-01T08:00:00Z or 7d"))
}

/// The same as records spell times: in the order of their bytes they are in the order of time.
#[derive(Debug, Clone, Default)]
pub(super) struct Window {
    pub(super) since: Option<String>,
    pub(super) until: Option<String>,
}

impl Span {
    /// # Errors
    ///
    /// If there is nothing between them.
    pub(super) fn window(&self) -> Result<Window, ConfigError> {
        if self.since.zip(self.until).is_some_and(|(since, until)| since >= until) {
            return Err(ConfigError::new("--since is not before --until: there is nothing between them"));
        }
        Ok(Window::default().narrowed(self.since, self.until))
    }
}

impl Window {
    /// What is in both.
    pub(super) fn narrowed(self, since: Option<SystemTime>, until: Option<SystemTime>) -> Self {
        let text = |time: Option<SystemTime>| time.map(|time| Timestamp::from(time).to_string());
        let (since, until) = (text(since), text(until));
        let earlier = |a: Option<String>, b: Option<String>| match (a, b) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        Self { since: self.since.max(since), until: earlier(self.until, until) }
    }

    /// Whether `ts`, a record's, is in it.
    pub(super) fn contains(&self, ts: &str) -> bool {
        self.since.as_deref().is_none_or(|since| since <= ts)
            && self.until.as_deref().is_none_or(|until| ts < until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(text: &str) -> Option<SystemTime> {
        Some(moment::parse(text).expect("a time"))
    }

    #[test]
    fn a_window_is_from_a_moment_to_before_another() {
        let window = Window::default().narrowed(time("2026-11-01"), time("2026-12-01"));
        let narrow = window.clone().narrowed(time("2026-10-01"), time("2026-11-02"));
        for (ts, wide, small) in [
            ("2026-10-31T23:59:59.999999999Z", false, false),
            ("2026-11-01T00:00:00.000000000Z", true, true),
            ("2026-11-02T00:00:00.000000000Z", true, false),
            ("2026-12-01T00:00:00.000000000Z", false, false),
        ] {
            assert_eq!((window.contains(ts), narrow.contains(ts)), (wide, small), "{ts}");
            assert!(Window::default().contains(ts));
        }
    }
}
