//! `probe` of an `[[upstream]]`: how it is asked, between calls, whether it does its work.

use std::fmt;
use std::time::Duration;

use http::uri::PathAndQuery;
use serde::Deserialize;

use super::units::Span;
use super::{ConfigError, Kind};

/// How an upstream is asked whether it does its work, while nobody calls it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Probe {
    /// What is asked for, behind the path of the upstream's URL; `None` for what servers of its kind have.
    pub path: Option<PathAndQuery>,
    /// How long after one probe the next one begins.
    pub every: Duration,
    /// How long an answer may take.
    pub timeout: Duration,
    /// It is left alone after so many probes in a row that failed.
    pub unhealthy_after: u32,
    /// It is called again after so many in a row that went well.
    pub healthy_after: u32,
    /// Whether the upstream's credential is shown.
    pub credential: bool,
}

/// As it is written.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum Entry {
    Switch(bool),
    Settings(Settings),
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Settings {
    path: Option<String>,
    every: Option<Span>,
    timeout: Option<Span>,
    unhealthy_after: Option<u32>,
    healthy_after: Option<u32>,
    credential: Option<bool>,
}

/// `None` unless it is switched on.
pub(super) fn resolve(at: &str, kind: Kind, from: Option<&Entry>) -> Result<Option<Probe>, ConfigError> {
    let none = Settings::default();
    let from = match from {
        None | Some(Entry::Switch(false)) => return Ok(None),
        Some(Entry::Switch(true)) => &none,
        Some(Entry::Settings(from)) => from,
    };
    let wrong = |key: &str, why: &str| Err(ConfigError::new(format!("{at}{key}: {why}")));
    if kind == Kind::Bedrock {
        return wrong("", "Amazon Bedrock has nothing that could be asked for without a call");
    }
    if kind == Kind::Anthropic && from.path.is_none() {
        return wrong(".path", "say what to ask for: Anthropic names nothing that is there for it");
    }
    let path = from.path.as_deref().map(|text| path(&format!("{at}.path"), text)).transpose()?;
    let span = |span: Option<Span>, default| span.map_or(Duration::from_secs(default), |span| span.0);
    let probe = Probe {
        every: span(from.every, 5),
        timeout: span(from.timeout, 1),
        unhealthy_after: from.unhealthy_after.unwrap_or(3),
        healthy_after: from.healthy_after.unwrap_or(2),
        // What servers have for it needs none; lists of models often do.
        credential: from.credential.unwrap_or(path.is_none()),
        path,
    };
    if probe.every < Duration::from_millis(100) || probe.every > Duration::from_secs(3600) {
        return wrong(".every", "between \"100ms\" and \"60m\"");
    }
    if probe.timeout.is_zero() || probe.timeout > Duration::from_secs(60) {
        return wrong(".timeout", "more than nothing, at most \"60s\"");
    }
    let counts = [("unhealthy_after", probe.unhealthy_after), ("healthy_after", probe.healthy_after)];
    if let Some((key, _)) = counts.into_iter().find(|(_, count)| *count == 0) {
        return wrong(&format!(".{key}"), "at least 1");
    }
    Ok(Some(probe))
}

fn path(key: &str, text: &str) -> Result<PathAndQuery, ConfigError> {
    let path = text.parse().ok().filter(|_| text.starts_with('/') && !text.contains('#'));
    path.ok_or_else(|| ConfigError::new(format!("{key}: {text:?} is not a path like /health")))
}

impl fmt::Display for Probe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, every, timeout, unhealthy_after, healthy_after, credential } = self;
        let path = path.as_ref().map_or("what its kind has for it", PathAndQuery::as_str);
        let shown = if *credential { "with" } else { "without" };
        write!(
            f,
            "{path} every {every:?}, within {timeout:?}, {shown} its credential; left alone after {unhealthy_after} \
             that failed, called again after {healthy_after} that went well"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    fn probe(kind: &str, text: &str) -> Result<Option<Probe>, String> {
        let file = format!(
            "[[issuer]]\nissuer = \"https://login.example\"\naudience = [\"a\"]\n\
             [[upstream]]\nname = \"one\"\nkind = \"{kind}\"\nurl = \"http://127.0.0.1:1\"\n{text}\n\
             [access]\ndefault = \"allow\""
        );
        let env = |name: &str| name.starts_with("AWS_").then(|| "eu-central-1".to_owned());
        let config = Config::parse(&file, env).map_err(|error| error.to_string())?;
        Ok(config.upstreams[0].probe.clone())
    }

    #[test]
    fn nobody_is_asked_unless_it_is_written() {
        for text in ["", "probe = false"] {
            assert_eq!(probe("ollama", text).expect("valid"), None, "{text}");
        }
        let on = probe("ollama", "probe = true").expect("valid").expect("a probe");
        assert_eq!((on.path, on.every.as_secs(), on.timeout.as_secs()), (None, 5, 1));
        assert_eq!((on.unhealthy_after, on.healthy_after), (3, 2));
    }

    #[test]
    fn a_path_of_ones_own_is_not_shown_the_key_unless_that_is_said() {
        let of = |text: &str| probe("openai", text).expect("valid").expect("a probe").credential;
        assert!(of("probe = true"), "lists of models need it");
        assert!(!of("probe = { path = \"/health\" }"));
        assert!(of("probe = { path = \"/health\", credential = true }"));
        assert!(!of("probe = { credential = false }"));
    }

    #[test]
    fn what_makes_no_sense_is_refused_by_its_name() {
        for (kind, text, said) in [
            ("openai", "probe = { every = \"1ms\" }", "\"one\": probe.every: between"),
            ("openai", "probe = { timeout = \"2m\" }", "probe.timeout"),
            ("openai", "probe = { healthy_after = 0 }", "probe.healthy_after: at least 1"),
            ("openai", "probe = { unhealthy_after = 0 }", "probe.unhealthy_after: at least 1"),
            ("openai", "probe = { path = \"health\" }", "is not a path like /health"),
            ("openai", "probe = { path = \"/a b\" }", "is not a path like /health"),
            ("openai", "probe = { evry = \"1s\" }", "did you mean \"every\""),
            ("anthropic", "probe = true", "probe.path: say what to ask for"),
            ("bedrock", "probe = { path = \"/ping\" }", "\"one\": probe: Amazon Bedrock"),
        ] {
            let error = probe(kind, text).expect_err(text);
            assert!(error.contains(said), "{error}");
        }
    }
}
