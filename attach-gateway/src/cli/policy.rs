//! `attach-gateway policy test`: the rules held against a file of cases.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use attach_auth::policy::{self, Ask, Policy, Verdict};
use attach_auth::{Denial, IssuerConfig};
use attach_core::call::ModelName;
use attach_core::{Dialect, Identity, Peer};
use clap::Args;
use serde::Deserialize;

use crate::cli;
use crate::cli::explain::shown;
use crate::config::{Config, ConfigError, access};
use crate::resolve::Directory;
use crate::run::StartError;

/// A file of cases, and the rules.
#[derive(Debug, Args)]
pub(crate) struct Rehearse {
    /// The cases: `[[case]]` tables in TOML.
    #[arg(value_name = "FILE")]
    cases: PathBuf,
    /// Configuration file.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Cases {
    case: Vec<Case>,
}

/// Who calls what, and what is expected.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    /// As in a token's payload.
    claims: serde_json::Value,
    /// Whose claims they are; needed where there are several issuers.
    issuer: Option<String>,
    /// How long ago the caller signed in, instead of an `auth_time` that would have to move along.
    auth_age: Option<String>,
    proof: Option<String>,
    model: Option<String>,
    api: Option<String>,
    #[serde(default)]
    tools: Vec<Box<str>>,
    address: Option<IpAddr>,
    verb: Option<String>,
    expect: Expected,
    reason: Option<String>,
    rule: Option<String>,
    /// The upstreams that are left, in order.
    upstreams: Option<Vec<String>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Expected {
    Allow,
    Deny,
    StepUp,
}

/// What came out.
struct Outcome {
    outcome: Expected,
    reason: String,
    rule: Option<String>,
    upstreams: Vec<String>,
    /// In one line, for people.
    text: String,
}

impl Rehearse {
    /// Whether every case ends as it says; prints those that do not.
    ///
    /// # Errors
    ///
    /// When the configuration or a case makes no sense.
    pub(crate) fn run(&self, env: fn(&str) -> Option<String>) -> Result<bool, StartError> {
        let config = cli::configuration(self.config.as_deref(), env)?;
        let directory = Directory::of(&config).map_err(|error| StartError::Io("TLS", error))?;
        let text = std::fs::read_to_string(&self.cases).map_err(|error| StartError::Io("cases", error))?;
        let cases: Cases = toml::from_str(&text).map_err(|error| ConfigError::new(error.to_string()))?;
        let (mut failed, total) = (0, cases.case.len());
        for case in cases.case {
            let wrong = |why: String| ConfigError::new(format!("case {:?}: {why}", case.name));
            let outcome = case.outcome(&config, &directory).map_err(wrong)?;
            if let Some(difference) = case.difference(&outcome) {
                failed += 1;
                cli::print(&format!("FAILED {}: {difference}; {}\n", case.name, outcome.text));
            }
        }
        cli::print(&format!("{} of {total} cases pass\n", total - failed));
        Ok(failed == 0)
    }
}

impl Case {
    fn outcome(&self, config: &Config, directory: &Directory) -> Result<Outcome, String> {
        let identity = match self.identity(config)? {
            Ok(identity) => identity,
            Err(denial) => return Ok(Outcome::turned_away(&denial)),
        };
        let peer = self.address.map(|address| Peer::new(SocketAddr::new(address, 0)));
        let api = self.api.as_deref().map(access::api).transpose()?;
        let model = self.model.as_deref().map(ModelName::canonical_of);
        let mut ask = match (model, &self.verb) {
            (Some(model), None) => Ask::model(&identity, model).with_api(api),
            (None, Some(verb)) => Ask::verb(&identity, verb),
            _ => return Err("give either a model or a verb".to_owned()),
        };
        ask = ask.with_peer(peer.as_ref()).with_tools(&self.tools);
        let Some(model) = model else {
            return Ok(Outcome::of(&config.rules.allows(&ask), Vec::new()));
        };
        let destination = match api {
            Some(api) => directory.destination(api, model),
            None => directory.anywhere(Dialect::OpenAi, model),
        };
        let (verdict, narrowed) = policy::decide_route(&*config.rules, ask, Some(&destination));
        let left = narrowed.as_ref().unwrap_or(&destination).candidates().iter();
        let left = left.filter(|_| verdict.is_allowed()).map(|candidate| candidate.upstream.to_string());
        Ok(Outcome::of(&verdict, left.collect()))
    }

    fn identity(&self, config: &Config) -> Result<Result<Identity, Denial>, String> {
        let mut claims = self.claims.clone();
        if let Some(age) = &self.auth_age {
            let age = humantime::parse_duration(age).map_err(|error| format!("auth_age: {error}"))?;
            let at = SystemTime::now().checked_sub(age).and_then(|at| at.duration_since(UNIX_EPOCH).ok());
            let at = at.ok_or("auth_age: too long ago")?.as_secs();
            claims.as_object_mut().ok_or("claims: not a table")?.insert("auth_time".into(), at.into());
        }
        let issuer = self.issuer(config)?;
        Ok(match issuer.identity_of_claims(claims.to_string().as_bytes()) {
            Ok(mut identity) => {
                if let Some(proof) = &self.proof {
                    identity.proof = access::proof(proof)?;
                }
                Ok(identity)
            }
            Err(denial) => Err(denial),
        })
    }

    fn issuer<'c>(&self, config: &'c Config) -> Result<&'c IssuerConfig, String> {
        let named = self.issuer.as_deref().or_else(|| self.claims.get("iss").and_then(|iss| iss.as_str()));
        match (named, &config.issuers[..]) {
            (Some(name), issuers) => issuers
                .iter()
                .find(|issuer| issuer.issuer() == name)
                .ok_or_else(|| format!("there is no issuer {name:?}")),
            (None, [only]) => Ok(only),
            (None, _) => Err("name the issuer: there are several".to_owned()),
        }
    }

    /// How what came out differs from what is expected.
    fn difference(&self, outcome: &Outcome) -> Option<String> {
        if outcome.outcome != self.expect {
            return Some(format!("expected {}", self.expect.as_str()));
        }
        if let Some(reason) = self.reason.as_ref().filter(|reason| **reason != outcome.reason) {
            return Some(format!("expected reason {reason}"));
        }
        if let Some(rule) = self.rule.as_ref().filter(|rule| outcome.rule.as_ref() != Some(rule)) {
            return Some(format!("expected rule {rule}"));
        }
        let upstreams = self.upstreams.as_ref().filter(|upstreams| **upstreams != outcome.upstreams);
        upstreams.map(|upstreams| {
            format!("expected to go to {}, not to {}", upstreams.join(", "), outcome.upstreams.join(", "))
        })
    }
}

impl Outcome {
    fn of(verdict: &Verdict, upstreams: Vec<String>) -> Self {
        let outcome = match (verdict.is_allowed(), &verdict.step_up) {
            (true, _) => Expected::Allow,
            (false, Some(_)) => Expected::StepUp,
            (false, None) => Expected::Deny,
        };
        let (reason, rule) = (verdict.decision.reason.to_owned(), verdict.decision.rule.as_deref());
        Self { outcome, reason, rule: rule.map(Into::into), upstreams, text: shown(verdict) }
    }

    /// The issuer's own settings do not let the caller in.
    fn turned_away(denial: &Denial) -> Self {
        let text = format!("denied before any rule: {} ({})", denial.code(), denial.reason());
        let reason = denial.code().to_owned();
        Self { outcome: Expected::Deny, reason, rule: None, upstreams: Vec::new(), text }
    }
}

impl Expected {
    fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Deny => "deny",
            Self::StepUp => "step_up",
        }
    }
}
