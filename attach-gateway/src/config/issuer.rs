use attach_auth::{IssuerConfig, Preset};

use super::{ConfigError, file};

/// Reads one `[[issuer]]`; the identity crate knows what makes sense for each provider.
pub(super) fn resolve(from: &file::Issuer) -> Result<IssuerConfig, ConfigError> {
    let at = |why: &dyn std::fmt::Display| ConfigError::new(format!("issuer {:?}: {why}", from.issuer));
    let preset: Preset = from.preset.parse().map_err(|why| at(&why))?;
    let mut config =
        IssuerConfig::new(preset, &from.issuer, from.audience.clone()).map_err(|why| at(&why))?;
    if let Some(directory) = &from.directory {
        config = config.directory(directory.as_str());
    }
    if let Some(claim) = &from.groups_claim {
        config = config.groups_claim(claim).map_err(|why| at(&why))?;
    }
    if let Some(leeway) = from.leeway {
        config = config.leeway(leeway.0);
    }
    if let Some(lifetime) = from.max_lifetime {
        config = config.max_lifetime(lifetime.0);
    }
    if let Some(uri) = &from.jwks_uri {
        config = config.jwks_uri(uri).map_err(|why| at(&why))?;
    }
    if let Some(domain) = &from.hosted_domain {
        config = config.hosted_domain(domain.as_str());
    }
    Ok(config
        .required_scopes(from.required_scopes.clone())
        .client_ids(from.client_ids.clone())
        .allowed_groups(from.allowed_groups.clone()))
}
