use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::error::LoginError;
use crate::hex::hex;

/// Google's issuer: its access tokens cannot be verified by anybody else, and it has ways of its own to ask for a
/// refresh token.
const GOOGLE: &str = "https://accounts.google.com";

/// Who asks whom for what: the key of a login, and all that is needed to ask again. Holds no secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Registration {
    /// The provider, letter for letter as it names itself.
    pub(super) issuer: String,
    /// The client that is registered there.
    pub(super) client_id: String,
    /// The variable that holds the client's secret, if it has one.
    pub(super) client_secret_env: Option<String>,
    /// The API, for providers that choose it by `audience`.
    pub(super) audience: Option<String>,
    /// The API, for providers that choose it by `resource` (RFC 8707).
    pub(super) resource: Option<String>,
    /// Whether the ID token is the one to show to the gateway, and not the access token.
    pub(super) id_token: bool,
}

impl Registration {
    pub(super) fn is_google(&self) -> bool {
        self.issuer == GOOGLE
    }

    /// The name of its file: a digest, because issuers and clients hold characters that names of files must not.
    pub(super) fn digest(&self) -> String {
        let parts =
            [Some(&self.issuer), Some(&self.client_id), self.audience.as_ref(), self.resource.as_ref()];
        let digest = parts.iter().fold(Sha256::new(), |digest, part| {
            let part = part.map_or("", |part| part.as_str());
            digest.chain_update((part.len() as u64).to_be_bytes()).chain_update(part)
        });
        hex(&digest.finalize()).chars().take(32).collect()
    }

    /// Parameters of ours for the authorization, token and refresh requests.
    pub(super) fn target(&self) -> Vec<(&'static str, String)> {
        let audience = self.audience.iter().map(|audience| ("audience", audience.clone()));
        let resource = self.resource.iter().map(|resource| ("resource", resource.clone()));
        audience.chain(resource).collect()
    }

    /// The client's secret, from the environment.
    pub(super) fn secret(&self) -> Result<Option<String>, LoginError> {
        let Some(name) = &self.client_secret_env else { return Ok(None) };
        match std::env::var(name) {
            Ok(secret) if !secret.is_empty() => Ok(Some(secret)),
            _ => Err(LoginError::Refused(format!(
                "the environment variable {name}, for the client's secret, is not set"
            ))),
        }
    }
}
