use std::fmt::Write as _;

use attach_core::aws::{self, Machine};
use serde::Deserialize;

use super::rotating::{KeyRef, Rotating};
use crate::config::{ConfigError, access_key};

/// What only an upstream of Amazon Bedrock has.
#[derive(Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Bedrock {
    /// The region of AWS that requests are signed for.
    pub region: Box<str>,
    /// The access key they are signed with; without one they carry the upstream's key.
    pub access: Option<Access>,
    /// The machine's own keys, which they are signed with in place of one.
    pub machine: Option<Machine>,
    /// What looks at questions and answers there.
    pub guardrail: Option<GuardrailConfig>,
}

/// An access key of AWS, in its parts.
#[derive(Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Access {
    /// Its id.
    pub id: Rotating,
    /// Its secret.
    pub secret: Rotating,
    /// The token of a temporary one.
    pub token: Option<Rotating>,
}

/// A guardrail of Amazon Bedrock.
#[derive(Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct GuardrailConfig {
    /// Its id or ARN.
    pub id: String,
    /// A number or `DRAFT`.
    pub version: String,
}

/// The settings of an `[[upstream]]` that are about it.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::config) struct File {
    access_key: Option<KeyRef>,
    secret_key: Option<KeyRef>,
    session_token: Option<KeyRef>,
    guardrail: Option<Guardrail>,
}

/// `false` says that there is none; that it was forgotten is something else when a file is read again.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Guardrail {
    Switch(bool),
    Config(GuardrailConfig),
}

type Env<'a> = &'a dyn Fn(&str) -> Option<String>;

impl File {
    pub(super) fn is_empty(&self) -> bool {
        let Self { access_key, secret_key, session_token, guardrail } = self;
        access_key.is_none() && secret_key.is_none() && session_token.is_none() && guardrail.is_none()
    }

    /// Without a key of its own it has the one of the environment, under the names AWS's tools use.
    pub(super) fn resolve(
        self,
        at: &dyn Fn(&str) -> String,
        region: Option<&str>,
        (key, env): (&mut Option<KeyRef>, Env<'_>),
    ) -> Result<Bedrock, ConfigError> {
        let wrong = |what: &str, why: &str| ConfigError::new(format!("{}: {why}", at(what)));
        let region = region.map(str::to_owned).or_else(|| env("AWS_REGION"));
        let region = region.or_else(|| env("AWS_DEFAULT_REGION"));
        let region = region.ok_or_else(|| wrong("region", "say in which region of AWS"))?;
        if !aws::is_region(&region) {
            return Err(wrong("region", "no region of AWS, such as eu-central-1"));
        }
        let guardrail = match self.guardrail {
            None | Some(Guardrail::Switch(false)) => None,
            Some(Guardrail::Switch(true)) => return Err(wrong("guardrail", "say which: its id and version")),
            Some(Guardrail::Config(guardrail)) => Some(guardrail),
        };
        if let Some(guardrail) = &guardrail {
            guardrail.check().map_err(|why| wrong("guardrail", why))?;
        }
        let own = self.access_key.is_some() || self.secret_key.is_some() || self.session_token.is_some();
        if own && key.is_some() {
            return Err(wrong("key", "a Bedrock API key takes the place of access_key; keep one"));
        }
        if !own && key.is_none() && env("AWS_BEARER_TOKEN_BEDROCK").is_some() {
            *key = Some(KeyRef::env("AWS_BEARER_TOKEN_BEDROCK"));
        }
        let region: Box<str> = region.into();
        if key.is_some() {
            return Ok(Bedrock { region, access: None, machine: None, guardrail });
        }
        if !own && let Some(machine) = access_key::machine(&at("access_key"), &region, env)? {
            return Ok(Bedrock { region, access: None, machine: Some(machine), guardrail });
        }
        let read = |what: &str, from: KeyRef| from.read(&at(what), env);
        let named = |from: Option<KeyRef>, name| from.unwrap_or_else(|| KeyRef::env(name));
        let token = match self.session_token {
            None if !own && env("AWS_SESSION_TOKEN").is_some() => Some(KeyRef::env("AWS_SESSION_TOKEN")),
            token => token,
        };
        let access = Access {
            id: read("access_key", named(self.access_key, "AWS_ACCESS_KEY_ID"))?,
            secret: read("secret_key", named(self.secret_key, "AWS_SECRET_ACCESS_KEY"))?,
            token: token.map(|token| read("session_token", token)).transpose()?,
        };
        Ok(Bedrock { region, access: Some(access), machine: None, guardrail })
    }
}

impl GuardrailConfig {
    /// As the reference of `GuardrailConfiguration` has them.
    fn check(&self) -> Result<(), &'static str> {
        let lower = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        let is_arn = self.id.starts_with("arn:aws") && self.id.contains(":guardrail/");
        let in_arn = |byte: u8| lower(byte) || matches!(byte, b'-' | b':' | b'/');
        let known = if is_arn { self.id.bytes().all(in_arn) } else { self.id.bytes().all(lower) };
        if self.id.is_empty() || self.id.len() > 2048 || !known {
            return Err("neither the id nor the ARN of a guardrail");
        }
        let number = !self.version.starts_with('0') && self.version.bytes().all(|byte| byte.is_ascii_digit());
        let known = number && (1..=8).contains(&self.version.len());
        if known || self.version == "DRAFT" { Ok(()) } else { Err("version is neither a number nor DRAFT") }
    }
}

impl Bedrock {
    /// The region's public endpoint.
    pub(super) fn endpoint(&self) -> String {
        format!("https://bedrock-runtime.{}.{}", self.region, aws::public_domain(&self.region))
    }

    /// A part of a line, without a secret.
    pub(in crate::config) fn describe(&self) -> String {
        let how = match (&self.access, &self.machine) {
            (_, Some(machine)) => format!("signed with the keys of the {machine}"),
            (Some(_), None) => "signed".to_owned(),
            (None, None) => "with a Bedrock API key".to_owned(),
        };
        let mut out = format!("region {}, {how}", self.region);
        if let Some(GuardrailConfig { id, version }) = &self.guardrail {
            let _ = write!(out, ", guardrail {id} version {version}");
        }
        out
    }
}
