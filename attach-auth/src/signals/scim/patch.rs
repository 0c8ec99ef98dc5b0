//! Changes to parts of a resource (RFC 7644 §3.5.2), in the dialects of Okta and Entra.
//!
//! Entra capitalises operations, names attributes by whole paths within a value that has none of its own, writes
//! truth values as text, and replaces addresses that are not there yet. All of it is understood: a change that were
//! refused for its dialect would take the `active: false` beside it along.

use serde_json::Value;

use super::attribute::{Object, get, spelled, text};
use super::error::ScimError;
use super::members;
use super::path::{Path, Which};

/// Operations of one request that are looked at.
const MAX_OPERATIONS: usize = 1000;
/// Attributes that are ours to set, and are not looked at where they come along.
const OURS: [&str; 3] = ["id", "meta", "schemas"];
/// Attributes with several values, whatever was sent first.
const SEVERAL: [&str; 7] = ["emails", "members", "phoneNumbers", "addresses", "roles", "entitlements", "ims"];

#[derive(Debug, Clone, Copy, PartialEq)]
enum Verb {
    Add,
    Replace,
    Remove,
}

/// Applies every operation of `body` to `resource`, in order.
///
/// # Errors
///
/// When one does not apply; the resource is then to be thrown away.
pub(super) fn apply(resource: &mut Object, body: &Object) -> Result<(), ScimError> {
    let operations = get(body, "Operations").and_then(Value::as_array);
    let operations = operations.ok_or_else(|| ScimError::invalid_syntax("there are no `Operations`"))?;
    if operations.is_empty() || operations.len() > MAX_OPERATIONS {
        return Err(ScimError::invalid_value("there have to be 1 to 1000 operations"));
    }
    operations.iter().try_for_each(|operation| one(resource, operation))
}

fn one(resource: &mut Object, operation: &Value) -> Result<(), ScimError> {
    let operation =
        operation.as_object().ok_or_else(|| ScimError::invalid_syntax("an operation is no object"))?;
    let verb = match text(operation, "op").map(str::to_ascii_lowercase).as_deref() {
        Some("add") => Verb::Add,
        Some("replace") => Verb::Replace,
        Some("remove") => Verb::Remove,
        _ => return Err(ScimError::invalid_syntax("`op` is add, replace or remove")),
    };
    let value = get(operation, "value").cloned().unwrap_or(Value::Null);
    let path = match get(operation, "path") {
        None | Some(Value::Null) => None,
        Some(Value::String(path)) if path.is_empty() => None,
        Some(Value::String(path)) => Some(path),
        Some(_) => return Err(ScimError::invalid_path()),
    };
    match (path, value) {
        (Some(path), value) => {
            let path = Path::parse(path)?;
            if OURS.iter().any(|name| name.eq_ignore_ascii_case(&path.attribute)) {
                return Err(ScimError::mutability());
            }
            at(resource, path, verb, value)
        }
        (None, Value::Object(values)) if verb != Verb::Remove => {
            values.into_iter().try_for_each(|(name, value)| {
                let path = Path::parse(&name)?;
                let ours = OURS.iter().any(|ours| ours.eq_ignore_ascii_case(&path.attribute));
                if ours { Ok(()) } else { at(resource, path, verb, value) }
            })
        }
        (None, _) if verb == Verb::Remove => Err(ScimError::no_target()),
        (None, _) => Err(ScimError::invalid_value("without a path, the value has to be an object")),
    }
}

fn at(resource: &mut Object, path: Path, verb: Verb, value: Value) -> Result<(), ScimError> {
    let within = match path.extension {
        None => resource,
        Some(urn) => {
            let name = spelled(resource, urn).unwrap_or_else(|| urn.to_owned());
            let extension = resource.entry(name).or_insert_with(|| Value::Object(Object::new()));
            extension.as_object_mut().ok_or_else(ScimError::no_target)?
        }
    };
    let name = spelled(within, &path.attribute).unwrap_or_else(|| path.attribute.clone());
    match (path.which, path.sub) {
        (None, None) => whole(within, name, verb, value),
        (None, Some(sub)) => part(within, name, &sub, verb, value),
        (Some(which), sub) => some(within, name, (&which, sub.as_deref()), verb, value),
    }
}

fn whole(within: &mut Object, name: String, verb: Verb, value: Value) -> Result<(), ScimError> {
    match (verb, within.get_mut(&name), value) {
        (Verb::Remove, Some(Value::Array(list)), value @ (Value::Array(_) | Value::Object(_))) => {
            members::remove(list, &value);
        }
        (Verb::Remove, ..) | (_, _, Value::Null) => drop(within.remove(&name)),
        (Verb::Add, Some(Value::Array(list)), value) => members::add(list, value)?,
        (_, Some(Value::Object(there)), Value::Object(value)) => merge(there, value),
        (_, _, value) => drop(within.insert(name, value)),
    }
    Ok(())
}

fn part(within: &mut Object, name: String, sub: &str, verb: Verb, value: Value) -> Result<(), ScimError> {
    let several = SEVERAL.iter().any(|several| several.eq_ignore_ascii_case(&name));
    let empty = || {
        if several { Value::Array(vec![Value::Object(Object::new())]) } else { Value::Object(Object::new()) }
    };
    if verb == Verb::Remove && !within.contains_key(&name) {
        return Ok(());
    }
    match within.entry(name).or_insert_with(empty) {
        Value::Object(there) => set(there, sub, verb, value),
        Value::Array(list) => {
            for there in list.iter_mut().filter_map(Value::as_object_mut) {
                set(there, sub, verb, value.clone());
            }
        }
        _ => return Err(ScimError::no_target()),
    }
    Ok(())
}

fn some(
    within: &mut Object,
    name: String,
    (which, sub): (&Which, Option<&str>),
    verb: Verb,
    value: Value,
) -> Result<(), ScimError> {
    let list = within.entry(name).or_insert_with(|| Value::Array(Vec::new()));
    let list = list.as_array_mut().ok_or_else(ScimError::no_target)?;
    if verb == Verb::Remove && sub.is_none() {
        list.retain(|there| !which.means(there));
        return Ok(());
    }
    let mut found = false;
    for there in list.iter_mut().filter(|there| which.means(there)).filter_map(Value::as_object_mut) {
        found = true;
        put(there, sub, verb, value.clone())?;
    }
    if !found && verb != Verb::Remove {
        let mut new = Object::new();
        new.insert(which.attribute.clone(), which.value.clone());
        put(&mut new, sub, verb, value)?;
        members::add(list, Value::Object(new))?;
    }
    Ok(())
}

fn put(there: &mut Object, sub: Option<&str>, verb: Verb, value: Value) -> Result<(), ScimError> {
    match (sub, value) {
        (Some(sub), value) => set(there, sub, verb, value),
        (None, Value::Object(value)) => merge(there, value),
        (None, _) => return Err(ScimError::invalid_value("the value has to be an object")),
    }
    Ok(())
}

fn set(there: &mut Object, sub: &str, verb: Verb, value: Value) {
    let name = spelled(there, sub).unwrap_or_else(|| sub.to_owned());
    if verb == Verb::Remove || value.is_null() {
        there.remove(&name);
    } else {
        there.insert(name, value);
    }
}

fn merge(there: &mut Object, value: Object) {
    for (name, value) in value {
        set(there, &name, Verb::Replace, value);
    }
}

impl Which {
    fn means(&self, value: &Value) -> bool {
        let there = value.as_object().and_then(|object| get(object, &self.attribute));
        match (there, &self.value) {
            (Some(Value::String(there)), Value::String(value)) => there.eq_ignore_ascii_case(value),
            (Some(there @ Value::Bool(_)), Value::String(_)) | (Some(there), _) => {
                *there == self.value
                    || super::attribute::truth(&self.value).is_some_and(|value| *there == Value::Bool(value))
            }
            (None, _) => false,
        }
    }
}
