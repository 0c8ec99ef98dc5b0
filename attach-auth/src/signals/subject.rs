//! Subject identifiers (RFC 9493), and the complex subjects of the Shared Signals Framework.

use attach_core::json::{Kind, Value};

use crate::revocation::Subject;

/// The longest identifier of a person, in bytes.
pub(super) const MAX_NAME: usize = 512;

/// Whom a signal is about.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Named {
    /// Whatever the one person is called.
    pub(super) users: Vec<Subject>,
    pub(super) sessions: Vec<Subject>,
}

/// Why a subject cannot be found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BadSubject {
    /// It is not as its format has it.
    Malformed,
    /// A format we do not know.
    Unsupported,
}

/// Both ways to look for a person whom a directory calls `id`: as the stable id, and as a name.
pub(super) fn people(id: &str) -> Vec<Subject> {
    let mut subjects = vec![Subject::User(id.into())];
    if id.contains('@') {
        subjects.push(Subject::name(id));
    }
    subjects
}

impl Named {
    /// Reads a subject identifier, or a complex subject of them.
    pub(super) fn parse(subject: Value<'_>) -> Result<Self, BadSubject> {
        if subject.kind() != Kind::Object {
            return Err(BadSubject::Malformed);
        }
        let format = match subject.get("format") {
            Some(format) => Some(format.as_str().ok_or(BadSubject::Malformed)?),
            None => None,
        };
        if !matches!(format.as_deref(), None | Some("complex")) {
            return simple(subject).map(|users| Self { users, sessions: Vec::new() });
        }
        let mut named = Self::default();
        if let Some(user) = subject.get("user") {
            named.users = simple(user)?;
        }
        if let Some(session) = subject.get("session") {
            named.sessions = simple(session)?
                .iter()
                .filter_map(|subject| match subject {
                    Subject::User(id) => Some(Subject::Session(id.clone())),
                    _ => None,
                })
                .collect();
        }
        if named == Self::default() { Err(BadSubject::Unsupported) } else { Ok(named) }
    }
}

/// One person or session, by one identifier, or by several that mean the same.
fn simple(subject: Value<'_>) -> Result<Vec<Subject>, BadSubject> {
    if subject.get("format").and_then(Value::as_str).as_deref() == Some("aliases") {
        let list = subject.get("identifiers").filter(|list| list.kind() == Kind::Array);
        let mut subjects = Vec::new();
        for identifier in list.ok_or(BadSubject::Malformed)?.elements().take(10) {
            subjects.extend(one(identifier)?);
        }
        return if subjects.is_empty() { Err(BadSubject::Malformed) } else { Ok(subjects) };
    }
    one(subject)
}

fn one(subject: Value<'_>) -> Result<Vec<Subject>, BadSubject> {
    let text = |name: &str| {
        let text = subject.get(name).and_then(Value::as_str).ok_or(BadSubject::Malformed)?;
        if text.is_empty() || text.len() > MAX_NAME { Err(BadSubject::Malformed) } else { Ok(text) }
    };
    match &*text("format")? {
        "email" => Ok(vec![Subject::name(&text("email")?)]),
        // The directory is the credential's, whatever issuer is named: a signal in the name of the organisation's own
        // issuer is about the callers of all of its authorization servers.
        "iss_sub" => text("iss").and_then(|_| Ok(people(&text("sub")?))),
        "opaque" => Ok(people(&text("id")?)),
        "account" => {
            let uri = text("uri")?;
            Ok(vec![Subject::name(uri.strip_prefix("acct:").ok_or(BadSubject::Malformed)?)])
        }
        _ => Err(BadSubject::Unsupported),
    }
}

#[cfg(test)]
mod tests {
    use attach_core::json::Document;

    use super::*;

    fn parse(json: &str) -> Result<Named, BadSubject> {
        Named::parse(Document::parse(json.to_owned().into()).expect("JSON").root())
    }

    #[test]
    fn a_complex_subject_names_a_person_and_a_session() {
        let named = parse(
            r#"{"format":"complex","user":{"format":"iss_sub","iss":"https://a","sub":"00u1"},
                "session":{"format":"opaque","id":"s1"}}"#,
        );
        let expected = Named {
            users: vec![Subject::User("00u1".into())],
            sessions: vec![Subject::Session("s1".into())],
        };
        assert_eq!(named, Ok(expected));
    }

    #[test]
    fn an_address_is_found_in_any_case_and_also_as_an_id() {
        assert_eq!(
            parse(r#"{"format":"email","email":"A@X.test"}"#).map(|named| named.users),
            Ok(vec![Subject::name("a@x.test")])
        );
        let opaque = parse(r#"{"format":"opaque","id":"A@X.test"}"#).map(|named| named.users);
        assert_eq!(opaque, Ok(vec![Subject::User("A@X.test".into()), Subject::name("a@x.test")]));
    }

    #[test]
    fn what_is_no_subject_is_told_from_what_we_do_not_know() {
        for json in ["[]", "{}", r#"{"format":1}"#, r#"{"format":"email"}"#, r#"{"format":"opaque","id":""}"#]
        {
            assert!(parse(json).is_err(), "{json}");
        }
        let unknown = parse(r#"{"format":"did","url":"did:example:1"}"#);
        assert_eq!(unknown, Err(BadSubject::Unsupported));
    }
}
