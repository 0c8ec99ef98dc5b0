//! The configuration: one TOML file, or the environment alone.
//!
//! [`Config`] is parsed and checked: everything in it can be built. What was wrong is a [`ConfigError`] that names
//! the setting and says what to write instead.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use attach_auth::IssuerConfig;
use attach_auth::delegation::FrontEnd;
use attach_auth::policy::{ModelGlob, Rules};
use attach_auth::state::Redis;
use attach_core::Dialect;
use attach_core::destination::Labels;
use attach_quota::Limit;
use attach_quota::store::RedisStore;

pub(crate) mod access;
mod access_key;
mod admin;
mod alerts;
mod audit;
mod breaker;
mod decimal;
mod describe;
mod engine;
mod env;
mod error;
mod file;
mod front_end;
mod host;
mod issuer;
mod keys;
mod listen;
mod minting;
mod model;
mod moment;
mod ner;
mod price;
mod probe;
mod quota;
mod resolve;
mod retention;
mod revocation;
mod secret;
mod server;
mod shared;
mod telemetry;
mod translation;
mod units;
mod upstream;
pub(crate) mod written;

pub use self::access_key::AccessKeys;
pub use self::admin::{Admin, CertificateName, Local, Role};
pub use self::alerts::Alerts;
pub use self::audit::{
    Archive, Audit, Content, ContentRule, Egress, OtlpLogs, Receiver, SplunkHec, Syslog, Transport, Webhook,
};
pub use self::breaker::Breaker;
pub(crate) use self::decimal::scaled;
pub use self::engine::{Analyzer, Engine, EngineKind, Guardrail, Inspects};
#[cfg(feature = "dev")]
pub(crate) use self::env::VARIABLES;
pub use self::error::ConfigError;
pub use self::host::Host;
pub(crate) use self::keys::nearest;
#[cfg(test)]
pub(crate) use self::keys::sections as all_keys;
pub use self::listen::{Channel, Listen, Tls};
pub use self::minting::Minting;
pub use self::model::parameters::{Parameter, Parameters};
pub use self::model::sticky::Sticky;
pub use self::ner::Ner;
pub use self::probe::Probe;
pub use self::quota::Terms;
pub use self::retention::Retention;
pub use self::revocation::{Revocation, Scim, SecurityEvents, UniversalLogout};
pub use self::secret::Secret;
pub use self::server::{Patience, ProxyHeader, Server};
pub use self::telemetry::{Label, Otlp, Protocol, Telemetry};
pub use self::translation::Unsupported;
pub use self::upstream::{
    Access, Azure, AzureVersion, Bedrock, ClientCert, GuardrailConfig, IdentityHeaders, Kind, Proxy, Reach,
    Rotating, Timeouts, Upstream,
};

/// What the gateway runs with.
#[derive(Debug)]
#[non_exhaustive]
pub struct Config {
    /// The listener and its bounds.
    pub server: Server,
    /// The state directory, if one was named.
    pub state_dir: Option<PathBuf>,
    /// The Redis or Valkey that nodes share, if they do.
    pub redis: Option<Redis>,
    /// Where nodes count together, if they do.
    pub counts: Option<RedisStore>,
    /// The names it answers to, if not to all.
    pub hosts: Vec<Arc<Host>>,
    /// Who vouches for callers.
    pub issuers: Vec<IssuerConfig>,
    /// Programs that may speak for people.
    pub front_ends: Vec<FrontEnd>,
    /// Where requests go.
    pub upstreams: Vec<Arc<Upstream>>,
    /// Public model names; empty means that every name goes to the first upstream that speaks the dialect.
    pub models: Vec<Model>,
    /// Who may do what.
    pub rules: Arc<Rules>,
    /// The access rules in a sentence each, for `check` and the start message.
    pub access_summary: Vec<String>,
    /// Whether answers say what was decided, and by which rule.
    pub decision_header: bool,
    /// How much anybody may use.
    pub limits: Vec<Limit>,
    /// What goes with the limits: overrides and prices.
    pub quota: Terms,
    /// What is looked for and what is done about it.
    pub redact: Redact,
    /// How much the audit log promises.
    pub audit: Audit,
    /// What takes rights away.
    pub revocation: Revocation,
    /// Gateway keys, if there are any.
    pub keys: Option<Minting>,
    /// The admin listener, if there is one.
    pub admin: Option<Admin>,
    /// Who is told when budgets come to their end, if anybody is.
    pub alerts: Option<Alerts>,
    /// What is measured, and who is told.
    pub telemetry: Telemetry,
    /// Where the configuration came from.
    pub source: Source,
    /// The file as it is written, to tell what has changed when it is read again.
    pub(crate) written: toml::Table,
}

/// Where a configuration came from.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Source {
    /// Environment variables alone.
    Environment,
    /// A file.
    File(PathBuf),
    /// Built in: the `dev` command.
    Embedded,
}

/// A public model name and where it goes.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Model {
    /// The names it answers to.
    pub names: Vec<ModelGlob>,
    /// Further ones that only clients of one dialect may use.
    pub dialect_names: Vec<(Dialect, ModelGlob)>,
    /// Where it goes, most preferred first.
    pub targets: Vec<Target>,
    /// What is known of each target's upstream, with the model's own tier.
    pub labels: Vec<Arc<Labels>>,
    /// Which of its calls go to the same one of its weighted targets; `None`: each is drawn anew.
    pub sticky: Option<Sticky>,
}

/// An upstream, by its place in [`Config::upstreams`], and the model's name there (`None` = the same name).
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Target {
    /// Index into [`Config::upstreams`].
    pub upstream: usize,
    /// The name to ask for there.
    pub model: Option<Arc<str>>,
    /// Its share of the load among those that have one; zero: it is only asked when others fail.
    pub weight: u32,
    /// What calls say there besides what their callers say.
    pub parameters: Option<Arc<Parameters>>,
}

/// What is looked for and what is done about it.
#[derive(Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Redact {
    /// False only when switched off by `ATTACH_REDACT=off`.
    pub enabled: bool,
    /// Key of the placeholders' tags, shared by nodes; random per start if absent.
    pub key: Option<Secret>,
    /// How long one call may be looked at, and how long it may wait for that. Zero: as long as it takes.
    pub budget: Duration,
    /// What to do with what no setting names.
    pub default_action: Option<String>,
    /// Per entity: action and, for names, whether the lexicon is used.
    pub entities: Vec<(String, Option<String>, Option<bool>)>,
    /// Entity and what a finding of it has to score, from 0 to 1.
    pub thresholds: Vec<(String, f32)>,
    /// Entity and the words that name it, besides its own.
    pub words: Vec<(String, Vec<String>)>,
    /// Values that are never found.
    pub exempt: Vec<String>,
    /// Patterns of such values.
    pub exempt_patterns: Vec<String>,
    /// Upstream, entity and action, where it is not what is done toward all.
    pub toward: Vec<(String, String, String)>,
    /// Whether private, loopback and documentation addresses count.
    pub private_addresses: bool,
    /// The countries whose telephone numbers are known as they are written at home, if they are said.
    pub regions: Option<Vec<String>>,
    /// Tools whose arguments get no values back.
    pub external_tools: Vec<String>,
    /// Whether values that stand only in a system prompt stay hidden from the caller.
    pub hide_system: bool,
    /// Whether text that a provider has signed is looked at.
    pub inspect_signed: bool,
    /// Patterns of the operator's own.
    pub patterns: Vec<RedactPattern>,
    /// Entity and the terms of a file.
    pub terms: Vec<(String, Vec<String>)>,
    /// The model that finds names, if there is one.
    pub ner: Option<Ner>,
    /// Modality and action.
    pub uninspectable: Vec<(String, String)>,
    /// Who else finds.
    pub engines: Vec<Engine>,
}

/// A pattern of the operator's own.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct RedactPattern {
    /// What its matches are.
    pub entity: String,
    /// Regular expression.
    pub regex: String,
    /// What a match scores without one of the words, from 0 to 1.
    pub score: Option<f32>,
    /// Words before a match that make it likelier.
    pub words: Vec<String>,
}

impl Config {
    /// Reads the environment alone, as given by `env`.
    ///
    /// # Errors
    ///
    /// When something needed is missing or something present makes no sense.
    pub fn from_env(env: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        env::read(&env)
    }

    /// Reads the file at `path`; `env` serves `{ env = "…" }` references.
    ///
    /// # Errors
    ///
    /// When the file cannot be read, has a key that is unknown or not implemented yet, when a value makes no
    /// sense, or when the environment says something about the gateway that the file does not refer to.
    pub fn from_file(path: &Path, env: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let file = read_table(&read_text(path)?)?;
        env::refuse_both(&file, path, &env)?;
        let mut config = Self::from_table(file, &env)?;
        config.source = Source::File(path.into());
        Ok(config)
    }

    /// The state directory that the file at `path` names, if any, and nothing else of it: whoever looks at a log need
    /// not have the gateway's secrets.
    ///
    /// # Errors
    ///
    /// When the file cannot be read, is no TOML, or has a key that is unknown.
    pub(crate) fn state_dir_of(path: &Path) -> Result<Option<PathBuf>, ConfigError> {
        let table = read_table(&read_text(path)?)?;
        keys::check(&table)?;
        let dir = table.get("state").and_then(|state| state.get("dir")).and_then(toml::Value::as_str);
        Ok(dir.map(PathBuf::from))
    }

    /// Reads a file's text.
    ///
    /// # Errors
    ///
    /// As [`from_file`](Self::from_file).
    pub fn parse(text: &str, env: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        Self::from_table(read_table(text)?, &env)
    }

    fn from_table(table: toml::Table, env: &dyn Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        keys::check(&table)?;
        quota::check(&table)?;
        let written = table.clone();
        let file = table.try_into().map_err(|error: toml::de::Error| ConfigError::new(error.to_string()))?;
        let mut config = resolve::resolve(file, env)?;
        config.written = written;
        Ok(config)
    }

    /// The configuration in force, a setting a line, secrets hidden.
    #[must_use]
    pub fn describe(&self) -> String {
        describe::describe(self)
    }
}

fn read_text(path: &Path) -> Result<String, ConfigError> {
    std::fs::read_to_string(path)
        .map_err(|error| ConfigError::new(format!("cannot read {}: {error}", path.display())))
}

fn read_table(text: &str) -> Result<toml::Table, ConfigError> {
    text.parse().map_err(|error| ConfigError::new(format!("not valid TOML: {error}")))
}

#[cfg(test)]
mod documented;
#[cfg(test)]
mod schema;
#[cfg(test)]
mod tests;
