use std::path::Path;
use std::sync::Arc;

use attach_auth::jws::Algorithm;
use attach_auth::oidc::Introspection;
use attach_auth::{IssuerConfig, Preset};
use attach_core::client::Client;
use sha2::{Digest, Sha256};

use super::{ConfigError, file};
use crate::hex::hex;

type Env<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Reads one `[[issuer]]`; the identity crate knows what makes sense for each provider.
pub(super) fn resolve(from: &file::Issuer, env: Env<'_>) -> Result<IssuerConfig, ConfigError> {
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
    config = kinds_of_token(config, from, &at)?;
    if let Some(path) = &from.ca {
        config = trusting(config, path).map_err(|why| at(&why))?;
    }
    if let Some(introspection) = &from.introspection {
        config = config.introspection(asked(introspection, env, &at)?);
    }
    Ok(config
        .required_scopes(from.required_scopes.clone())
        .client_ids(from.client_ids.clone())
        .allowed_groups(from.allowed_groups.clone()))
}

type At<'a> = &'a dyn Fn(&dyn std::fmt::Display) -> ConfigError;

/// Which tokens are looked at.
fn kinds_of_token(
    mut config: IssuerConfig,
    from: &file::Issuer,
    at: At<'_>,
) -> Result<IssuerConfig, ConfigError> {
    if let Some(names) = &from.algorithms {
        let algorithms = names.iter().map(|name| name.parse::<Algorithm>());
        let algorithms = algorithms.collect::<Result<Vec<_>, _>>().map_err(|_| {
            let known = Algorithm::ALL.map(Algorithm::as_str).join(", ");
            at(&format_args!("algorithms: one of {names:?} is none that can be accepted; these can: {known}"))
        })?;
        config = config.algorithms(algorithms);
    }
    match from.typ.as_deref() {
        None => {}
        Some("at+jwt") => config = config.require_at_jwt(true),
        Some("any") => config = config.require_at_jwt(false),
        Some(other) => return Err(at(&format_args!("typ: {other:?} is neither \"at+jwt\" nor \"any\""))),
    }
    if let Some(accept) = from.accept_id_tokens {
        config = config.accept_id_tokens(accept);
    }
    Ok(config)
}

/// The issuer is believed by certificates of its own authority.
fn trusting(config: IssuerConfig, path: &Path) -> Result<IssuerConfig, String> {
    let wrong = |error: std::io::Error| format!("ca: {}: {error}", path.display());
    let pem = std::fs::read(path).map_err(wrong)?;
    let client = Client::with_roots(&pem).map_err(wrong)?;
    let digest = hex(&Sha256::digest(&pem));
    let what = format!("ca {} (sha256 {})", path.display(), &digest[..16]);
    Ok(config.fetch(what, Arc::new(client)))
}

fn asked(from: &file::Introspection, env: Env<'_>, at: At<'_>) -> Result<Introspection, ConfigError> {
    if from.client_id.is_empty() {
        return Err(at(&"introspection.client_id: is empty"));
    }
    let secret = from.client_secret.read("issuer.introspection.client_secret", env)?;
    let mut introspection = Introspection::new(from.client_id.as_str(), secret.expose())
        .every_token(from.every_token)
        .accept_missing_audience(from.accept_missing_audience)
        .accept_missing_type(from.accept_missing_type);
    if let Some(url) = &from.endpoint {
        introspection = introspection.endpoint(url).map_err(|why| at(&why))?;
    }
    Ok(introspection)
}
