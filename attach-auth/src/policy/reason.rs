//! The stable codes that decisions give as their reason: in the audit trail, in the decision header, in `explain`.
//!
//! Callers are told one of a few public codes instead, so that a refusal betrays no rule.

/// A rule allows this.
pub const ALLOWED_BY_RULE: &str = "allowed_by_rule";
/// No rule denies this, and the default is to allow.
pub const ALLOWED_BY_DEFAULT: &str = "allowed_by_default";
/// A policy other than the rule engine allows this.
pub const ALLOWED_BY_POLICY: &str = "allowed_by_policy";
/// The rules are only watched: this went on whatever they say.
pub const ALLOWED_IN_SHADOW: &str = "allowed_in_shadow";
/// A rule denies this.
pub const DENIED_BY_RULE: &str = "denied_by_rule";
/// A policy other than the rule engine denies this.
pub const DENIED_BY_POLICY: &str = "denied_by_policy";
/// No rule is about this, and the default is to deny.
pub const NO_RULE_ALLOWS: &str = "no_rule_allows";
/// A rule would allow this at another destination.
pub const DESTINATION_NOT_ALLOWED: &str = "destination_not_allowed";
/// A rule would allow this after a stronger or a more recent sign-in (RFC 9470).
pub const INSUFFICIENT_AUTHENTICATION: &str = "insufficient_user_authentication";
/// A rule would allow this to somebody who shows a token: a key or another's word has no assurance.
pub const PROOF_WITHOUT_ASSURANCE: &str = "proof_without_assurance";
/// An administrative act by somebody who does not show a token of their own.
pub const VERB_NEEDS_TOKEN: &str = "verb_needs_token";
/// A hosted tool that a rule denies, or that no rule lists which allows the call.
pub const HOSTED_TOOL_NOT_ALLOWED: &str = "hosted_tool_not_allowed";
/// The call refers to what a provider keeps on its side.
pub const PROVIDER_STATE_NOT_ALLOWED: &str = "provider_state_not_allowed";
/// The key that was shown was narrowed to something else.
pub const KEY_SCOPE: &str = "key_scope";
/// The rules allow this, but nobody serves a model of this name.
pub const UNKNOWN_MODEL: &str = "unknown_model";

/// Every reason that this crate gives; `docs/policy.md` explains each.
pub const ALL: [&str; 15] = [
    ALLOWED_BY_RULE,
    ALLOWED_BY_DEFAULT,
    ALLOWED_BY_POLICY,
    ALLOWED_IN_SHADOW,
    DENIED_BY_RULE,
    DENIED_BY_POLICY,
    NO_RULE_ALLOWS,
    DESTINATION_NOT_ALLOWED,
    INSUFFICIENT_AUTHENTICATION,
    PROOF_WITHOUT_ASSURANCE,
    VERB_NEEDS_TOKEN,
    HOSTED_TOOL_NOT_ALLOWED,
    PROVIDER_STATE_NOT_ALLOWED,
    KEY_SCOPE,
    UNKNOWN_MODEL,
];
