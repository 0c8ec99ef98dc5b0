//! `[[redact.engine]]`: finding somewhere else.

use std::fmt::{self, Write as _};
use std::time::Duration;

use serde::Deserialize;

use super::access_key::{self, AccessKeys};
use super::secret::SecretRef;
use super::units::Span;
use super::{ConfigError, Secret};

mod inspects;

pub use self::inspects::Inspects;

type Env<'a> = &'a dyn Fn(&str) -> Option<String>;

/// An engine that is asked about each request before it is redacted.
#[derive(Debug, PartialEq)]
#[non_exhaustive]
pub struct Engine {
    /// What it is, and where.
    pub kind: EngineKind,
    /// How long the texts of one request may take.
    pub timeout: Duration,
    /// Whose words it looks at.
    pub inspects: Inspects,
    /// A call goes on without it if it is down.
    pub open: bool,
    /// About how many texts it is not asked twice.
    pub remember: usize,
}

/// What an engine is.
#[derive(Debug, PartialEq)]
#[non_exhaustive]
pub enum EngineKind {
    /// Amazon Bedrock Guardrails.
    Bedrock(Box<Guardrail>),
    /// A Microsoft Presidio analyzer.
    Presidio(Analyzer),
    /// Somebody's own.
    Webhook {
        /// Where it is asked.
        url: String,
        /// What shows it who asks.
        token: Option<Secret>,
    },
}

/// Where a guardrail is, and who asks for it.
#[derive(Debug, PartialEq)]
#[non_exhaustive]
pub struct Guardrail {
    /// The region of AWS.
    pub region: String,
    /// Another endpoint than the region's.
    pub url: Option<String>,
    /// Its id or ARN.
    pub id: String,
    /// A number or `DRAFT`.
    pub version: String,
    /// What requests are signed with.
    pub access: AccessKeys,
    /// How many characters one call may have.
    pub characters: Option<usize>,
}

/// Where an analyzer is, and what it is asked for.
#[derive(Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Analyzer {
    /// Its URL, without `/analyze`.
    pub url: String,
    /// The language of the texts.
    pub language: Option<String>,
    /// From which score on it mentions a finding.
    pub score_threshold: Option<f32>,
    /// What it looks for, by its own names.
    pub entities: Option<Vec<String>>,
    /// Whether it takes the texts of a request together.
    pub batch: Option<bool>,
}

/// One table as it is written. What all kinds have is taken out before the rest is read.
#[derive(Debug, Deserialize)]
pub(super) struct Table {
    timeout: Option<Span>,
    #[serde(default)]
    inspects: Inspects,
    #[serde(default)]
    when_down: WhenDown,
    #[serde(default)]
    remember: usize,
    #[serde(flatten)]
    rest: toml::Table,
}

#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum WhenDown {
    #[default]
    Closed,
    Open,
}

#[derive(Debug, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
enum Written {
    BedrockGuardrails(WrittenGuardrail),
    Presidio(Analyzer),
    Webhook(WrittenWebhook),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenGuardrail {
    region: String,
    url: Option<String>,
    guardrail: String,
    version: String,
    access_key: Option<SecretRef>,
    secret_key: Option<SecretRef>,
    session_token: Option<SecretRef>,
    characters: Option<usize>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenWebhook {
    url: String,
    token: Option<SecretRef>,
}

/// Reads every table.
pub(super) fn resolve(tables: Vec<Table>, env: Env<'_>) -> Result<Vec<Engine>, ConfigError> {
    tables.into_iter().map(|table| table.resolve(env)).collect()
}

impl Table {
    fn resolve(self, env: Env<'_>) -> Result<Engine, ConfigError> {
        let wrong = |why: &dyn fmt::Display| ConfigError::new(format!("redact.engine: {why}"));
        let timeout = self.timeout.map_or(Duration::from_secs(1), |span| span.0);
        if timeout.is_zero() || timeout > Duration::from_secs(60) {
            return Err(wrong(&"timeout: between \"1ms\" and \"60s\""));
        }
        let written = self.rest.try_into().map_err(|error: toml::de::Error| wrong(&error.message()))?;
        if self.inspects.answers() && matches!(written, Written::Presidio(_)) {
            let why =
                "inspects: a Presidio analyzer finds personal data and judges nothing; only \"requests\"";
            return Err(wrong(&why));
        }
        let secret = |key: &str, from: &SecretRef| from.read(&format!("redact.engine.{key}"), env);
        let kind = match written {
            Written::Presidio(analyzer) => EngineKind::Presidio(analyzer),
            Written::Webhook(WrittenWebhook { url, token }) => {
                let token = token.map(|token| secret("token", &token)).transpose()?;
                EngineKind::Webhook { url, token }
            }
            Written::BedrockGuardrails(written) => EngineKind::Bedrock(Box::new(written.resolve(env)?)),
        };
        let Self { inspects, remember, .. } = self;
        Ok(Engine { kind, timeout, inspects, open: self.when_down == WhenDown::Open, remember })
    }
}

impl WrittenGuardrail {
    fn resolve(self, env: Env<'_>) -> Result<Guardrail, ConfigError> {
        let Self { region, url, guardrail: id, version, access_key, secret_key, session_token, characters } =
            self;
        let access = access_key::Written { access_key, secret_key, session_token };
        let access = access.read("redact.engine", &region, env)?;
        Ok(Guardrail { region, url, id, version, access, characters })
    }
}

/// One line, without a secret.
pub(super) fn describe(out: &mut String, engine: &Engine) {
    let Engine { kind, timeout, inspects, open, remember } = engine;
    let what = match kind {
        EngineKind::Bedrock(guardrail) => {
            let Guardrail { region, url, id, version, access, characters } = &**guardrail;
            let characters = characters.map(|most| format!(", {most} characters a call")).unwrap_or_default();
            let url = url.as_deref().unwrap_or(region);
            format!("bedrock-guardrails {id} version {version} at {url}{}{characters}", access.describe())
        }
        EngineKind::Presidio(analyzer) => {
            let Analyzer { url, language, score_threshold, entities, batch } = analyzer;
            let mut what = format!("presidio at {url}, language {}", language.as_deref().unwrap_or("en"));
            if let Some(score) = score_threshold {
                let _ = write!(what, ", scores from {score}");
            }
            if let Some(entities) = entities {
                let _ = write!(what, ", only {}", entities.join(" "));
            }
            if *batch == Some(false) {
                what.push_str(", text by text");
            }
            what
        }
        EngineKind::Webhook { url, token } => {
            format!("webhook at {url}{}", if token.is_some() { ", with a token" } else { "" })
        }
    };
    let down = if *open { "open" } else { "closed" };
    let _ = writeln!(
        out,
        "redact engine {what}: inspects {}, timeout {timeout:?}, when down {down}, remembers {remember}",
        inspects.as_str()
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    fn engine(text: &str) -> Result<Engine, ConfigError> {
        let table: Table = toml::from_str(text).map_err(|error| ConfigError::new(error.to_string()))?;
        let env = |name: &str| match name {
            "AWS_ACCESS_KEY_ID" => Some("AKIDEXAMPLE".to_owned()),
            "AWS_SECRET_ACCESS_KEY" | "AWS_SESSION_TOKEN" | "OTHER" => Some(format!("value of {name}")),
            _ => None,
        };
        table.resolve(&env)
    }

    fn guardrail(more: &str) -> Guardrail {
        let text = "kind = 'bedrock-guardrails'\nregion = 'eu-central-1'\nguardrail = 'gr1'\nversion = '1'\n";
        match engine(&format!("{text}{more}")).unwrap().kind {
            EngineKind::Bedrock(guardrail) => *guardrail,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn it_is_closed_after_a_second_unless_the_file_says_otherwise() {
        let plain = engine("kind = 'webhook'\nurl = 'http://x'").unwrap();
        assert_eq!((plain.timeout, plain.open), (Duration::from_secs(1), false));
        let other =
            engine("kind = 'presidio'\nurl = 'http://x'\ntimeout = '250ms'\nwhen_down = 'open'").unwrap();
        assert_eq!((other.timeout, other.open), (Duration::from_millis(250), true));
    }

    #[test]
    fn it_looks_at_requests_unless_the_file_says_otherwise() {
        let inspects =
            |more: &str| engine(&format!("kind = 'webhook'\nurl = 'http://x'\n{more}")).unwrap().inspects;
        assert_eq!(inspects(""), Inspects::Requests);
        for (word, requests, answers) in
            [("requests", true, false), ("answers", false, true), ("both", true, true)]
        {
            let inspects = inspects(&format!("inspects = '{word}'"));
            assert_eq!((inspects.requests(), inspects.answers()), (requests, answers), "{word}");
        }
    }

    #[test]
    fn a_guardrail_without_a_key_has_the_one_of_the_environment() {
        let own = guardrail("access_key = { env = 'OTHER' }\nsecret_key = { env = 'OTHER' }").access;
        assert!(
            matches!(own, AccessKeys::Fixed { id, token: None, .. } if id.first().expose() == "value of OTHER")
        );
        let environments = guardrail("").access;
        assert!(matches!(environments, AccessKeys::Fixed { id, .. } if id.first().expose() == "AKIDEXAMPLE"));
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for (text, part) in [
            ("url = 'http://x'", "kind"),
            ("kind = 'oracle'\nurl = 'http://x'", "oracle"),
            ("kind = 'presidio'", "url"),
            ("kind = 'presidio'\nurl = 'http://x'\nregion = 'eu-central-1'", "region"),
            ("kind = 'webhook'\nurl = 'http://x'\nlanguage = 'de'", "language"),
            ("kind = 'webhook'\nurl = 'http://x'\nwhen_down = 'ajar'", "ajar"),
            ("kind = 'webhook'\nurl = 'http://x'\ninspects = 'nothing'", "nothing"),
            ("kind = 'presidio'\nurl = 'http://x'\ninspects = 'both'", "inspects"),
            ("kind = 'presidio'\nurl = 'http://x'\ninspects = 'answers'", "inspects"),
            ("kind = 'webhook'\nurl = 'http://x'\ntimeout = '0s'", "timeout"),
            ("kind = 'webhook'\nurl = 'http://x'\ntoken = { env = 'MISSING' }", "redact.engine.token"),
        ] {
            let said = engine(text).unwrap_err().to_string();
            assert!(said.contains(part), "{text}: {said}");
        }
    }

    #[test]
    fn a_description_shows_no_secret() {
        let text = "kind = 'webhook'\nurl = 'http://x'\ntoken = { env = 'OTHER' }";
        let mut out = String::new();
        describe(&mut out, &engine(text).unwrap());
        assert_eq!(
            out,
            "redact engine webhook at http://x, with a token: inspects requests, timeout 1s, when down closed, remembers 0\n"
        );
    }
}
