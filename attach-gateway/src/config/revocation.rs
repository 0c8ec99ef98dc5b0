use std::time::Duration;

use attach_auth::signals::SignalSecret;
use serde::Deserialize;

use super::ConfigError;
use super::secret::SecretRef;
use super::units::Span;

/// What takes rights away, and how fast.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Revocation {
    /// Directories that provision by SCIM.
    pub scim: Vec<Scim>,
    /// OAuth clients whose logout tokens are taken (OpenID Connect Back-Channel Logout): those of every client of the
    /// issuers if the list is empty, nobody's if there is none.
    pub backchannel_logout: Option<Vec<String>>,
    /// Okta organisations that send Universal Logout.
    pub universal_logout: Vec<UniversalLogout>,
    /// Transmitters of security events (RFC 8935).
    pub security_events: Vec<SecurityEvents>,
    /// How long facts are relied on while their store is down.
    pub stale: Duration,
    /// How long a running stream may outlive its token.
    pub max_stream_past_exp: Duration,
}

/// A directory that provisions by SCIM 2.0.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Scim {
    /// Whose people it provisions.
    pub directory: String,
    /// What it shows; two while it is being rotated.
    pub secrets: Vec<SignalSecret>,
    /// Whether the groups it provisions count beside those of a caller's token. It takes rights away in any case.
    pub may_grant: bool,
}

/// An Okta organisation that sends Universal Logout.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct UniversalLogout {
    /// Whose people it logs out.
    pub directory: String,
    /// The organisation's own issuer, which signs the requests.
    pub issuer: String,
    /// What Okta calls this service: the `sub` of its requests; not looked at unless set.
    pub client_id: Option<String>,
}

/// A transmitter of security event tokens.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct SecurityEvents {
    /// Whose people the events are about.
    pub directory: String,
    /// The transmitter's issuer, which signs them.
    pub issuer: String,
    /// The audience they are for.
    pub audience: String,
}

/// `[revocation]` as it is written.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct File {
    scim: Option<OneOrMany<ScimFile>>,
    backchannel_logout: Option<Switch>,
    universal_logout: Option<OneOrMany<UniversalLogoutFile>>,
    security_events: Option<OneOrMany<SecurityEventsFile>>,
    stale: Option<Span>,
    max_stream_past_exp: Option<Span>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum OneOrMany<T> {
    One(T),
    Many(Vec<T>),
}

/// `true`, or the clients that are meant.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Switch {
    On(bool),
    Clients { client_ids: Vec<String> },
}

#[derive(Debug, Deserialize)]
struct ScimFile {
    directory: Option<String>,
    token: SecretRef,
    previous_token: Option<SecretRef>,
    #[serde(default)]
    may_grant: bool,
}

#[derive(Debug, Deserialize)]
struct UniversalLogoutFile {
    directory: Option<String>,
    issuer: Option<String>,
    client_id: Option<String>,
}

#[derive(Debug, Deserialize)]
struct SecurityEventsFile {
    directory: Option<String>,
    issuer: String,
    audience: String,
}

impl<T> OneOrMany<T> {
    fn into_vec(self) -> Vec<T> {
        match self {
            Self::One(one) => vec![one],
            Self::Many(many) => many,
        }
    }
}

fn listed<T>(from: Option<OneOrMany<T>>) -> Vec<T> {
    from.map(OneOrMany::into_vec).unwrap_or_default()
}

/// `issuers` are those of the callers' tokens.
pub(super) fn resolve(
    from: File,
    issuers: &[attach_auth::IssuerConfig],
    env: &dyn Fn(&str) -> Option<String>,
) -> Result<Revocation, ConfigError> {
    let whose = |key: &str, named: Option<String>| directory(key, named, issuers);
    let mut scim = Vec::new();
    for one in listed(from.scim) {
        let mut secrets = vec![secret("revocation.scim.token", &one.token, env)?];
        if let Some(previous) = &one.previous_token {
            secrets.push(secret("revocation.scim.previous_token", previous, env)?);
            if secrets.first() == secrets.last() {
                return Err(ConfigError::new("revocation.scim.previous_token: it is the same as token"));
            }
        }
        scim.push(Scim { directory: whose("scim", one.directory)?, secrets, may_grant: one.may_grant });
    }
    let mut universal_logout = Vec::new();
    for one in listed(from.universal_logout) {
        let directory = whose("universal_logout", one.directory)?;
        let issuer = one.issuer.or_else(|| organisation(&directory, issuers)).ok_or_else(|| {
            ConfigError::new(format!(
                "revocation.universal_logout: name the Okta issuer of directory {directory:?}"
            ))
        })?;
        universal_logout.push(UniversalLogout { directory, issuer, client_id: one.client_id });
    }
    let mut security_events = Vec::new();
    for one in listed(from.security_events) {
        let directory = whose("security_events", one.directory)?;
        security_events.push(SecurityEvents { directory, issuer: one.issuer, audience: one.audience });
    }
    let names = universal_logout.iter().map(|one| one.issuer.as_str());
    once("universal_logout", names)?;
    once("security_events", security_events.iter().map(|one| one.issuer.as_str()))?;
    Ok(Revocation {
        scim,
        backchannel_logout: logout_clients(from.backchannel_logout, issuers),
        universal_logout,
        security_events,
        stale: from.stale.map_or(Duration::ZERO, |span| span.0),
        max_stream_past_exp: from.max_stream_past_exp.map_or(Duration::from_secs(300), |span| span.0),
    })
}

fn secret(
    key: &str,
    from: &SecretRef,
    env: &dyn Fn(&str) -> Option<String>,
) -> Result<SignalSecret, ConfigError> {
    let text = from.read(key, env)?;
    SignalSecret::of_text(text.expose()).map_err(|why| ConfigError::new(format!("{key}: {why}")))
}

/// Whoever signs speaks for one directory: which one is told by the issuer alone.
fn once<'a>(key: &str, issuers: impl Iterator<Item = &'a str>) -> Result<(), ConfigError> {
    let mut seen = std::collections::BTreeSet::new();
    let mut issuers = issuers;
    match issuers.find(|issuer| !seen.insert(*issuer)) {
        None => Ok(()),
        Some(issuer) => Err(ConfigError::new(format!("revocation.{key}: {issuer} is there twice"))),
    }
}

/// A logout token is for a client; a service that takes tokens of any client takes logouts of any.
fn logout_clients(from: Option<Switch>, issuers: &[attach_auth::IssuerConfig]) -> Option<Vec<String>> {
    match from {
        None | Some(Switch::On(false)) => None,
        Some(Switch::Clients { client_ids }) => Some(client_ids),
        Some(Switch::On(true)) => {
            let clients = issuers.iter().flat_map(attach_auth::IssuerConfig::clients);
            Some(clients.map(str::to_owned).collect())
        }
    }
}

/// Okta signs these requests in the name of the organisation, whatever authorization server signs the tokens.
fn organisation(directory: &str, issuers: &[attach_auth::IssuerConfig]) -> Option<String> {
    let issuer = issuers.iter().find(|issuer| *issuer.directory_name() == *directory)?.issuer();
    let host = issuer.split_once("/oauth2/").map_or(issuer, |(host, _)| host);
    Some(host.to_owned())
}

/// A signal speaks for one directory: the one that is named, or the only one there is.
fn directory(
    key: &str,
    named: Option<String>,
    issuers: &[attach_auth::IssuerConfig],
) -> Result<String, ConfigError> {
    let mut known: Vec<String> = issuers.iter().map(|issuer| issuer.directory_name().to_string()).collect();
    known.sort();
    known.dedup();
    match (named, known.as_slice()) {
        (Some(named), _) if known.contains(&named) => Ok(named),
        (Some(named), _) => Err(ConfigError::new(format!(
            "revocation.{key}: there is no directory {named:?}; there is {}",
            known.join(", ")
        ))),
        (None, [only]) => Ok(only.clone()),
        (None, _) => Err(ConfigError::new(format!(
            "revocation.{key}: name the directory it speaks for: {}",
            known.join(", ")
        ))),
    }
}
