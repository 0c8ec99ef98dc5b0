//! From claims to the [`Identity`] they vouch for.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use attach_core::Identity;
use attach_core::identity::{Assurance, ClaimPath, Group, Kind, claim_texts as texts};
use attach_core::json::{Document, Value};

use super::config::IssuerConfig;
use super::preset::Preset;
use super::times::{Times, moment};
use crate::Denial;

/// Who the claims are about, in `directory`.
pub(super) fn identity(
    document: Document,
    config: &IssuerConfig,
    directory: &Arc<str>,
    times: Times,
) -> Result<Identity, Denial> {
    let claims = document.root();
    let habits = config.preset.habits();
    let client = first(claims, habits.client);
    let subject = text(claims, "sub")?.or_else(|| client.clone());
    let subject = subject.ok_or_else(|| Denial::invalid_token("malformed_token").with_reason("sub"))?;
    let kind = kind(claims, config.preset, &subject, client.as_deref());
    let mut identity = match kind {
        Kind::Service => Identity::service(Arc::clone(directory), Arc::clone(&subject)),
        _ => Identity::person(Arc::clone(directory), Arc::clone(&subject)),
    };
    identity.issuer = Arc::clone(&config.issuer);
    identity.id = first(claims, habits.id).unwrap_or(subject);
    identity.name = first(claims, &["name", "preferred_username"]);
    identity.email = first(claims, &["email"]);
    identity.user_name = first(claims, &["preferred_username", "upn", "unique_name", "login", "username"]);
    identity.groups = groups(claims, config, directory);
    identity.scopes = scopes(claims, config.preset, kind);
    identity.client_id = client;
    identity.session_id = first(claims, &["sid"]);
    identity.token_id = first(claims, &["jti", "uti"]);
    identity.assurance = assurance(claims);
    identity.issued_at = claims.get("iat").and_then(moment);
    identity.expires_at = UNIX_EPOCH.checked_add(Duration::from_secs(times.exp));
    identity.claims = Some(Arc::new(document));
    Ok(identity)
}

/// A claim that is a string with something in it, if it is there at all.
fn text(claims: Value<'_>, name: &str) -> Result<Option<Arc<str>>, Denial> {
    let Some(value) = claims.get(name) else {
        return Ok(None);
    };
    match value.as_str() {
        Some(text) if !text.is_empty() => Ok(Some(text.into())),
        _ => Err(Denial::invalid_token("malformed_token").with_reason("sub")),
    }
}

fn first(claims: Value<'_>, names: &[&str]) -> Option<Arc<str>> {
    let texts = names.iter().filter_map(|name| claims.get(name)?.as_str());
    texts.filter(|text| !text.is_empty()).map(Into::into).next()
}

/// Machines are told from people by what each provider's client credentials grant leaves in or out.
fn kind(claims: Value<'_>, preset: Preset, subject: &str, client: Option<&str>) -> Kind {
    let is =
        |name: &str, expected: &str| claims.get(name).and_then(Value::as_str).as_deref() == Some(expected);
    let lacks = |name: &str| claims.get(name).is_none();
    let machine = match preset {
        Preset::Okta => !lacks("cid") && lacks("uid"),
        Preset::Entra => is("idtyp", "app") || (lacks("scp") && is("oid", subject)),
        Preset::Keycloak => claims.get("preferred_username").and_then(Value::as_str).is_some_and(|name| {
            client.is_some_and(|client| name.strip_prefix("service-account-") == Some(client))
        }),
        Preset::Auth0 => subject.ends_with("@clients") || is("gty", "client-credentials"),
        Preset::Google | Preset::Generic => is("gty", "client-credentials"),
    };
    if machine || client == Some(subject) { Kind::Service } else { Kind::Person }
}

fn groups(claims: Value<'_>, config: &IssuerConfig, directory: &Arc<str>) -> BTreeSet<Group> {
    let listed = config.groups.iter().filter_map(|path| path.find(claims));
    let mut groups: BTreeSet<Group> =
        listed.flat_map(texts).map(|name| Group::new(Arc::clone(directory), name)).collect();
    if config.preset == Preset::Keycloak && !config.groups_configured {
        // Roles of a client count where that client is this service; another's `admin` is not ours.
        let roles = config
            .audiences
            .iter()
            .filter_map(|audience| claims.get("resource_access")?.get(audience)?.get("roles"));
        groups.extend(roles.flat_map(texts).map(|name| Group::new(Arc::clone(directory), name)));
    }
    groups
}

/// Okta writes an array, RFC 8693 §4.2 a string with single spaces, Entra what an application may do as roles.
fn scopes(claims: Value<'_>, preset: Preset, kind: Kind) -> BTreeSet<Box<str>> {
    let roles = (preset == Preset::Entra && kind == Kind::Service).then_some("roles");
    let names = preset.habits().scopes.iter().copied().chain(roles);
    let listed = names.filter_map(|name| claims.get(name)).flat_map(|value| match value.as_str() {
        Some(text) => text.split(' ').map(Into::into).collect(),
        None => texts(value),
    });
    let listed: Vec<Box<str>> = listed.collect();
    listed.into_iter().filter(|scope| !scope.is_empty()).collect()
}

fn assurance(claims: Value<'_>) -> Assurance {
    let mut assurance = Assurance::default();
    assurance.acr = claims.get("acr").and_then(Value::as_str).map(Into::into);
    assurance.amr = claims.get("amr").map(texts).unwrap_or_default();
    assurance.auth_time = claims.get("auth_time").and_then(moment);
    assurance
}

/// Whether the provider left a claim that groups are read from out, as Entra does where there are too many.
pub(super) fn has_too_many_groups(claims: Value<'_>, paths: &[ClaimPath]) -> bool {
    let elsewhere = claims.get("_claim_names");
    paths.iter().any(|path| {
        let marked = elsewhere.is_some_and(|names| names.get(path.claim()).is_some())
            || (path.claim() == "groups" && claims.get("hasgroups").and_then(Value::as_bool) == Some(true));
        marked && path.find(claims).is_none()
    })
}
