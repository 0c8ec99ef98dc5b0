//! SCIM 2.0 (RFC 7643, RFC 7644), as Okta and Entra provision.

mod attribute;
mod collection;
mod discovery;
mod endpoint;
mod error;
mod filter;
mod group;
mod group_index;
mod index;
mod limits;
mod list;
mod members;
mod names;
mod patch;
mod path;
mod person;
mod reply;
mod store;
mod stored;
mod user_index;

pub use self::endpoint::Scim;
pub use self::index::Provisioned;
pub use self::limits::ScimLimits;

/// Puts `data` through what bodies, filters and paths are put through. The error is the answer's body.
///
/// # Errors
///
/// When it is no user, and no change of one.
pub fn fuzz(data: &[u8]) -> Result<(), bytes::Bytes> {
    let text = String::from_utf8_lossy(data);
    let filtered = filter::Filter::parse(&text, &filter::USERS).map(drop);
    let mut resource = serde_json::Map::new();
    resource.insert("userName".to_owned(), "a@example.test".into());
    resource.insert("emails".to_owned(), serde_json::json!([{"type": "work", "value": "a@example.test"}]));
    let patched = attribute::object(&bytes::Bytes::copy_from_slice(data))
        .and_then(|body| patch::apply(&mut resource, &body))
        .and_then(|()| person::tidy(resource))
        .map(drop);
    let created = attribute::object(&bytes::Bytes::copy_from_slice(data)).and_then(person::tidy).map(drop);
    let changed = created.or(patched).or(filtered);
    changed.map_err(|error| error.into_response().into_body())
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::attribute::Object;
    use super::{attribute, fuzz, patch, person};

    /// JSON of the kinds and names that provisioning is made of.
    fn value() -> impl Strategy<Value = Value> {
        let name = prop::sample::select(vec![
            "value", "type", "active", "Active", "emails", "userName", "op", "path", "x",
        ]);
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            "[ -~]{0,12}".prop_map(Value::from),
            Just(json!("emails[type eq \"work\"].value")),
        ];
        leaf.prop_recursive(4, 24, 4, move |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map(name.clone().prop_map(String::from), inner, 0..4)
                    .prop_map(|all| Value::Object(all.into_iter().collect())),
            ]
        })
    }

    fn operation() -> impl Strategy<Value = Value> {
        let path = prop_oneof![
            Just("active".to_owned()),
            Just("emails".to_owned()),
            Just("emails[type eq \"work\"].value".to_owned()),
            Just("emails[value eq \"a@x.test\"]".to_owned()),
            Just("name.givenName".to_owned()),
            Just("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value".to_owned()),
            "[ -~]{0,20}",
        ];
        let op = prop::sample::select(vec!["add", "Add", "replace", "Replace", "remove", "Remove"]);
        (op, prop::option::of(path), value()).prop_map(|(op, path, value)| match path {
            Some(path) => json!({"op": op, "path": path, "value": value}),
            None => json!({"op": op, "value": value}),
        })
    }

    fn user(active: bool) -> Object {
        let user =
            json!({"userName": "a", "active": active, "emails": [{"type": "work", "value": "a@x.test"}]});
        user.as_object().expect("an object").clone()
    }

    proptest! {
        #[test]
        fn whatever_is_sent_leaves_a_user_who_can_be_read_or_an_error(operations in prop::collection::vec(operation(), 1..5)) {
            let body = json!({"Operations": operations});
            let body = attribute::object(&Bytes::from(body.to_string())).expect("an object");
            let mut changed = user(true);
            if let Ok(tidy) = patch::apply(&mut changed, &body).and_then(|()| person::tidy(changed)) {
                prop_assert!(tidy["active"].is_boolean() && tidy["userName"].is_string());
                prop_assert_eq!(person::tidy(tidy.clone()).ok(), Some(tidy), "tidying is done once");
            }
        }

        #[test]
        fn active_is_understood_in_every_dialect(
            before: bool, after: bool, as_text: bool, capital: bool, with_path: bool, add: bool,
        ) {
            let value = match (as_text, capital) {
                (false, _) => json!(after),
                (true, true) => json!(if after { "True" } else { "False" }),
                (true, false) => json!(after.to_string()),
            };
            let op = match (add, capital) {
                (true, true) => "Add",
                (true, false) => "add",
                (false, true) => "Replace",
                (false, false) => "replace",
            };
            let operation = if with_path {
                json!({"op": op, "path": "active", "value": value})
            } else {
                json!({"op": op, "value": {"Active": value}})
            };
            let mut changed = user(before);
            let body = json!({"operations": [operation]});
            patch::apply(&mut changed, body.as_object().expect("an object")).expect("applies");
            prop_assert_eq!(&person::tidy(changed).expect("a user")["active"], after);
        }

        #[test]
        fn whatever_the_bytes_an_error_is_of_the_specified_shape(data in prop::collection::vec(any::<u8>(), 0..200)) {
            if let Err(body) = fuzz(&data) {
                let body: Value = serde_json::from_slice(&body).expect("JSON");
                prop_assert!(body["status"].is_string() && body["detail"].is_string());
            }
        }
    }
}
