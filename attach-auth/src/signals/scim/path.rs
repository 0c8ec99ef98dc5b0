//! Paths of changes (RFC 7644 §3.5.2, figure 7).

use serde_json::Value;

use super::error::ScimError;
use super::filter::comparison;

const CORE: [&str; 2] =
    ["urn:ietf:params:scim:schemas:core:2.0:User", "urn:ietf:params:scim:schemas:core:2.0:Group"];
const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

/// Where in a resource something is to be changed.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Path {
    /// The extension that the attribute is of; none for an attribute of the core.
    pub(super) extension: Option<&'static str>,
    pub(super) attribute: String,
    /// Which of several values are meant.
    pub(super) which: Option<Which>,
    pub(super) sub: Option<String>,
}

/// The values whose attribute has this value.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Which {
    pub(super) attribute: String,
    pub(super) value: Value,
}

impl Path {
    pub(super) fn parse(path: &str) -> Result<Self, ScimError> {
        let path = path.trim();
        if let Some(rest) = CORE.iter().find_map(|urn| after(path, urn)) {
            return Self::plain(rest, None);
        }
        match after(path, ENTERPRISE) {
            Some(rest) => Self::plain(rest, Some(ENTERPRISE)),
            // An extension that is not known is kept as it was sent.
            None if starts_with_urn(path) => Ok(Self::whole(path)),
            None => Self::plain(path, None),
        }
    }

    fn whole(name: &str) -> Self {
        Self { extension: None, attribute: name.to_owned(), which: None, sub: None }
    }

    fn plain(path: &str, extension: Option<&'static str>) -> Result<Self, ScimError> {
        let (attribute, which, rest) = match path.split_once('[') {
            Some((attribute, rest)) => {
                let (filter, rest) = rest.rsplit_once(']').ok_or_else(ScimError::invalid_path)?;
                let (name, value) = comparison(filter).ok_or_else(ScimError::invalid_filter)?;
                if !is_attribute(name) {
                    return Err(ScimError::invalid_filter());
                }
                (attribute, Some(Which { attribute: name.to_owned(), value }), rest)
            }
            None => match path.split_once('.') {
                Some((attribute, _)) => (attribute, None, &path[attribute.len()..]),
                None => (path, None, ""),
            },
        };
        let sub = match rest.strip_prefix('.') {
            Some(sub) if is_attribute(sub) => Some(sub.to_owned()),
            None if rest.is_empty() => None,
            _ => return Err(ScimError::invalid_path()),
        };
        if !is_attribute(attribute) {
            return Err(ScimError::invalid_path());
        }
        Ok(Self { extension, attribute: attribute.to_owned(), which, sub })
    }
}

/// An attribute's name (RFC 7643 §2.1), or `$ref`.
fn is_attribute(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes.next().is_some_and(|first| first.is_ascii_alphabetic() || first == b'$')
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
        && name.len() <= 128
}

fn starts_with_urn(path: &str) -> bool {
    path.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("urn:")) && path.len() <= 512
}

/// What follows `urn` and a colon.
fn after<'p>(path: &'p str, urn: &str) -> Option<&'p str> {
    let start = path.get(..urn.len())?;
    start.eq_ignore_ascii_case(urn).then(|| path.get(urn.len()..)?.strip_prefix(':')).flatten()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn path(attribute: &str, which: Option<(&str, Value)>, sub: Option<&str>) -> Path {
        let which = which.map(|(name, value)| Which { attribute: name.to_owned(), value });
        Path { extension: None, attribute: attribute.to_owned(), which, sub: sub.map(ToOwned::to_owned) }
    }

    #[test]
    fn paths_of_both_dialects_are_understood() {
        let work = Some(("type", json!("work")));
        for (text, expected) in [
            ("active", path("active", None, None)),
            ("name.givenName", path("name", None, Some("givenName"))),
            (r#"emails[type eq "work"].value"#, path("emails", work.clone(), Some("value"))),
            (r#"emails[type eq "work"]"#, path("emails", work, None)),
            (r#"members[value eq "a]b"]"#, path("members", Some(("value", json!("a]b"))), None)),
            ("emails[primary eq true].value", path("emails", Some(("primary", json!(true))), Some("value"))),
            ("urn:ietf:params:scim:schemas:core:2.0:User:userName", path("userName", None, None)),
            ("urn:acme:custom:2.0:User:badge", path("urn:acme:custom:2.0:User:badge", None, None)),
        ] {
            assert_eq!(Path::parse(text).expect(text), expected);
        }
        let manager = Path::parse(&format!("{ENTERPRISE}:manager.value")).expect("a path");
        assert_eq!((manager.extension, &*manager.attribute), (Some(ENTERPRISE), "manager"));
    }

    #[test]
    fn what_is_no_path_is_refused() {
        for text in [
            "",
            ".",
            "a.",
            "a.b.c",
            "a[",
            "a[]",
            "a[b]",
            "a[b eq]",
            "a[b gt 1]",
            "a[b eq 1]c",
            "a b",
            "é",
            "[a eq 1]",
        ] {
            assert!(Path::parse(text).is_err(), "{text}");
        }
    }
}
