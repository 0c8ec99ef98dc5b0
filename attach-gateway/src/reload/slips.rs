//! What makes a file looser without saying so: a protection that was written, and is not there any more.
//!
//! A file that was cut short, or a template whose part is missing, must not take limits or requirements away. Who means
//! it writes an empty value. Without `[access]` a file denies, and so it does without a rule that allows; one that is left
//! without its conditions allows more.

use toml::{Table, Value};

use super::written::{entries, get};

/// Lists and tables of which nothing at all is left.
const GUARDS: &[&str] = &[
    "access.deny",
    "audit.keep",
    "model",
    "quota",
    "redact",
    "redact.engine",
    "redact.entities",
    "redact.for",
    "redact.ner",
    "redact.pattern",
    "redact.terms",
    "redact.uninspectable",
    "revocation",
    "revocation.backchannel_logout",
    "revocation.scim",
    "revocation.security_events",
    "revocation.universal_logout",
];

/// The same of the entries of lists, which go by a name.
const OF_ENTRIES: &[(&str, &str, &[&str])] = &[
    ("host", "name", &["models"]),
    ("issuer", "issuer", &["algorithms", "allowed_groups", "client_ids", "hosted_domain", "required_scopes"]),
    ("front_end", "name", &["groups", "members_of", "required"]),
    ("upstream", "name", &["guardrail", "identity_headers", "retention"]),
    ("model", "name", &["labels", "parameters"]),
    ("access.allow", "id", CONDITIONS),
];

/// What holds a rule that allows to some callers and calls: without it, the rule allows all.
const CONDITIONS: &[&str] = &[
    "apis",
    "claims",
    "client_ids",
    "devices",
    "groups",
    "kind",
    "labels",
    "models",
    "networks",
    "proof",
    "require",
    "scopes",
    "tiers",
    "tools",
    "verbs",
];

/// Each of them, in words.
pub(super) fn found(before: &Table, now: &Table) -> Vec<String> {
    let gone = |path: &&&str| has(before, path) && get(now, path).is_none();
    let all: Vec<_> = GUARDS.iter().filter(gone).collect();
    // Of a section that is gone its parts need not be told.
    let outermost = |path: &&&&str| !all.iter().any(|other| path.starts_with(&format!("{other}.")));
    let mut found: Vec<_> = all.iter().filter(outermost).map(|path| format!("{path} is gone")).collect();
    for (list, name, settings) in OF_ENTRIES {
        for was in entries(before, list) {
            let same = |is: &&Table| is.get(*name).is_some() && is.get(*name) == was.get(*name);
            let Some(is) = entries(now, list).find(same) else { continue };
            let gone = settings.iter().filter(|key| has(was, key) && !is.contains_key(**key));
            let which = was.get(*name).and_then(Value::as_str).unwrap_or_default();
            found.extend(gone.map(|key| format!("{list} {which:?}: {key} is gone")));
        }
    }
    found
}

/// Whether something is there that says anything.
fn has(table: &Table, path: &str) -> bool {
    match get(table, path) {
        None | Some(Value::Boolean(false)) => false,
        Some(Value::Array(items)) => !items.is_empty(),
        Some(Value::Table(inner)) => !inner.is_empty(),
        Some(Value::String(text)) => !text.is_empty(),
        Some(_) => true,
    }
}

/// Whether it is noticed when what stands at `path` is gone.
#[cfg(test)]
pub(super) fn names(path: &str) -> bool {
    GUARDS.contains(&path)
        || OF_ENTRIES.iter().any(|(list, _, settings)| {
            path.strip_prefix(list)
                .and_then(|key| key.strip_prefix('.'))
                .is_some_and(|key| settings.contains(&key))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    const FULL: &str = r#"
        [[issuer]]
        issuer = "https://idp.example.com"
        required_scopes = ["llm"]
        [[quota]]
        id = "calls"
        [[quota]]
        id = "tokens"
        [[upstream]]
        name = "aws"
        guardrail = { id = "gr1", version = "1" }
        [[model]]
        name = "m"
        labels = { trusted = false }
        [[access.deny]]
        id = "nobody"
        [redact]
        default = "block"
        [redact.entities]
        PERSON = "block"
        [revocation]
        scim = { token = "x" }
    "#;

    fn of(now: &str) -> Vec<String> {
        let read = |text: &str| text.parse::<Table>().expect("valid TOML");
        found(&read(FULL), &read(now))
    }

    fn without(cut: &str) -> Vec<String> {
        let now = FULL.replace(cut, "");
        assert_ne!(now, FULL, "{cut}");
        of(&now)
    }

    #[test]
    fn a_protection_that_is_not_there_any_more_is_a_slip() {
        assert!(of(FULL).is_empty());
        let scopes = "required_scopes = [\"llm\"]";
        assert_eq!(without(scopes), ["issuer \"https://idp.example.com\": required_scopes is gone"]);
        let guardrail = "guardrail = { id = \"gr1\", version = \"1\" }";
        assert_eq!(without(guardrail), ["upstream \"aws\": guardrail is gone"]);
        assert_eq!(without("labels = { trusted = false }"), ["model \"m\": labels is gone"]);
        assert_eq!(without("[[access.deny]]\n        id = \"nobody\""), ["access.deny is gone"]);
        assert_eq!(without("[redact.entities]\n        PERSON = \"block\""), ["redact.entities is gone"]);
        assert_eq!(
            of("[[issuer]]\nissuer = \"https://idp.example.com\"\nrequired_scopes = [\"llm\"]\n"),
            ["access.deny is gone", "model is gone", "quota is gone", "redact is gone", "revocation is gone"]
        );
    }

    #[test]
    fn a_rule_that_has_lost_its_condition_is_a_slip() {
        let rule = "[[access.allow]]\nid = \"power\"\ngroups = [\"g\"]\nmodels = [\"gpt-4*\"]\nrequire = { amr = [\"mfa\"] }";
        let read = |text: &str| text.parse::<Table>().expect("valid TOML");
        for (lost, named) in [
            ("groups = [\"g\"]\n", "groups"),
            ("models = [\"gpt-4*\"]\n", "models"),
            ("require = { amr = [\"mfa\"] }", "require"),
        ] {
            let told = format!("access.allow \"power\": {named} is gone");
            assert_eq!(found(&read(rule), &read(&rule.replace(lost, ""))), [told]);
        }
        let meant = rule.replace("[\"g\"]", "[]");
        assert!(found(&read(rule), &read(&meant)).is_empty());
        assert!(found(&read(rule), &read("")).is_empty(), "a rule that is gone allows nothing");
    }

    #[test]
    fn an_upstream_that_has_lost_its_guardrail_is_a_slip() {
        let read = |text: &str| text.parse::<Table>().expect("valid TOML");
        let before = read("[[upstream]]\nname = \"b\"\nguardrail = { id = \"gr\" }");
        let now = read("[[upstream]]\nname = \"b\"");
        assert_eq!(found(&before, &now), ["upstream \"b\": guardrail is gone"]);
    }

    #[test]
    fn what_is_written_is_meant() {
        let empty = FULL.replace("required_scopes = [\"llm\"]", "required_scopes = []");
        assert!(of(&empty).is_empty());
        let off = FULL.replace("{ id = \"gr1\", version = \"1\" }", "false");
        assert!(of(&off).is_empty());
        let fewer =
            "model = []\nquota = []\nredact = {}\nrevocation = {}\naccess = { deny = [] }\nissuer = []";
        let parts = ["redact.entities is gone", "revocation.scim is gone"];
        assert_eq!(of(fewer), parts);
        assert!(without("[[quota]]\n        id = \"tokens\"").is_empty(), "one of several is an edit");
    }
}
