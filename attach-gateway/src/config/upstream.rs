use std::sync::Arc;
use std::time::Duration;

use attach_core::destination::Labels;
use attach_core::{Api, Dialect};
use http::Uri;

use super::{Breaker, ConfigError, Probe, Retention, Unsupported, breaker, file, probe};

pub(super) mod azure;
pub(super) mod bedrock;
mod kind;
pub(super) mod reach;
pub(super) mod rotating;
mod tls;

pub use self::azure::{Azure, AzureVersion};
pub use self::bedrock::{Access, Bedrock, GuardrailConfig};
pub use self::kind::Kind;
pub use self::reach::{ClientCert, Proxy, Reach};
pub use self::rotating::Rotating;

/// A place that answers.
#[derive(Debug, PartialEq)]
#[non_exhaustive]
pub struct Upstream {
    /// Its name in the configuration, in the audit log and in metrics.
    pub name: Arc<str>,
    /// What it is.
    pub kind: Kind,
    /// Scheme and authority, and a path prefix if it has one, without a slash at the end.
    pub url: Uri,
    /// Its credential.
    pub key: Option<Rotating>,
    /// What only Amazon Bedrock has.
    pub bedrock: Option<Bedrock>,
    /// What only Azure has.
    pub azure: Option<Azure>,
    /// How it is reached.
    pub reach: Reach,
    /// The interfaces it speaks.
    pub dialects: Vec<Dialect>,
    /// Whether OpenAI's Responses are a part of OpenAI's interface there.
    pub responses: bool,
    /// What is known of it.
    pub labels: Arc<Labels>,
    /// What it is told about the caller.
    pub identity_headers: IdentityHeaders,
    /// Whether what is sent there stays inside: it is trusted, or its address is a loopback or private one.
    pub inside: bool,
    /// How long it may take.
    pub timeouts: Timeouts,
    /// What becomes of a setting that cannot be translated for it.
    pub unsupported: Unsupported,
    /// So many calls it may have at a time; more go elsewhere, or are answered 503.
    pub max_in_flight: Option<usize>,
    /// How it is told not to keep a call, where it must not.
    pub retention: Retention,
    /// When it is not called for a while, if ever.
    pub breaker: Option<Breaker>,
    /// How it is asked, between calls, whether it does its work, if at all.
    pub probe: Option<Probe>,
}

/// What an upstream is told about the caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum IdentityHeaders {
    /// User, session and groups.
    Full,
    /// A stable pseudonym of the user.
    Pseudonym,
    /// Nothing.
    None,
}

/// How long an upstream may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Timeouts {
    /// To accept a connection.
    pub connect: Duration,
    /// To begin its answer.
    pub first_byte: Duration,
    /// Between two pieces of its answer.
    pub idle: Duration,
    /// For the whole answer.
    pub total: Duration,
    /// To be read on after its client has left; zero for not at all.
    pub drain: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(1),
            first_byte: Duration::from_secs(60),
            idle: Duration::from_secs(30),
            total: Duration::from_secs(600),
            drain: Duration::ZERO,
        }
    }
}

impl IdentityHeaders {
    fn parse(key: &str, text: &str) -> Result<Self, ConfigError> {
        match text {
            "full" => Ok(Self::Full),
            "pseudonym" => Ok(Self::Pseudonym),
            "none" => Ok(Self::None),
            _ => Err(ConfigError::new(format!("{key}: {text:?} is not one of full, pseudonym, none"))),
        }
    }

    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Pseudonym => "pseudonym",
            Self::None => "none",
        }
    }
}

impl Upstream {
    pub(super) fn resolve(
        from: file::Upstream,
        env: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self, ConfigError> {
        let at = |key: &str| format!("upstream {:?}: {key}", from.name);
        let kind = Kind::parse(&at("kind"), &from.kind)?;
        from.only_of_its_kind(kind)?;
        let (mut labels, mut key) = (from.labels(), from.key);
        let bedrock = (kind == Kind::Bedrock)
            .then(|| from.bedrock.resolve(&at, from.region.as_deref(), (&mut key, env)))
            .transpose()?;
        let azure = (kind == Kind::Azure).then(|| from.azure.resolve(&at)).transpose()?;
        let url = from.url.or_else(|| bedrock.as_ref().map(Bedrock::endpoint));
        let url = url.ok_or_else(|| ConfigError::new(format!("{}: say where it is", at("url"))))?;
        let url = parse_url(&at("url"), base(kind, &url))?;
        let inside = from.trusted || url.host().is_some_and(is_private);
        let identity_headers = match &from.identity_headers {
            Some(text) => IdentityHeaders::parse(&at("identity_headers"), text)?,
            None if inside => IdentityHeaders::Full,
            None => IdentityHeaders::None,
        };
        labels.region = labels.region.or_else(|| Some((&*bedrock.as_ref()?.region).into()));
        let retention = Retention::resolve(&at("retention"), from.retention.as_deref(), &url)?;
        let dialects = dialects(&at("dialects"), kind, from.dialects.as_deref())?;
        Ok(Self {
            kind,
            key: key.map(|key| key.read(&at("key"), env)).transpose()?,
            bedrock,
            azure,
            reach: from.reach.resolve(&at, &url, env)?,
            url,
            responses: responses(&at("responses"), from.responses, &dialects)?,
            dialects,
            labels: Arc::new(labels),
            identity_headers,
            inside,
            timeouts: timeouts(&from.timeout),
            unsupported: Unsupported::default(),
            max_in_flight: at_least_one(&at("max_in_flight"), from.max_in_flight)?,
            retention,
            breaker: breaker::resolve(&at("breaker"), from.breaker.as_ref())?,
            probe: probe::resolve(&at("probe"), kind, from.probe.as_ref())?,
            name: from.name.into(),
        })
    }

    /// Whether it speaks `dialect`.
    #[must_use]
    pub fn speaks(&self, dialect: Dialect) -> bool {
        self.dialects.contains(&dialect)
    }

    /// Whether it has `api`, so that a call of it passes as it is.
    #[must_use]
    pub fn takes(&self, api: Api) -> bool {
        self.speaks(api.dialect()) && (api != Api::OpenAiResponses || self.responses)
    }
}

/// What operations are put behind. People paste the base URL that their client program wants.
fn base(kind: Kind, url: &str) -> &str {
    let url = url.trim_end_matches('/');
    let own = if kind == Kind::Azure { "/openai/v1" } else { "/v1" };
    let url = url.strip_suffix(own).unwrap_or(url);
    if kind == Kind::Azure { url.strip_suffix("/openai").unwrap_or(url) } else { url }
}

impl file::Upstream {
    /// What is known of it.
    fn labels(&self) -> Labels {
        let mut labels = Labels::default();
        labels.trusted = self.trusted;
        labels.zero_retention = self.zero_retention;
        labels.trains_on_data = self.trains_on_data;
        labels.region = self.region.as_deref().map(Into::into);
        labels
    }

    /// A setting that is of no use here was meant for something.
    fn only_of_its_kind(&self, kind: Kind) -> Result<(), ConfigError> {
        let wrong = |what: &str| ConfigError::new(format!("upstream {:?}: {what}", self.name));
        if kind != Kind::Bedrock && !self.bedrock.is_empty() {
            return Err(wrong("access_key, secret_key, session_token and guardrail are for kind bedrock"));
        }
        if kind != Kind::Azure && !self.azure.is_empty() {
            return Err(wrong("api_version and auth are for kind azure"));
        }
        if kind == Kind::Bedrock && self.dialects.is_some() {
            return Err(wrong("dialects: kind bedrock speaks Converse and nothing else"));
        }
        if kind == Kind::Bedrock && self.timeout.drain.is_some() {
            return Err(wrong(
                "timeout.drain: not for kind bedrock, whose streams tell their usage in another form",
            ));
        }
        Ok(())
    }
}

fn dialects(key: &str, kind: Kind, names: Option<&[String]>) -> Result<Vec<Dialect>, ConfigError> {
    let Some(names) = names else { return Ok(kind.dialects()) };
    names
        .iter()
        .map(|name| match name.as_str() {
            "openai" => Ok(Dialect::OpenAi),
            "anthropic" => Ok(Dialect::Anthropic),
            "ollama" => Ok(Dialect::Ollama),
            _ => Err(ConfigError::new(format!("{key}: {name:?} is not one of openai, anthropic, ollama"))),
        })
        .collect()
}

fn responses(key: &str, said: Option<bool>, dialects: &[Dialect]) -> Result<bool, ConfigError> {
    if said.is_some() && !dialects.contains(&Dialect::OpenAi) {
        return Err(ConfigError::new(format!("{key}: only for an upstream that speaks OpenAI's interface")));
    }
    Ok(said.unwrap_or(true))
}

fn at_least_one(key: &str, most: Option<usize>) -> Result<Option<usize>, ConfigError> {
    if most == Some(0) { Err(ConfigError::new(format!("{key}: at least 1"))) } else { Ok(most) }
}

fn timeouts(from: &file::Timeout) -> Timeouts {
    let default = Timeouts::default();
    Timeouts {
        connect: from.connect.map_or(default.connect, |span| span.0),
        first_byte: from.first_byte.map_or(default.first_byte, |span| span.0),
        idle: from.idle.map_or(default.idle, |span| span.0),
        total: from.total.map_or(default.total, |span| span.0),
        drain: from.drain.map_or(default.drain, |span| span.0),
    }
}

/// An `http` or `https` URL with a host, without credentials, query or fragment.
pub(super) fn parse_url(key: &str, text: &str) -> Result<Uri, ConfigError> {
    let wrong = |why: &str| ConfigError::new(format!("{key}: {text:?} {why}"));
    let url: Uri = text.trim_end_matches('/').parse().map_err(|_| wrong("is not a URL"))?;
    if !matches!(url.scheme_str(), Some("http" | "https")) || url.host().is_none_or(str::is_empty) {
        return Err(wrong("is not a URL like http://localhost:11434"));
    }
    if url.authority().is_some_and(|authority| authority.as_str().contains('@')) {
        return Err(ConfigError::new(format!("{key}: a URL must not hold credentials; use the key setting")));
    }
    if url.query().is_some() {
        return Err(wrong("must not have a query"));
    }
    Ok(url)
}

/// Whether a host is a loopback or private address, so that what is sent there stays inside.
fn is_private(host: &str) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    match host.parse() {
        Ok(std::net::IpAddr::V4(v4)) => v4.is_loopback() || v4.is_private() || v4.is_link_local(),
        Ok(std::net::IpAddr::V6(v6)) => {
            v6.is_loopback() || v6.is_unique_local() || v6.is_unicast_link_local()
        }
        Err(_) => host.eq_ignore_ascii_case("localhost"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_with_a_password_is_refused_without_showing_it() {
        let error = parse_url("url", "https://me:hunter2@host").unwrap_err().to_string();
        assert!(!error.contains("hunter2"));
    }

    #[test]
    fn a_part_of_openais_interface_is_said_of_who_speaks_it() {
        let upstream = |settings: &str| {
            let text = format!("name = 'one'\nurl = 'http://127.0.0.1:1'\n{settings}");
            Upstream::resolve(toml::from_str(&text).expect("a table"), &|_| None)
        };
        let takes = |settings| {
            let upstream = upstream(settings).expect("an upstream");
            [Api::OpenAiChat, Api::OpenAiResponses, Api::OllamaChat].map(|api| upstream.takes(api))
        };
        assert_eq!(takes("kind = 'openai'"), [true, true, false]);
        assert_eq!(takes("kind = 'openai'\nresponses = false"), [true, false, false]);
        assert_eq!(takes("kind = 'ollama'\nresponses = false"), [true, false, true]);
        let error = upstream("kind = 'anthropic'\nresponses = false").expect_err("refused").to_string();
        assert!(error.contains("\"one\": responses: only for"), "{error}");
    }

    #[test]
    fn loopback_and_private_addresses_are_inside() {
        for host in ["127.0.0.1", "localhost", "10.1.2.3", "192.168.1.1", "[::1]", "[fd00::1]"] {
            assert!(is_private(host), "{host}");
        }
        for host in ["8.8.8.8", "api.openai.com", "localhost.example.com", "172.32.0.1"] {
            assert!(!is_private(host), "{host}");
        }
    }
}
