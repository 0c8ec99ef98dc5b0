//! What a user is, and has to be (RFC 7643 §4.1).

use serde_json::Value;

use super::attribute::{self, Object};
use super::error::ScimError;
use crate::signals::subject::MAX_NAME;

pub(super) const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";

const KNOWN: [&str; 9] =
    ["schemas", "id", "externalId", "userName", "active", "emails", "meta", "password", "groups"];
/// Attributes that are ours to say, and the one that nobody should send us.
const NOT_STORED: [&str; 4] = ["id", "meta", "groups", "password"];
const MAX_EMAILS: usize = 20;
/// The longest user that is stored, in bytes of JSON.
const MAX_BYTES: usize = 32 * 1024;

/// A user as it is stored: what we rely on is there and of the right type, what is not the sender's is not.
pub(super) fn tidy(user: Object) -> Result<Object, ScimError> {
    let mut user = attribute::canonical(user, &KNOWN)?;
    NOT_STORED.iter().for_each(|name| drop(user.remove(*name)));
    user.entry("schemas").or_insert_with(|| serde_json::json!([USER]));
    let wrong = |what: &'static str| Err(ScimError::invalid_value(what));
    if !user.get("userName").is_some_and(is_name) {
        return wrong("`userName` has to be a text of at most 512 bytes");
    }
    match user.get("externalId") {
        Some(Value::Null) => drop(user.remove("externalId")),
        None => {}
        Some(id) if is_name(id) => {}
        Some(_) => return wrong("`externalId` has to be a text of at most 512 bytes"),
    }
    let Some(active) = user.get("active").map_or(Some(true), attribute::truth) else {
        return wrong("`active` has to be true or false");
    };
    user.insert("active".to_owned(), active.into());
    if let Some(emails) = user.remove("emails") {
        user.insert("emails".to_owned(), self::emails(emails)?);
    }
    if serde_json::to_vec(&user).map_or(usize::MAX, |json| json.len()) > MAX_BYTES {
        return Err(ScimError::full("the user is longer than 32 KiB"));
    }
    Ok(user)
}

fn is_name(value: &Value) -> bool {
    value.as_str().is_some_and(|name| !name.trim().is_empty() && name.len() <= MAX_NAME)
}

fn emails(emails: Value) -> Result<Value, ScimError> {
    let list = match emails {
        Value::Array(list) => list,
        Value::Null => Vec::new(),
        one => vec![one],
    };
    let wrong = || ScimError::invalid_value("`emails` has to be a list of at most 20 objects with a `value`");
    if list.len() > MAX_EMAILS {
        return Err(wrong());
    }
    let tidy = list.into_iter().map(|email| {
        let Value::Object(email) = email else { return Err(wrong()) };
        let email = attribute::canonical(email, &["value", "type", "primary"])?;
        match email.get("value") {
            None | Some(Value::Null) => Ok(Value::Object(email)),
            Some(address) if is_name(address) => Ok(Value::Object(email)),
            Some(_) => Err(wrong()),
        }
    });
    tidy.collect::<Result<Vec<_>, _>>().map(Value::Array)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn tidied(user: Value) -> Result<Object, ScimError> {
        let Value::Object(user) = user else { panic!("an object") };
        tidy(user)
    }

    #[test]
    fn passwords_and_what_is_ours_are_not_stored() {
        let user = tidied(json!({"username": "a", "PASSWORD": "x", "id": "mine", "meta": {}, "groups": []}));
        let user = user.expect("a user");
        assert_eq!(Value::Object(user), json!({"schemas": [USER], "userName": "a", "active": true}));
    }

    #[test]
    fn what_is_no_user_is_refused() {
        for bad in [
            json!({}),
            json!({"userName": ""}),
            json!({"userName": 1}),
            json!({"userName": "a", "USERNAME": "b"}),
            json!({"userName": "a".repeat(513)}),
            json!({"userName": "a", "active": "perhaps"}),
            json!({"userName": "a", "active": null}),
            json!({"userName": "a", "emails": ["a@example.test"]}),
            json!({"userName": "a", "externalId": 5}),
            json!({"userName": "a", "nickName": "x".repeat(40_000)}),
        ] {
            assert!(tidied(bad.clone()).is_err(), "{bad}");
        }
    }
}
