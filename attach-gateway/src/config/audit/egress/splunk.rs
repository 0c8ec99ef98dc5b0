use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use attach_core::client::Client;
use serde::Deserialize;

use super::{Env, client, url, wrong};
use crate::config::secret::SecretRef;
use crate::config::units::Span;
use crate::config::{ConfigError, Secret};

/// How long indexers may take to acknowledge, unless set.
const ACKNOWLEDGED: Duration = Duration::from_secs(60);

/// Splunk's HTTP Event Collector.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct SplunkHec {
    /// The collector, without `/services/collector`.
    pub url: String,
    /// The token.
    pub token: Secret,
    /// The index; else the token's own.
    pub index: Option<String>,
    /// How long indexers may take to acknowledge, if they are waited for.
    pub ack: Option<Duration>,
    /// What asks it.
    pub client: Client,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Written {
    url: String,
    token: SecretRef,
    index: Option<String>,
    #[serde(default)]
    ack: bool,
    ack_deadline: Option<Span>,
    ca: Option<PathBuf>,
}

impl Written {
    pub(super) fn resolve(self, env: Env<'_>) -> Result<SplunkHec, ConfigError> {
        url(&self.url)?;
        let deadline = self.ack_deadline.as_ref().map(|span| span.0);
        if deadline.is_some_and(|deadline| !self.ack || deadline < Duration::from_secs(1)) {
            return Err(wrong("ack_deadline: a second at least, and ack = true"));
        }
        let token = self.token.read("audit.egress.token", env)?;
        if token.expose().bytes().any(|byte| !byte.is_ascii_graphic()) {
            return Err(wrong("token: has a space, a line end or something else in it that no token has"));
        }
        Ok(SplunkHec {
            token,
            index: self.index,
            ack: self.ack.then(|| deadline.unwrap_or(ACKNOWLEDGED)),
            client: client(self.ca)?,
            url: self.url,
        })
    }
}

impl fmt::Display for SplunkHec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Splunk HEC at {}", self.url)?;
        if let Some(index) = &self.index {
            write!(f, ", index {index}")?;
        }
        if self.ack.is_some() { f.write_str(", indexer acknowledgement") } else { Ok(()) }
    }
}
