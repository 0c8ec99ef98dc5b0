//! Values of attributes that have several, above all the members of groups.

use std::collections::HashSet;

use serde_json::Value;

use super::attribute::get;
use super::error::ScimError;

/// The most values of one attribute, whatever the limits for groups are.
const MAX_VALUES: usize = 100_000;

/// Adds one value, or each of several, unless it is there (RFC 7644 §3.5.2.1).
pub(super) fn add(list: &mut Vec<Value>, value: Value) -> Result<(), ScimError> {
    let new = match value {
        Value::Array(values) => values,
        one => vec![one],
    };
    if list.len() + new.len() > MAX_VALUES {
        return Err(ScimError::full("the attribute has too many values"));
    }
    let mut there: HashSet<String> = list.iter().map(mark).collect();
    list.extend(new.into_iter().filter(|value| there.insert(mark(value))));
    Ok(())
}

/// Takes out one value, or each of several.
pub(super) fn remove(list: &mut Vec<Value>, value: &Value) {
    let gone: HashSet<String> = match value {
        Value::Array(values) => values.iter().map(plain).collect(),
        one => HashSet::from([plain(one)]),
    };
    list.retain(|value| !gone.contains(&plain(value)));
}

/// What tells one value from another: its `value` and `type` where it has them.
fn mark(value: &Value) -> String {
    match value.as_object().and_then(|object| get(object, "type")) {
        Some(kind) => format!("{} {kind}", plain(value)),
        None => plain(value),
    }
}

/// What a value is called.
fn plain(value: &Value) -> String {
    value.as_object().and_then(|object| get(object, "value")).unwrap_or(value).to_string()
}
