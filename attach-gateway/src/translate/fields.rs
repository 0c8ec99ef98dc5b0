//! Members of a request, as the readers of every dialect take them.

use std::borrow::Cow;

use attach_core::json::Value;
use serde_json::value::RawValue;

/// The member `key`, unless it is null.
pub(super) fn set<'a>(holder: Value<'a>, key: &str) -> Option<Value<'a>> {
    holder.get(key).filter(|value| !value.is_null())
}

/// The text of the member `key`.
pub(super) fn text<'a>(holder: Value<'a>, key: &str) -> Option<Cow<'a, str>> {
    holder.get(key)?.as_str()
}

/// A text, or a list of texts.
pub(super) fn texts(value: Value<'_>) -> Vec<Cow<'_, str>> {
    match value.as_str() {
        Some(one) => vec![one],
        None => value.elements().filter_map(Value::as_str).collect(),
    }
}

/// The value as it was written.
pub(super) fn raw(value: Value<'_>) -> Option<&RawValue> {
    serde_json::from_slice(value.raw()).ok()
}

/// Where a value stands, as the name of a field: `messages[0].content`.
pub(super) fn place(value: Value<'_>) -> String {
    let path = value.path();
    path.strip_prefix("$.").unwrap_or(&path).to_owned()
}

/// The elements of the list `key`; none if there is none.
pub(super) fn each<'a>(holder: Value<'a>, key: &str) -> impl Iterator<Item = Value<'a>> + use<'a> {
    holder.get(key).into_iter().flat_map(Value::elements)
}
