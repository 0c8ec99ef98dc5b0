//! Attributes of resources, whose names have no case (RFC 7643 §2.1).

use attach_core::json::Document;
use bytes::Bytes;
use serde_json::{Map, Value};

use super::error::ScimError;

pub(super) type Object = Map<String, Value>;

/// A body that is one JSON object, in which no name comes twice.
pub(super) fn object(body: &Bytes) -> Result<Object, ScimError> {
    // Two parsers must not read two things: what has one meaning only is let through to the second.
    Document::parse(body.clone()).map_err(|_| ScimError::invalid_syntax("the body is not strict JSON"))?;
    match serde_json::from_slice(body) {
        Ok(Value::Object(object)) => Ok(object),
        _ => Err(ScimError::invalid_syntax("the body is not an object")),
    }
}

/// The name under which `object` has the attribute `name`.
pub(super) fn spelled(object: &Object, name: &str) -> Option<String> {
    if object.contains_key(name) {
        return Some(name.to_owned());
    }
    object.keys().find(|key| key.eq_ignore_ascii_case(name)).cloned()
}

/// The value of the attribute `name`.
pub(super) fn get<'o>(object: &'o Object, name: &str) -> Option<&'o Value> {
    object
        .get(name)
        .or_else(|| object.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value))
}

/// A text with something in it.
pub(super) fn text<'o>(object: &'o Object, name: &str) -> Option<&'o str> {
    get(object, name)?.as_str().filter(|text| !text.is_empty())
}

/// The same object, in which attributes of `known` are spelled as there.
pub(super) fn canonical(object: Object, known: &[&str]) -> Result<Object, ScimError> {
    let mut tidy = Object::new();
    for (name, value) in object {
        let name = match known.iter().find(|known| known.eq_ignore_ascii_case(&name)) {
            Some(known) => (*known).to_owned(),
            None => name,
        };
        if tidy.insert(name, value).is_some() {
            return Err(ScimError::invalid_syntax("an attribute comes twice"));
        }
    }
    Ok(tidy)
}

/// A truth value, which Entra writes as `"True"` or `"False"`.
pub(super) fn truth(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(truth) => Some(*truth),
        Value::String(text) if text.eq_ignore_ascii_case("true") => Some(true),
        Value::String(text) if text.eq_ignore_ascii_case("false") => Some(false),
        _ => None,
    }
}
