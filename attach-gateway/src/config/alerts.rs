use serde::Deserialize;

use super::secret::SecretRef;
use super::{ConfigError, Secret};

/// Who is told when budgets come to their end.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Alerts {
    /// Where word is sent; it may hold a secret.
    pub url: Secret,
    /// What it is signed with.
    pub key: Option<Secret>,
    /// At which shares of a budget, in hundredths.
    pub quota_used: Vec<u8>,
}

/// `[alerts]` as it is written.
#[derive(Debug, Deserialize)]
pub(super) struct File {
    url: SecretRef,
    key: Option<SecretRef>,
    #[serde(default = "shares")]
    quota_used: Vec<u8>,
}

fn shares() -> Vec<u8> {
    vec![80, 100]
}

pub(super) fn resolve(file: &File, env: &dyn Fn(&str) -> Option<String>) -> Result<Alerts, ConfigError> {
    let wrong = |why: &str| Err(ConfigError::new(format!("alerts.{why}")));
    let url = file.url.read("alerts.url", env)?;
    let parsed = url.expose().parse::<http::Uri>().ok();
    if !parsed.is_some_and(|url| matches!(url.scheme_str(), Some("https" | "http")) && url.host().is_some()) {
        return wrong("url: is no http or https URL");
    }
    if file.quota_used.is_empty() || file.quota_used.iter().any(|percent| !(1..=100).contains(percent)) {
        return wrong("quota_used: write hundredths of a budget between 1 and 100, as in [80, 100]");
    }
    let key = file.key.as_ref().map(|key| key.read("alerts.key", env)).transpose()?;
    Ok(Alerts { url, key, quota_used: file.quota_used.clone() })
}
