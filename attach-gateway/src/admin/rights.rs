use std::sync::Arc;

use attach_auth::keys::{AdminKeys, AdminServices};
use attach_auth::policy::{Ask, Live, Policy, Rule, Rules, reason};
use attach_core::exchange::Decision;
use attach_core::identity::Proof;
use attach_core::{Exchange, Identity, Rejection};
use http::request::Parts;
use http::{Method, StatusCode};

use super::local;
use crate::config::{Admin, ConfigError};

/// Which verb each path is about, and whether reading it is another.
const PATHS: [(&str, &str); 7] = [
    (super::audit::PATH, "audit"),
    (super::content::PATH, "content"),
    (super::revocations::PATH, "revocations"),
    (super::state::PATH, "state"),
    (super::quotas::PATH, "quotas"),
    (AdminKeys::PATH, "keys"),
    (AdminServices::PATH, "services"),
];

/// The roles of `admin` as rules over verbs.
pub(super) fn rules(admin: &Admin, directories: &[Arc<str>]) -> Result<Rules, ConfigError> {
    let wrong = |why: attach_auth::ConfigError| ConfigError::new(format!("admin.auth.groups: {why}"));
    let mut rules = Rules::deny_by_default().directories(directories.iter().cloned()).map_err(wrong)?;
    for (role, group) in &admin.roles {
        let id = format!("{}:{group}", role.as_str());
        let rule = Rule::new(id).groups([group.as_str()]).verbs(role.verbs().iter().copied());
        rules = rules.allow(rule).map_err(wrong)?;
    }
    Ok(rules)
}

/// Lets an administrator do what a role or a rule of `[access]` allows and no rule of `[access]` denies: by a token of
/// their own, or by what their own connection shows, and nothing less.
pub(super) fn check(
    roles: Rules,
    access: Live<Rules>,
) -> impl Fn(&Parts) -> Result<(), Rejection> + Send + Sync + 'static {
    move |parts| {
        let Some(identity) = parts.extensions.get::<Arc<Identity>>() else {
            return Err(Rejection::misconfigured("the admin listener found no identity"));
        };
        let verb = verb(&parts.method, parts.uri.path()).ok_or_else(|| {
            Rejection::new(StatusCode::NOT_FOUND, "unknown_endpoint", "there is no such endpoint")
        })?;
        let ask = Ask::verb(identity, &verb).with_peer(parts.extensions.get());
        let decision = match identity.proof {
            Proof::Token => decide(&roles, &access, &ask),
            Proof::Certificate | Proof::Account => local::decide(&access, &ask, identity, &verb),
            _ => Decision::new(false, "proof_not_allowed"),
        };
        let (allowed, reason) = (decision.allowed, decision.reason);
        if let Some(exchange) = parts.extensions.get::<Exchange>() {
            exchange.facts(|facts| facts.decision = Some(decision));
        }
        if allowed {
            return Ok(());
        }
        let message = "none of your roles allows this";
        Err(Rejection::new(StatusCode::FORBIDDEN, "not_allowed", message).with_reason(reason))
    }
}

fn decide(roles: &Rules, access: &Live<Rules>, ask: &Ask<'_>) -> Decision {
    let by_rule = access.allows(ask).decision;
    if by_rule.allowed || by_rule.reason == reason::DENIED_BY_RULE {
        return by_rule;
    }
    roles.allows(ask).decision
}

fn verb(method: &Method, path: &str) -> Option<String> {
    let below =
        |prefix: &str| path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    let (_, object) = PATHS.iter().find(|(prefix, _)| below(prefix))?;
    let reads = matches!(*method, Method::GET | Method::HEAD);
    Some(format!("{object}.{}", if reads { "read" } else { "write" }))
}
