//! The types of settings: as the example shows them, but for those that can be written in more than one way.

use serde_json::{Value as Json, json};
use toml::Value;

/// One text, or a list of them.
const ONE_OR_MANY: &[&str] = &[
    "quota.groups",
    "quota.users",
    "quota.client_ids",
    "quota.models",
    "quota.apis",
    "quota.upstreams",
    "price.models",
    "admin.auth.groups.operator",
    "admin.auth.groups.key_admin",
    "admin.auth.groups.quota_admin",
    "admin.auth.groups.auditor",
];

/// The same below each kind of rule.
const ONE_OR_MANY_IN_RULES: &[&str] = &[
    "labels.region",
    "labels.tier",
    "labels.upstream",
    "require.acr",
    "require.amr",
    "require.region",
    "require.tier",
    "require.upstream",
];

/// One table, or a list of them.
const TABLES: &[&str] = &["revocation.scim", "revocation.universal_logout", "revocation.security_events"];

/// Numbers that may be written as texts, so that none is rounded.
const NUMBERS: &[&str] = &["quota.burst", "quota.weights.", "price.", "model.price."];

/// What `path` takes, where the example cannot show all of it.
pub(super) fn special(path: &str, table: &dyn Fn(&str) -> Json) -> Option<Json> {
    let text = || json!({"type": "string"});
    let in_rules = path.strip_prefix("access.allow.").or_else(|| path.strip_prefix("access.deny."));
    if ONE_OR_MANY.contains(&path) || in_rules.is_some_and(|rest| ONE_OR_MANY_IN_RULES.contains(&rest)) {
        return Some(one_or_many(text()));
    }
    if TABLES.contains(&path) {
        return Some(one_or_many(table(path)));
    }
    let moment = path.ends_with(".from") || path.ends_with(".until");
    if NUMBERS.iter().any(|prefix| path.starts_with(prefix)) && !moment && path != "price.upstream" {
        return Some(any([json!({"type": "number"}), text()]));
    }
    match (path, in_rules) {
        ("server.tls" | "admin.tls", _) => Some(any([json!({"const": "terminated-by-proxy"}), table(path)])),
        ("upstream.breaker" | "upstream.probe", _) => Some(any([json!({"type": "boolean"}), table(path)])),
        ("upstream.guardrail", _) => Some(any([json!({"const": false}), table(path)])),
        ("upstream.proxy", _) => Some(any([text(), table(path)])),
        ("model.aliases", _) => Some(json!({"type": "array", "items": any([text(), table(path)])})),
        _ if path.starts_with("model.aliases.") => Some(one_or_many(text())),
        _ if path.starts_with("model.") && path.ends_with("_penalty") => Some(json!({"type": "number"})),
        ("audit.keep.age", _) => Some(any([pattern(DURATION), json!({"const": "forever"})])),
        ("admin.auth.users.operator" | "admin.auth.users.key_admin", _)
        | ("admin.auth.users.quota_admin" | "admin.auth.users.auditor", _) => {
            let id = json!({"type": "integer", "minimum": 0, "maximum": u32::MAX});
            Some(json!({"type": "array", "items": any([text(), id])}))
        }
        ("model.to", _) => Some(json!({"type": "array", "items": any([text(), table("model.to")])})),
        ("redact.entities", _) => {
            Some(json!({"type": "object", "additionalProperties": any([text(), table("redact.entities.*")])}))
        }
        ("redact.for.entities" | "redact.ner.labels", _) => {
            Some(json!({"type": "object", "additionalProperties": text()}))
        }
        ("revocation.backchannel_logout.client_ids", _) => Some(json!({"type": "array", "items": text()})),
        ("revocation.backchannel_logout", _) => Some(any([json!({"type": "boolean"}), table(path)])),
        (_, Some("claims")) => Some(json!({"type": "object", "additionalProperties": one_or_many(scalar())})),
        (_, Some("devices.values")) => Some(one_or_many(scalar())),
        (_, Some("proof")) => Some(one_or_many(json!({"enum": ["token", "key", "delegated"]}))),
        ("redact.entities.*.action", _) => Some(text()),
        ("redact.entities.*.lexicon" | "redact.entities.*.context", _) => Some(json!({"type": "boolean"})),
        ("redact.entities.*.threshold", _) => Some(json!({"type": "number"})),
        ("redact.entities.*.words", _) => Some(json!({"type": "array", "items": text()})),
        _ => None,
    }
}

const DURATION: &str = "^[0-9]+ ?(ms|s|m|h|d)$";
const SIZE: &str = "^[0-9]+ ?(B|KiB|MiB|GiB)?$";

/// What the value is, and the words that are listed behind it.
pub(super) fn of(value: &Value, about: &str) -> Json {
    match value {
        Value::String(text) if super::super::units::Span::parse(text).is_ok() => pattern(DURATION),
        Value::String(text) if text.ends_with('B') && super::super::units::Size::parse(text).is_ok() => {
            pattern(SIZE)
        }
        Value::String(_) => match words(about) {
            Some(words) => json!({"enum": words}),
            None => json!({"type": "string"}),
        },
        Value::Datetime(_) => json!({"type": "string"}),
        Value::Integer(_) => json!({"type": "integer", "minimum": 0}),
        Value::Float(_) => json!({"type": "number", "minimum": 0}),
        Value::Boolean(_) => json!({"type": "boolean"}),
        Value::Array(items) => {
            let first = items.first().expect("an example of what is in it");
            json!({"type": "array", "items": of(first, about)})
        }
        Value::Table(table) => {
            let inside = table.values().next().expect("an example of what is in it");
            json!({"type": "object", "additionalProperties": of(inside, about)})
        }
    }
}

/// A secret, of which a command may have a `refresh` if it is read again.
pub(super) fn secret(again: bool) -> Json {
    let only = |key: &str, value: Json| json!({"type": "object", "additionalProperties": false, "required": [key], "properties": {key: value}});
    let words = json!({"type": "array", "items": {"type": "string"}});
    let mut command = only("command", words);
    if again {
        command["properties"]["refresh"] = pattern(DURATION);
    }
    any([only("env", json!({"type": "string"})), only("file", json!({"type": "string"})), command])
}

fn words(about: &str) -> Option<Vec<&str>> {
    let list = about.split([':', ';']).next()?;
    let words: Vec<&str> = list.split(" | ").map(str::trim).collect();
    let plain = |word: &&str| !word.is_empty() && !word.contains(' ');
    (words.len() > 1 && words.iter().all(plain)).then_some(words)
}

fn pattern(pattern: &str) -> Json {
    json!({"type": "string", "pattern": pattern})
}

fn scalar() -> Json {
    any([json!({"type": "string"}), json!({"type": "boolean"}), json!({"type": "integer"})])
}

fn one_or_many(one: Json) -> Json {
    let many = json!({"type": "array", "items": one});
    any([one, many])
}

fn any<const N: usize>(ways: [Json; N]) -> Json {
    json!({"anyOf": Vec::from(ways)})
}
