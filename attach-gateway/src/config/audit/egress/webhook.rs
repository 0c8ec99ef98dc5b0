use std::fmt;
use std::path::PathBuf;

use attach_core::client::Client;
use serde::Deserialize;

use super::{Env, client, url, wrong};
use crate::config::secret::SecretRef;
use crate::config::{ConfigError, Secret};

/// Somebody's own receiver.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Webhook {
    /// Where records are posted; it may hold a secret.
    pub url: Secret,
    /// What they are signed with.
    pub key: Option<Secret>,
    /// What asks it.
    pub client: Client,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Written {
    url: String,
    key: Option<SecretRef>,
    ca: Option<PathBuf>,
}

impl Written {
    pub(super) fn resolve(self, env: Env<'_>) -> Result<Webhook, ConfigError> {
        url(&self.url)?;
        let key = self.key.as_ref().map(|key| key.read("audit.egress.key", env)).transpose()?;
        let url = Secret::new(&self.url).ok_or_else(|| wrong("url: is empty"))?;
        Ok(Webhook { url, key, client: client(self.ca)? })
    }
}

/// By its host only: the rest of a webhook's URL may be what shows it who asks.
impl fmt::Display for Webhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let url = self.url.expose().parse::<http::Uri>().ok();
        let host = url.as_ref().and_then(http::Uri::host).unwrap_or("no host");
        let signed = if self.key.is_some() { "signed" } else { "not signed" };
        write!(f, "a webhook at {host}, {signed}")
    }
}
