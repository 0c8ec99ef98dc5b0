//! Which keys a file may have, which come with a later version, and the nearest key to one that is neither.

use toml::{Table, Value};

use super::ConfigError;

mod audit;
mod models;
mod quota;
mod redact;
mod sections;

use self::sections::SECTIONS;

/// What may stand in one table of the file.
struct Section {
    /// Dotted path of the table; elements of an array of tables have the array's path.
    path: &'static str,
    keys: &'static [&'static str],
    /// Part of the file's documented shape, but not implemented yet.
    later: &'static [&'static str],
}

/// Tables, and those below them, in which an empty list would say less than it seems to.
const CONDITIONS: &[&str] = &["access", "quota", "price"];

/// Tables whose keys are the user's own; what is below them is one section, `*`.
const FREE: &[&str] = &["redact.entities", "redact.for.entities"];

/// Settings that hold a secret. Somebody who writes one inline must not find it in a log for it.
const SECRETS: &[&str] = &[
    "upstream.key",
    "upstream.access_key",
    "upstream.secret_key",
    "upstream.session_token",
    "upstream.proxy.credentials",
    "redact.key",
    "audit.archive.access_key",
    "audit.archive.secret_key",
    "audit.archive.session_token",
    "redact.engine.access_key",
    "redact.engine.secret_key",
    "redact.engine.session_token",
    "redact.engine.token",
    "issuer.introspection.client_secret",
    "front_end.keys.hmac",
    "state.redis",
    "state.quota_redis",
    "alerts.url",
    "alerts.key",
    "audit.egress.token",
    "audit.egress.key",
    "audit.egress.headers",
    "telemetry.headers",
    "revocation.scim.token",
    "revocation.scim.previous_token",
];

/// Every table by its dotted path, and the keys it may have.
#[cfg(test)]
pub(crate) fn sections() -> impl Iterator<Item = (&'static str, &'static [&'static str])> {
    all().map(|section| (section.path, section.keys))
}

fn all() -> impl Iterator<Item = &'static Section> {
    SECTIONS
        .iter()
        .chain(models::SECTIONS)
        .chain(quota::SECTIONS)
        .chain(redact::SECTIONS)
        .chain(audit::SECTIONS)
}

/// Refuses every key that is unknown or not implemented yet.
pub(super) fn check(file: &Table) -> Result<(), ConfigError> {
    check_table("", file)
}

fn check_table(path: &str, table: &Table) -> Result<(), ConfigError> {
    if FREE.contains(&path) {
        let inner = table.values().filter_map(Value::as_table);
        return inner.into_iter().try_for_each(|inner| check_table(&format!("{path}.*"), inner));
    }
    let Some(section) = all().find(|section| section.path == path) else {
        return Ok(());
    };
    for (key, value) in table {
        check_key(section, key)?;
        let below = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
        if SECRETS.contains(&below.as_str()) && !value.is_table() {
            return Err(ConfigError::new(format!(
                "{below}: a secret is never written into the file; write {{ env = \"NAME\" }}, {{ file = \"path\" }} or \
                 {{ command = [\"program\"] }}"
            )));
        }
        match value {
            Value::Table(inner) => check_table(&below, inner)?,
            // A template with an empty variable must not open a rule to everybody.
            Value::Array(items) if items.is_empty() && conditions(path) => {
                return Err(ConfigError::new(format!(
                    "{below}: an empty list is no condition; leave it out"
                )));
            }
            Value::Array(items) => {
                items.iter().filter_map(Value::as_table).try_for_each(|item| check_table(&below, item))?;
            }
            _ => {}
        }
    }
    Ok(())
}

/// `[access]` itself has lists of rules, which may be empty.
fn conditions(path: &str) -> bool {
    let above = path.split('.').next().unwrap_or_default();
    path != "access" && CONDITIONS.contains(&above)
}

fn check_key(section: &Section, key: &str) -> Result<(), ConfigError> {
    if section.keys.contains(&key) {
        return Ok(());
    }
    let shown = if section.path.is_empty() { key.to_owned() } else { format!("{}.{key}", section.path) };
    if section.later.contains(&key) {
        return Err(ConfigError::new(format!(
            "{shown}: this setting comes with a later version of attach-gateway; remove it to start"
        )));
    }
    let nearest = nearest(key, section.keys.iter().copied()).unwrap_or_default();
    Err(ConfigError::new(format!("{shown}: unknown setting; did you mean {nearest:?}?")))
}

/// The one of `known` that `word` may have been meant for.
pub(crate) fn nearest<'k>(word: &str, known: impl Iterator<Item = &'k str>) -> Option<&'k str> {
    known.min_by_key(|known| distance(known, word))
}

/// Levenshtein distance in bytes; keys are short.
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, y) in b.bytes().enumerate() {
            let change = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = change.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(file: &str) -> String {
        check(&file.parse().expect("valid TOML")).expect_err("refused").to_string()
    }

    #[test]
    fn an_unknown_key_names_the_nearest() {
        assert!(refusal("[server]\nlisen = \"x\"").contains("\"listen\""));
        assert!(refusal("[[issuer]]\naudiance = []").contains("\"audience\""));
        assert!(refusal("[sever]").contains("\"server\""));
        assert!(refusal("[[model]]\nto = [{ upstreem = \"a\" }]").contains("\"upstream\""));
    }

    #[test]
    fn a_key_of_a_later_version_says_so() {
        assert!(refusal("[redact]\ntenant = \"a\"").contains("later version"));
    }

    #[test]
    fn entity_names_are_free() {
        check(&"[redact.entities]\nEMPLOYEE_ID = \"replace\"".parse().unwrap()).unwrap();
    }

    #[test]
    fn what_is_below_an_entity_is_checked() {
        assert!(refusal("[redact.entities]\nPERSON = { aktion = \"mask\" }").contains("\"action\""));
        assert!(refusal("[redact.entities]\nUK_NHS = { contexts = false }").contains("\"context\""));
        assert!(refusal("[[redact.pattern]]\nscores = 0.2").contains("\"score\""));
        assert!(refusal("[redact]\nextern_tools = []").contains("\"external_tools\""));
    }

    #[test]
    fn a_secret_written_inline_is_refused_without_showing_it() {
        let error = refusal("[[upstream]]\nkey = \"sk-hunter2\"");
        assert!(error.contains("env") && !error.contains("hunter2"), "{error}");
    }
}
