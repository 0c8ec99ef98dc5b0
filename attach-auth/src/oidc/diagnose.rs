//! The commonest mistakes, each told in a sentence, at start where they can be seen there.

use std::collections::BTreeSet;

use super::config::IssuerConfig;
use super::introspection::Introspection;
use super::preset::Preset;
use super::url;
use crate::ConfigError;

const OKTA_HOSTS: [&str; 4] = [".okta.com", ".oktapreview.com", ".okta-emea.com", ".okta-gov.com"];

/// What an issuer's name alone gives away.
pub(super) fn issuer(preset: Preset, issuer: &str) -> Result<(), ConfigError> {
    let uri = url::checked("issuer", issuer)?;
    let (host, path) = (url::host(&uri), uri.path());
    let no = |message: String| Err(ConfigError::new(message));
    match preset {
        Preset::Okta if host.contains("-admin.okta") => {
            no(format!("issuer `{issuer}` is the address of the admin console; leave out `-admin`"))
        }
        Preset::Okta if path != "/" && path.ends_with('/') => {
            no(format!("Okta's issuers end without a slash; write `{}`", issuer.trim_end_matches('/')))
        }
        Preset::Auth0 if host.ends_with(".auth0.com") && !issuer.ends_with('/') => {
            no(format!("Auth0's issuers end with a slash; write `{issuer}/`"))
        }
        Preset::Entra if shared_tenant(path) => no(format!(
            "issuer `{issuer}` stands for every organisation that uses Entra, and no token names it; \
             write your own tenant, `https://login.microsoftonline.com/<tenant id>/v2.0`"
        )),
        Preset::Keycloak if path.contains("/realms/") && path.ends_with('/') => {
            no(format!("Keycloak's issuers end without a slash; write `{}`", issuer.trim_end_matches('/')))
        }
        _ => Ok(()),
    }
}

fn shared_tenant(path: &str) -> bool {
    path.split('/').any(|step| matches!(step, "common" | "organizations" | "consumers"))
}

pub(super) fn audiences(preset: Preset, audiences: &[String]) -> Result<(), ConfigError> {
    if audiences.iter().any(|audience| !audience.trim().is_empty())
        && !audiences.iter().any(|a| a.trim().is_empty())
    {
        return Ok(());
    }
    let hint = match preset {
        Preset::Okta => "the audience of the authorization server, `api://default` unless changed",
        Preset::Auth0 => "the identifier of the API",
        Preset::Entra => "the application id of the API",
        Preset::Keycloak => "the client id of the API, which an audience mapper has to add to tokens",
        Preset::Google => "the OAuth client id",
        Preset::Generic => "what the provider writes into `aud` of tokens for this service",
    };
    Err(ConfigError::new(format!("a token for anybody is a token for nobody: set the audience ({hint})")))
}

/// What only the whole configuration of an issuer shows.
pub(super) fn config(config: &IssuerConfig) -> Result<(), ConfigError> {
    okta_organisation(config)?;
    if config.preset == Preset::Google && config.hosted_domains.is_empty() {
        return Err(ConfigError::new(
            "Google signs in anybody with an account: set the hosted domain (`hd`) whose people may come in",
        ));
    }
    if config.algorithms.is_empty() {
        return Err(ConfigError::new(format!(
            "issuer `{}` has no algorithm that is accepted",
            config.issuer
        )));
    }
    Ok(())
}

/// An Okta organisation's own tokens: opaque by contract, whatever they look like.
fn okta_organisation(config: &IssuerConfig) -> Result<(), ConfigError> {
    if !is_okta_organisation(config) || config.accept_id_tokens != config.introspection.is_some() {
        return Ok(());
    }
    let issuer = &config.issuer;
    Err(ConfigError::new(if config.accept_id_tokens {
        format!(
            "issuer `{issuer}` is an Okta organisation itself: accept its ID tokens or introspect, not both"
        )
    } else {
        format!(
            "issuer `{issuer}` is an Okta organisation itself, whose access tokens only Okta can check; use an \
             authorization server, as in `{}/oauth2/default`, configure introspection, or accept ID tokens",
            issuer.trim_end_matches('/'),
        )
    }))
}

/// Whether the issuer is an Okta organisation and none of its authorization servers.
pub(super) fn is_okta_organisation(config: &IssuerConfig) -> bool {
    let Ok(uri) = url::checked("issuer", &config.issuer) else {
        return false;
    };
    let okta = config.preset == Preset::Okta || OKTA_HOSTS.iter().any(|host| url::host(&uri).ends_with(host));
    okta && uri.path() == "/" && !url::is_loopback(&uri)
}

/// A token is shown to its own provider only, and an opaque one does not say whose it is.
fn one_reader(configs: &[IssuerConfig]) -> Result<(), ConfigError> {
    let mut readers = configs.iter().filter(|config| config.takes_opaque());
    match (readers.next(), readers.next()) {
        (Some(one), Some(other)) => Err(ConfigError::new(format!(
            "`{}` and `{}` both have introspection: nobody could tell whose an opaque token is, and it must not be \
             shown to the other; leave introspection out of one",
            one.issuer, other.issuer
        ))),
        _ => Ok(()),
    }
}

/// What the issuers are only together.
pub(super) fn configs(configs: &[IssuerConfig]) -> Result<(), ConfigError> {
    if configs.is_empty() {
        return Err(ConfigError::new("no issuer of tokens is configured"));
    }
    one_reader(configs)?;
    let (mut issuers, mut hosts) = (BTreeSet::new(), BTreeSet::new());
    for config in configs {
        self::config(config)?;
        if !issuers.insert(&config.issuer) {
            return Err(ConfigError::new(format!("issuer `{}` is configured twice", config.issuer)));
        }
        let shared = config.preset.habits().shared_host && config.directory.is_none();
        if shared && !hosts.insert(default_directory(config)) {
            return Err(ConfigError::new(format!(
                "issuer `{}` is not the only one on its host, where organisations live side by side: give each \
                 its `directory`",
                config.issuer
            )));
        }
    }
    Ok(())
}

/// The issuer's host.
pub(super) fn default_directory(config: &IssuerConfig) -> String {
    url::checked("issuer", &config.issuer).map(|uri| url::host(&uri).to_owned()).unwrap_or_default()
}

/// What works, but hardly is what somebody wants.
pub(super) fn warnings(config: &IssuerConfig) -> Vec<String> {
    let mut warnings = Vec::new();
    let open = !config.entitled_elsewhere
        && config.required_scopes.is_empty()
        && config.client_ids.is_empty()
        && config.allowed_groups.is_empty()
        && config.hosted_domains.is_empty();
    if open {
        warnings.push(format!(
            "every token of `{}` for this audience is accepted: required scopes, client ids or allowed groups \
             would say who is entitled",
            config.issuer
        ));
    }
    if let Some(what) = config.introspection.as_ref().and_then(Introspection::warning) {
        warnings.push(format!("introspection of `{}`: {what}", config.issuer));
    }
    if config.development {
        warnings.push(format!("`{}` may be a development issuer: anybody can be anybody", config.issuer));
    }
    warnings
}
