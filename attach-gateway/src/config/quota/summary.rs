//! Limits in a sentence each.

use attach_quota::{Limit, Scope, Unit, Unpriced};

use super::amount::described;
use super::{Quota, shape};
use crate::config::decimal::shown;

/// Everything the limit says.
pub(super) fn of(quota: &Quota, limit: &Limit) -> String {
    let each = match limit.scope() {
        Scope::Everyone => "shared by all".to_owned(),
        Scope::Claim(path) => format!("for each {path}"),
        Scope::GroupMember => "for each member, of several groups the most generous".to_owned(),
        scope => format!("for each {}", scope.as_str()),
    };
    let mut parts = vec![format!("{} {each}", described(limit.unit(), limit.window()))];
    let kind: Vec<String> = quota.kind.iter().cloned().collect();
    for (what, items) in [
        ("groups", quota.groups.list()),
        ("users", quota.users.list()),
        ("clients", quota.client_ids.list()),
        ("kind", &kind),
        ("models", quota.models.list()),
        ("apis", quota.apis.list()),
        ("upstreams", quota.upstreams.list()),
    ] {
        if !items.is_empty() {
            parts.push(format!("{what} {}", items.join(", ")));
        }
    }
    parts.extend(quota.weights.as_ref().map(weights));
    parts.extend(limit.is_fair().then(|| "fair".to_owned()));
    parts.push(limit.on_exceed().as_str().to_owned());
    if limit.unit() == Unit::MicroUsd {
        let unpriced = if limit.on_unpriced() == Unpriced::Free { "free" } else { "refused" };
        parts.push(format!("unpriced models {unpriced}"));
    }
    parts.push(format!("{} without the store", limit.when_down().as_str()));
    format!("quota {}: {}", limit.id(), parts.join("; "))
}

fn weights(from: &shape::Weights) -> String {
    let named = [("input", &from.input), ("cached_input", &from.cached_input), ("output", &from.output)];
    let said = named.iter().filter_map(|(name, weight)| Some(format!("{name} {}", shown(weight.as_ref()?))));
    format!("weights {}", said.collect::<Vec<_>>().join(", "))
}
