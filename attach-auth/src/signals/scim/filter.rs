//! Filters (RFC 7644 §3.4.2.2): the ones by which directories look for somebody.

use serde_json::Value;

use super::error::ScimError;

/// What users are looked for by.
pub(super) const USERS: [&str; 4] = ["userName", "externalId", "id", "emails.value"];
/// What groups are looked for by.
pub(super) const GROUPS: [&str; 3] = ["displayName", "externalId", "id"];

/// An attribute that has to have a value.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Filter {
    /// As in the list of known ones.
    pub(super) attribute: &'static str,
    pub(super) value: String,
}

impl Filter {
    /// Reads `attribute eq "value"`, for one of `known`. Names and operators have no case.
    pub(super) fn parse(filter: &str, known: &[&'static str]) -> Result<Self, ScimError> {
        let (path, value) = comparison(filter).ok_or_else(ScimError::invalid_filter)?;
        // What kind of address it is does not matter to who is meant.
        let path = match path.split_once('[') {
            Some((name, rest)) if name.eq_ignore_ascii_case("emails") && rest.ends_with("].value") => {
                "emails.value"
            }
            _ if path.eq_ignore_ascii_case("emails") => "emails.value",
            _ => path,
        };
        let path = path.strip_prefix("urn:ietf:params:scim:schemas:core:2.0:User:").unwrap_or(path);
        let known = known.iter().find(|known| known.eq_ignore_ascii_case(path));
        let (Some(attribute), Value::String(value)) = (known, value) else {
            return Err(ScimError::invalid_filter());
        };
        Ok(Self { attribute, value })
    }
}

/// `path eq value`, taken apart.
pub(super) fn comparison(text: &str) -> Option<(&str, Value)> {
    let text = text.trim();
    let end = end_of_path(text)?;
    let (path, rest) = text.split_at_checked(end)?;
    let (operator, value) = rest.trim_start().split_once(' ')?;
    if !operator.eq_ignore_ascii_case("eq") || path.is_empty() {
        return None;
    }
    serde_json::from_str(value.trim()).ok().map(|value| (path, value))
}

/// Where the path ends: at a space that is not within brackets.
fn end_of_path(text: &str) -> Option<usize> {
    let mut within = false;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'[' => within = true,
            b']' => within = false,
            b' ' if !within => return Some(at),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directories_look_for_people_in_these_ways() {
        for (filter, attribute, value) in [
            (r#"userName eq "a@x.test""#, "userName", "a@x.test"),
            (r#"USERNAME EQ "a\"b""#, "userName", "a\"b"),
            (r#"externalId eq "00u1""#, "externalId", "00u1"),
            (r#"emails.value eq "a@x.test""#, "emails.value", "a@x.test"),
            (r#"emails[type eq "work"].value eq "a@x.test""#, "emails.value", "a@x.test"),
            (r#"urn:ietf:params:scim:schemas:core:2.0:User:userName eq "a""#, "userName", "a"),
        ] {
            let expected = Filter { attribute, value: value.to_owned() };
            assert_eq!(Filter::parse(filter, &USERS).expect(filter), expected);
        }
    }

    #[test]
    fn everything_else_is_an_invalid_filter() {
        for filter in [
            "",
            "userName",
            "userName eq",
            "userName eq a",
            r#"userName co "a""#,
            r#"userName eq "a" and active eq true"#,
            r#"not (userName eq "a")"#,
            "active eq true",
            r#"displayName eq "x""#,
            "userName eq 5",
            r#"é eq "a""#,
        ] {
            assert!(Filter::parse(filter, &USERS).is_err(), "{filter}");
        }
    }
}
