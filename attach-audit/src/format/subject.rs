//! What a record is about, in the distinctions that other schemas make.

use crate::read::Entry;

/// What a record is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Subject {
    /// A call: what is about to happen, how it ended, or that it was refused.
    Call,
    /// Somebody was not let in, because it is not known who they are or because they may no longer.
    Stranger,
    /// An account was changed.
    Account(Change),
    /// Sessions or tokens of somebody were ended.
    Session,
    /// Something that is no account was changed: a key, a rule, a limit.
    Thing(Change),
    /// The log itself: it began, ended, went on in another file.
    Log,
    /// Something was not recorded.
    Gap,
}

/// What was done to an account or a thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    Create,
    Enable,
    Disable,
    Delete,
    Rotate,
    Update,
}

impl Subject {
    pub(super) fn of(entry: &Entry<'_>) -> Self {
        match &*entry.kind {
            "reject" if is_about_identity(entry) => Self::Stranger,
            "admin" | "revocation" => Self::of_deed(entry.decision.reason.as_deref().unwrap_or_default()),
            "start" | "stop" | "segment" | "checkpoint" => Self::Log,
            "gap" => Self::Gap,
            _ => Self::Call,
        }
    }

    /// Of what was done, `key.create`, as the admin API and the directories' signals name it.
    fn of_deed(action: &str) -> Self {
        let (about, verb) = action.split_once('.').unwrap_or((action, ""));
        let change = Change::of(verb);
        match (about, change) {
            ("service", change) => Self::Account(change),
            ("scim", change) if verb.starts_with("user.") => Self::Account(change),
            ("revocation", Change::Enable | Change::Disable) => Self::Account(change),
            ("revocation", _) => Self::Session,
            _ => Self::Thing(change),
        }
    }
}

impl Change {
    fn of(verb: &str) -> Self {
        // `override.create` is a create.
        match verb.rsplit('.').next().unwrap_or_default() {
            "create" => Self::Create,
            "enable" => Self::Enable,
            "disable" => Self::Disable,
            "delete" | "revoke" => Self::Delete,
            "rotate" => Self::Rotate,
            _ => Self::Update,
        }
    }
}

/// Whether who calls was the question: 401 in all its codes, and what `attach-auth` answers when it cannot or will not look.
fn is_about_identity(entry: &Entry<'_>) -> bool {
    let code = entry.decision.reason.as_deref();
    entry.decision.http_status == Some(401)
        || matches!(code, Some("too_many_attempts" | "identity_provider_unavailable"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deed_is_about_what_its_name_says() {
        for (action, subject) in [
            ("key.create", Subject::Thing(Change::Create)),
            ("key.revoke", Subject::Thing(Change::Delete)),
            ("service.create", Subject::Account(Change::Create)),
            ("service.rotate", Subject::Account(Change::Rotate)),
            ("scim.user.create", Subject::Account(Change::Create)),
            ("scim.group.update", Subject::Thing(Change::Update)),
            ("revocation.disable", Subject::Account(Change::Disable)),
            ("revocation.enable", Subject::Account(Change::Enable)),
            ("revocation.not_before", Subject::Session),
            ("revocation.universal_logout", Subject::Session),
            ("quota.override.delete", Subject::Thing(Change::Delete)),
            ("policy.reload", Subject::Thing(Change::Update)),
            ("something", Subject::Thing(Change::Update)),
        ] {
            assert_eq!(Subject::of_deed(action), subject, "{action}");
        }
    }
}
