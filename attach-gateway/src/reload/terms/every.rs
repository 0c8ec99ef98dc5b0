//! Every term, by where it stands.

use super::Term;
use super::way::Way::{self, Aim, Choice, Demand, Grant, More, Off, On, Other, Steps};

/// How much is told of a caller.
const IDENTITY: Way = Steps(&["none", "pseudonym", "full"]);

/// Lists whose further entries let somebody in, and what their entries go by.
pub(super) const NEW: &[(&str, &str)] = &[("access.allow", "id"), ("front_end", "name")];

/// The terms of sections that are there once. What is below a section is named with dots.
pub(super) const OF_SECTIONS: &[(&str, &[Term])] = &[
    ("", &[("price", Other)]),
    ("server", &[("external_url", Other)]),
    ("access", &[("header", On)]),
    (
        "redact",
        &[
            ("private_addresses", Off),
            ("for", Other),
            ("exempt", Grant),
            ("exempt_patterns", Grant),
            ("engine", Other),
            ("ner", Other),
            ("pattern", Demand),
            ("terms", Demand),
            ("regions", Other),
            ("external_tools", Demand),
            ("restore_system", Other),
            ("inspect_signed", Off),
        ],
    ),
    ("audit", &[("disk_alert", More)]),
    (
        "revocation",
        &[
            ("backchannel_logout", Other),
            ("universal_logout", Other),
            ("security_events", Other),
            ("stale", More),
            ("max_stream_past_exp", More),
        ],
    ),
    (
        "keys",
        &[
            ("enabled", On),
            ("max_lifetime", More),
            ("max_unconfirmed", More),
            ("per_owner", More),
            ("max_idle", More),
        ],
    ),
    (
        "admin",
        &[("hosts", Grant), ("auth.audience", Other), ("auth.certificates", Grant), ("auth.users", Grant)],
    ),
    ("telemetry", &[("labels", Grant), ("user_id", On)]),
];

/// The terms of the entries of lists, and what the entries go by.
pub(super) const OF_ENTRIES: &[(&str, &str, &[Term])] = &[
    ("issuer", "issuer", ISSUER),
    ("front_end", "name", FRONT_END),
    ("upstream", "name", UPSTREAM),
    ("model", "name", &[("parameters", Other), ("price", Other)]),
    ("access.allow", "id", ALLOW),
    ("access.deny", "id", DENY),
    ("quota", "id", QUOTA),
    ("revocation.scim", "directory", &[("may_grant", On)]),
];

const ISSUER: &[Term] = &[
    ("directory", Other),
    ("preset", Other),
    ("audience", Grant),
    ("required_scopes", Demand),
    ("client_ids", Choice),
    ("groups_claim", Other),
    ("allowed_groups", Choice),
    ("leeway", More),
    ("max_lifetime", More),
    ("jwks_uri", Other),
    ("hosted_domain", Other),
    // Without a list it is every one that is safe.
    ("algorithms", Choice),
    ("typ", Other),
    ("accept_id_tokens", On),
    ("ca", Other),
    ("introspection.client_id", Other),
    ("introspection.endpoint", Other),
    ("introspection.every_token", Off),
    ("introspection.accept_missing_audience", On),
    ("introspection.accept_missing_type", On),
];

const FRONT_END: &[Term] = &[
    ("directory", Other),
    ("client_id", Other),
    ("id", Other),
    ("directories", Other),
    ("ways", Grant),
    ("keys", Other),
    ("groups", Other),
    ("required", Off),
];

const UPSTREAM: &[Term] =
    &[("region", Other), ("identity_headers", IDENTITY), ("retention", Other), ("guardrail", Other)];

const ALLOW: &[Term] = &[
    ("groups", Choice),
    ("models", Choice),
    ("apis", Choice),
    ("kind", Other),
    ("tools", Grant),
    ("scopes", Choice),
    ("client_ids", Choice),
    ("claims", Other),
    ("networks", Choice),
    ("proof", Choice),
    ("tiers", Choice),
    ("labels", Other),
    ("devices", Other),
    ("verbs", Choice),
    ("require", Other),
    ("allow_keys", On),
    ("shadow", Off),
];

const DENY: &[Term] = &[
    ("groups", Aim),
    ("models", Aim),
    ("apis", Aim),
    ("kind", Other),
    ("tools", Aim),
    ("scopes", Aim),
    ("client_ids", Aim),
    ("claims", Other),
    ("networks", Aim),
    ("proof", Aim),
    ("tiers", Aim),
    ("labels", Other),
    ("devices", Other),
    ("verbs", Aim),
    ("shadow", On),
];

const QUOTA: &[Term] = &[
    ("each", Other),
    ("shared", Other),
    ("fair", Other),
    ("groups", Aim),
    ("users", Aim),
    ("client_ids", Aim),
    ("kind", Other),
    ("models", Aim),
    ("apis", Aim),
    ("upstreams", Aim),
    ("tokens", More),
    ("input_tokens", More),
    ("output_tokens", More),
    ("requests", More),
    ("usd", More),
    ("concurrent", More),
    ("burst", More),
    ("weights", Other),
    ("timezone", Other),
    ("action", Other),
    ("when_store_down", Steps(&["closed", "local", "open"])),
    ("unpriced", Steps(&["refuse", "free"])),
    ("override", Other),
];
