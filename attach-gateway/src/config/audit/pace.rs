//! `audit.segment_age` and `audit.patience`: how long the log waits for what.

use std::fmt::Write;
use std::time::Duration;

use crate::config::ConfigError;
use crate::config::units::Span;

/// With an archive: what is closed only when it is full would be copied from a quiet node weeks later.
const ARCHIVED: Duration = Duration::from_secs(3600);

/// Less is an object a minute in the archive, and a file a minute here, for years.
const LEAST: Duration = Duration::from_secs(60);

/// Less and an ordinary sync is an outage; more and a disk that hangs holds up requests for longer than callers wait.
const PATIENCE: [Duration; 2] = [Duration::from_millis(100), Duration::from_secs(30)];

/// How old a segment grows; however old unless there is an archive.
pub(super) fn segment_age(written: Option<Span>, archived: bool) -> Result<Option<Duration>, ConfigError> {
    match written.map(|span| span.0) {
        None => Ok(archived.then_some(ARCHIVED)),
        Some(age) if age < LEAST => Err(ConfigError::new("audit.segment_age: at least \"1m\"")),
        age => Ok(age),
    }
}

/// How long a request waits for its record.
pub(super) fn patience(written: Option<Span>) -> Result<Duration, ConfigError> {
    let patience = written.map_or(Duration::from_millis(500), |span| span.0);
    if (PATIENCE[0]..=PATIENCE[1]).contains(&patience) {
        return Ok(patience);
    }
    Err(ConfigError::new("audit.patience: write a time between \"100ms\" and \"30s\""))
}

pub(super) fn describe(out: &mut String, segment_age: Option<Duration>, patience: Duration) {
    let age =
        segment_age.map_or_else(|| "none".to_owned(), |age| humantime::format_duration(age).to_string());
    let patience = humantime::format_duration(patience);
    let _ = writeln!(out, "audit.segment_age = {age}; patience = {patience}");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(text: &str) -> Option<Span> {
        Some(Span::parse(text).expect("a time"))
    }

    #[test]
    fn what_is_archived_is_closed_each_hour_unless_somebody_says_otherwise() {
        assert_eq!(segment_age(None, false).expect("valid"), None);
        assert_eq!(segment_age(None, true).expect("valid"), Some(ARCHIVED));
        assert_eq!(segment_age(span("5m"), true).expect("valid"), Some(Duration::from_secs(300)));
        assert_eq!(patience(None).expect("valid"), Duration::from_millis(500));
        assert_eq!(patience(span("2s")).expect("valid"), Duration::from_secs(2));
    }

    #[test]
    fn nonsense_says_what_to_write() {
        assert!(segment_age(span("59s"), false).is_err_and(|why| why.to_string().contains("\"1m\"")));
        for text in ["99ms", "31s"] {
            assert!(patience(span(text)).is_err_and(|why| why.to_string().contains("\"100ms\"")), "{text}");
        }
    }
}
