//! What a group is, and has to be (RFC 7643 §4.2).

use std::collections::HashSet;

use serde_json::{Value, json};

use super::attribute::{self, Object};
use super::error::ScimError;
use crate::signals::subject::MAX_NAME;

pub(super) const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";

const KNOWN: [&str; 6] = ["schemas", "id", "externalId", "displayName", "members", "meta"];

/// A group as it is stored: its name, its directory's id of it, and its members, each once.
pub(super) fn tidy(group: Object, most: usize) -> Result<Object, ScimError> {
    let mut group = attribute::canonical(group, &KNOWN)?;
    let wrong = |what: &'static str| Err(ScimError::invalid_value(what));
    let is_name =
        |value: &Value| value.as_str().is_some_and(|name| !name.trim().is_empty() && name.len() <= MAX_NAME);
    let Some(name) = group.remove("displayName").filter(is_name) else {
        return wrong("`displayName` has to be a text of at most 512 bytes");
    };
    let mut tidy = Object::new();
    tidy.insert("schemas".to_owned(), json!([GROUP]));
    tidy.insert("displayName".to_owned(), name);
    match group.remove("externalId") {
        None | Some(Value::Null) => {}
        Some(id) if is_name(&id) => drop(tidy.insert("externalId".to_owned(), id)),
        Some(_) => return wrong("`externalId` has to be a text of at most 512 bytes"),
    }
    let members = members(group.remove("members").unwrap_or(Value::Null))?;
    if members.len() > most {
        return Err(ScimError::full("the group has too many members"));
    }
    tidy.insert("members".to_owned(), members.into());
    Ok(tidy)
}

fn members(members: Value) -> Result<Vec<Value>, ScimError> {
    let list = match members {
        Value::Array(list) => list,
        Value::Null => Vec::new(),
        one => vec![one],
    };
    let (mut there, mut tidy) = (HashSet::new(), Vec::new());
    for member in list {
        let id = member.as_object().and_then(|member| attribute::text(member, "value"));
        let Some(id) = id.filter(|id| id.len() <= MAX_NAME) else {
            return Err(ScimError::invalid_value("a member has to be an object with a `value`"));
        };
        if there.insert(id.to_owned()) {
            tidy.push(json!({"value": id}));
        }
    }
    Ok(tidy)
}
