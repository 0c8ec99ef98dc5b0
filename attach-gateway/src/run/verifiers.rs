//! Who says whose a token is.

use std::sync::Arc;

use attach_auth::dpop::Dpop;
use attach_auth::oidc::KeyFiles;
use attach_auth::{IssuerConfig, OidcVerifier};
use attach_core::Fetch;
use attach_core::client::Client;
use http::Uri;

use super::StartError;
use super::error::config_error;
use crate::config::{Config, Host};
use crate::rights::Rights;
use crate::state::StateDir;

/// What fetches keys and metadata.
pub(crate) fn fetch() -> Result<Arc<dyn Fetch>, StartError> {
    Ok(Arc::new(Client::new().map_err(|e| StartError::Io("TLS", e))?))
}

/// The verifier `config` describes; nothing is fetched yet.
pub(crate) fn verifier(config: &Config, fetch: &Arc<dyn Fetch>) -> Result<OidcVerifier, StartError> {
    OidcVerifier::new(config.issuers.clone(), Arc::clone(fetch)).map_err(config_error)
}

/// The same as it is at `host`.
pub(crate) fn verifier_at(
    config: &Config,
    fetch: &Arc<dyn Fetch>,
    host: Option<&Host>,
) -> Result<OidcVerifier, StartError> {
    let issuers = super::hosts::issuers(config, host).cloned().collect();
    OidcVerifier::new(issuers, Arc::clone(fetch)).map_err(config_error)
}

/// Keeps key sets on disk, for a start while an issuer is away.
pub(super) fn remembering(verifier: OidcVerifier, state: &StateDir) -> Result<OidcVerifier, StartError> {
    let jwks = state.folder("jwks").map_err(|e| StartError::Io("jwks folder", e))?;
    Ok(verifier.key_files(KeyFiles::new(jwks)))
}

/// Takes tokens that are bound to a key, if the gateway knows its own address, which their proofs are for.
pub(super) fn with_proofs(
    verifier: OidcVerifier,
    config: &Config,
    rights: &Rights,
) -> Result<OidcVerifier, StartError> {
    Ok(match proofs(config, rights)? {
        Some(dpop) => verifier.dpop(dpop),
        None => verifier,
    })
}

/// The same after `before`, whose address may have been another. At the same address what was shown once is not taken
/// again.
pub(super) fn with_other_proofs(
    verifier: OidcVerifier,
    (before, config): (&Config, &Config),
    rights: &Rights,
) -> Result<OidcVerifier, StartError> {
    if own_url(before) == own_url(config) {
        return Ok(verifier);
    }
    Ok(verifier.with_proofs(proofs(config, rights)?))
}

/// What proofs are for, unless a host says otherwise.
fn own_url(config: &Config) -> Option<&Uri> {
    let of_host = || config.hosts.first().map(|host| &host.external_url);
    config.server.external_url.as_ref().or_else(of_host)
}

fn proofs(config: &Config, rights: &Rights) -> Result<Option<Dpop>, StartError> {
    let Some(url) = own_url(config) else { return Ok(None) };
    let dpop = Dpop::new(&url.to_string()).map_err(config_error)?;
    Ok(Some(dpop.state(rights.state.clone())))
}

/// Of the same issuers, for administrators, if they come by tokens; with the keys that `before` has.
pub(super) fn of_admins(
    config: &Config,
    fetch: &Arc<dyn Fetch>,
    before: Option<&OidcVerifier>,
) -> Result<Option<OidcVerifier>, StartError> {
    let Some(audience) = config.admin.as_ref().and_then(|admin| admin.audience.as_ref()) else {
        return Ok(None);
    };
    let issuers: Vec<IssuerConfig> =
        config.issuers.iter().cloned().map(|issuer| issuer.for_audiences([audience.clone()])).collect();
    let verifier = match before {
        Some(before) => before.reconfigured(issuers),
        None => OidcVerifier::new(issuers, Arc::clone(fetch)),
    };
    verifier.map(Some).map_err(config_error)
}
