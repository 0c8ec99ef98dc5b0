use attach_core::Identity;
use attach_core::identity::ClaimPath;
use attach_core::json::{Kind, Value};

use crate::ConfigError;

/// What a rule wants of one claim.
#[derive(Debug, Clone)]
pub(super) struct ClaimRule {
    path: ClaimPath,
    wanted: Wanted,
}

#[derive(Debug, Clone)]
enum Wanted {
    AnyOf(Vec<Box<str>>),
    Present(bool),
}

impl ClaimRule {
    pub(super) fn any_of(path: &str, values: Vec<Box<str>>) -> Result<Self, ConfigError> {
        if values.is_empty() {
            return Err(ConfigError::new(format!("claim `{path}`: no value would do")));
        }
        Ok(Self { path: ClaimPath::parse(path)?, wanted: Wanted::AnyOf(values) })
    }

    pub(super) fn present(path: &str, present: bool) -> Result<Self, ConfigError> {
        Ok(Self { path: ClaimPath::parse(path)?, wanted: Wanted::Present(present) })
    }

    /// `None` if the caller's claims are not known.
    pub(super) fn holds(&self, identity: &Identity) -> Option<bool> {
        let claims = identity.claims.as_ref()?;
        let value = self.path.find(claims.root());
        Some(match &self.wanted {
            Wanted::AnyOf(values) => value.is_some_and(|value| is_any(value, values)),
            Wanted::Present(present) => value.is_some_and(says_something) == *present,
        })
    }
}

/// One value, or an array with one; numbers and booleans are compared as they are written.
fn is_any(value: Value<'_>, wanted: &[Box<str>]) -> bool {
    match value.kind() {
        Kind::Array => value.elements().any(|element| is_scalar(element, wanted)),
        _ => is_scalar(value, wanted),
    }
}

fn is_scalar(value: Value<'_>, wanted: &[Box<str>]) -> bool {
    match value.kind() {
        Kind::Array | Kind::Object | Kind::Null => false,
        Kind::String => value.as_str().is_some_and(|text| wanted.iter().any(|one| **one == *text)),
        _ => wanted.iter().any(|one| one.as_bytes() == value.raw()),
    }
}

fn says_something(value: Value<'_>) -> bool {
    match value.kind() {
        Kind::Null => false,
        Kind::String => value.as_str().is_some_and(|text| !text.is_empty()),
        Kind::Array => value.elements().next().is_some(),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use attach_core::json::Document;

    use super::*;

    fn alice() -> Identity {
        let claims = r#"{"department":"eng","level":7,"device":{"managed":true},"roles":["a","b"],"none":null,"no":""}"#;
        let mut alice = Identity::person("acme", "alice");
        alice.claims = Some(Arc::new(Document::parse(claims.into()).expect("JSON")));
        alice
    }

    #[test]
    fn a_value_is_found_by_name_or_pointer_alone_or_among_others() {
        for (path, value, expected) in [
            ("department", "eng", true),
            ("department", "ENG", false),
            ("level", "7", true),
            ("/device/managed", "true", true),
            ("roles", "b", true),
            ("roles", "c", false),
            ("device", "true", false),
            ("none", "null", false),
            ("absent", "", false),
        ] {
            let rule = ClaimRule::any_of(path, vec![value.into()]).expect("a rule");
            assert_eq!(rule.holds(&alice()), Some(expected), "{path} {value}");
        }
    }

    #[test]
    fn what_says_nothing_is_not_there() {
        for (path, there) in [("/device/managed", true), ("none", false), ("no", false), ("absent", false)] {
            let rule = ClaimRule::present(path, true).expect("a rule");
            assert_eq!(rule.holds(&alice()), Some(there), "{path}");
        }
    }

    #[test]
    fn of_a_caller_without_claims_nothing_is_known() {
        let rule = ClaimRule::present("department", false).expect("a rule");
        assert_eq!(rule.holds(&Identity::person("acme", "bob")), None);
    }
}
