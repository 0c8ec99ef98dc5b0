//! `breaker` of an `[[upstream]]`: when an upstream that fails is not called for a while.

use std::fmt;
use std::time::Duration;

use serde::Deserialize;

use super::ConfigError;
use super::units::Span;

/// When an upstream is not called for a while.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Breaker {
    /// After so many failures one after the other.
    pub consecutive: u32,
    /// How far back successes are counted.
    pub window: Duration,
    /// Fewer calls than this in the window say nothing.
    pub min_requests: u32,
    /// When less than this share of them went well, from 0 to 1.
    pub success_rate: f64,
    /// For how long at first; twice as long after each try that failed.
    pub open: Duration,
    /// For how long at most.
    pub max_open: Duration,
}

/// Seven failures, a second at first and a minute at most are Linkerd's defaults for its failure accrual.
impl Default for Breaker {
    fn default() -> Self {
        Self {
            consecutive: 7,
            window: Duration::from_secs(30),
            min_requests: 30,
            success_rate: 0.6,
            open: Duration::from_secs(1),
            max_open: Duration::from_secs(60),
        }
    }
}

/// As it is written.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum Entry {
    Switch(bool),
    Settings(Settings),
}

#[derive(Debug, Deserialize)]
pub(super) struct Settings {
    consecutive: Option<u32>,
    window: Option<Span>,
    min_requests: Option<u32>,
    success_rate: Option<f64>,
    open: Option<Span>,
    max_open: Option<Span>,
}

/// `None` if it is switched off.
pub(super) fn resolve(at: &str, from: Option<&Entry>) -> Result<Option<Breaker>, ConfigError> {
    let default = Breaker::default();
    let from = match from {
        None | Some(Entry::Switch(true)) => return Ok(Some(default)),
        Some(Entry::Switch(false)) => return Ok(None),
        Some(Entry::Settings(from)) => from,
    };
    let span = |span: Option<Span>, default: Duration| span.map_or(default, |span| span.0);
    let breaker = Breaker {
        consecutive: from.consecutive.unwrap_or(default.consecutive),
        window: span(from.window, default.window),
        min_requests: from.min_requests.unwrap_or(default.min_requests),
        success_rate: from.success_rate.unwrap_or(default.success_rate),
        open: span(from.open, default.open),
        max_open: span(from.max_open, default.max_open),
    };
    let wrong = |key: &str, why: &str| Err(ConfigError::new(format!("{at}.{key}: {why}")));
    let hour = Duration::from_secs(3600);
    if breaker.consecutive == 0 {
        return wrong("consecutive", "at least 1; to have no breaker, write breaker = false");
    }
    if breaker.window < Duration::from_secs(1) || breaker.window > hour {
        return wrong("window", "between \"1s\" and \"60m\"");
    }
    if breaker.min_requests == 0 {
        return wrong("min_requests", "at least 1");
    }
    if !(0.0..=1.0).contains(&breaker.success_rate) {
        return wrong("success_rate", "a share between 0.0 (never) and 1.0");
    }
    if breaker.open.is_zero() || breaker.max_open < breaker.open || breaker.max_open > hour {
        return wrong("open", "more than nothing, at most max_open, which is at most \"60m\"");
    }
    Ok(Some(breaker))
}

impl fmt::Display for Breaker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { consecutive, window, min_requests, success_rate, open, max_open } = self;
        write!(
            f,
            "after {consecutive} failures in a row, or less than {success_rate} of at least {min_requests} calls in \
             {window:?} going well; for {open:?}, at most {max_open:?}"
        )
    }
}

#[cfg(test)]
mod tests {
    use crate::config::Config;

    fn breaker(text: &str) -> Result<Option<super::Breaker>, String> {
        let file = format!(
            "[[issuer]]\nissuer = \"https://login.example\"\naudience = [\"a\"]\n\
             [[upstream]]\nname = \"one\"\nkind = \"openai\"\nurl = \"http://127.0.0.1:1\"\n{text}"
        );
        let config = Config::parse(&file, |_| None).map_err(|error| error.to_string())?;
        Ok(config.upstreams[0].breaker)
    }

    #[test]
    fn there_is_a_breaker_unless_it_is_switched_off() {
        assert_eq!(breaker("").expect("valid"), Some(super::Breaker::default()));
        assert_eq!(breaker("breaker = true").expect("valid"), Some(super::Breaker::default()));
        assert_eq!(breaker("breaker = false").expect("valid"), None);
        let some =
            breaker("breaker = { consecutive = 3, max_open = \"10s\" }").expect("valid").expect("a breaker");
        assert_eq!((some.consecutive, some.max_open.as_secs(), some.min_requests), (3, 10, 30));
    }

    #[test]
    fn what_makes_no_sense_is_refused_by_its_name() {
        for (text, said) in [
            ("breaker = { consecutive = 0 }", "\"one\": breaker.consecutive: at least 1"),
            ("breaker = { window = \"10ms\" }", "breaker.window"),
            ("breaker = { success_rate = 60.0 }", "breaker.success_rate"),
            ("breaker = { open = \"2m\" }", "breaker.open"),
            ("breaker = { consecutiv = 3 }", "did you mean \"consecutive\""),
            ("max_in_flight = 0", "\"one\": max_in_flight: at least 1"),
        ] {
            let error = breaker(text).expect_err(text);
            assert!(error.contains(said), "{error}");
        }
    }
}
