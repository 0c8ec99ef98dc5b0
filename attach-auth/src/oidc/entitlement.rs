//! A token for this service is not yet a right to use it.

use attach_core::Identity;
use attach_core::json::Value;

use super::config::IssuerConfig;
use super::person::has_too_many_groups;
use crate::Denial;
use crate::notice::Notice;

/// What the log says about an issuer's tokens, each at most once a minute.
#[derive(Debug, Default)]
pub(super) struct Notices {
    audience: Notice,
    group: Notice,
}

impl Notices {
    /// The signature was good, so this is a matter of configuration and not an attack.
    pub(super) fn wrong_audience(&self, claims: Value<'_>, config: &IssuerConfig) {
        self.audience.at_most_each_minute(|| {
            let received = claims.get("aud").map_or_else(|| "none".to_owned(), shown);
            tracing::warn!(
                issuer = %config.issuer,
                configured = ?config.audiences,
                received,
                docs = "docs/troubleshooting.md#wrong_audience",
                "a token of this issuer is for another audience"
            );
        });
    }

    fn lacks_group(&self, identity: &Identity, config: &IssuerConfig) {
        self.group.at_most_each_minute(|| {
            let received: Vec<&str> = identity.groups.iter().take(50).map(|group| &*group.name).collect();
            let claims: Vec<String> = config.groups.iter().map(ToString::to_string).collect();
            tracing::warn!(
                issuer = %config.issuer,
                configured = ?config.allowed_groups,
                ?received,
                ?claims,
                docs = "docs/troubleshooting.md#group_not_allowed",
                "a token of this issuer has none of the allowed groups"
            );
        });
    }
}

/// A claim for the log: one line, bounded.
fn shown(value: Value<'_>) -> String {
    String::from_utf8_lossy(value.raw()).chars().filter(|c| !c.is_control()).take(256).collect()
}

/// Scopes, clients, domains and groups that the issuer's configuration asks for.
pub(super) fn check(
    identity: &Identity,
    claims: Value<'_>,
    config: &IssuerConfig,
    notices: &Notices,
) -> Result<(), Denial> {
    if config.required_scopes.iter().any(|scope| !identity.scopes.contains(scope)) {
        return Err(Denial::insufficient_scope(config.required_scopes.join(" ")).with_reason("scope"));
    }
    let client = identity.client_id.as_deref();
    if !config.client_ids.is_empty() && !config.client_ids.iter().any(|known| client == Some(&**known)) {
        return Err(Denial::forbidden("client_not_allowed").with_reason("client"));
    }
    let domain = claims.get("hd").and_then(Value::as_str);
    let ours = |known: &str| domain.as_deref().is_some_and(|domain| domain.eq_ignore_ascii_case(known));
    if !config.hosted_domains.is_empty() && !config.hosted_domains.iter().any(|known| ours(known)) {
        return Err(Denial::forbidden("domain_not_allowed").with_reason("hd"));
    }
    check_groups(identity, claims, config, notices)
}

fn check_groups(
    identity: &Identity,
    claims: Value<'_>,
    config: &IssuerConfig,
    notices: &Notices,
) -> Result<(), Denial> {
    if has_too_many_groups(claims, &config.groups) {
        // Without the list a caller would count as one without groups, and some rules deny by group.
        return Err(Denial::forbidden("groups_overage").with_message(
            "the token leaves your groups out because there are too many; have the provider send application \
             roles, or only the groups assigned to the application",
        ));
    }
    if config.allowed_groups.is_empty() || config.allowed_groups.iter().any(|group| identity.is_member(group))
    {
        return Ok(());
    }
    notices.lacks_group(identity, config);
    Err(Denial::forbidden("group_not_allowed").with_reason("group"))
}
