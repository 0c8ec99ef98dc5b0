//! A JSON document at once: a unary answer, or an event that is no delta.

use attach_core::json::{Document, Edit, Kind, Value};
use bytes::Bytes;

use super::text::{Into, Restorer, Tally};
use crate::vault::{Vault, next_prefix};

/// The document with placeholders restored in every string and key.
pub(crate) fn restore(bytes: Bytes, vault: &Vault) -> (Bytes, Tally) {
    let mut tally = Tally::default();
    let Ok(document) = Document::parse(bytes.clone()) else {
        let restored = restore_bytes(&bytes, vault, &mut tally);
        return (restored.map_or(bytes, Bytes::from), tally);
    };
    let edits = edits(document.root(), vault, &mut tally, |_| false);
    if edits.is_empty() {
        return (bytes, tally);
    }
    match document.splice(&edits) {
        Ok(spliced) => (spliced.bytes().clone(), tally),
        Err(_) => (bytes, Tally { restored: 0, withheld: tally.withheld.saturating_add(tally.restored) }),
    }
}

/// What restoring changes in `root`, except in the values that `skip` names.
pub(crate) fn edits<'a>(
    root: Value<'a>,
    vault: &Vault,
    tally: &mut Tally,
    skip: impl Fn(Value<'a>) -> bool,
) -> Vec<Edit> {
    let mut edits = Vec::new();
    for value in std::iter::once(root).chain(root.descendants()) {
        if let Some(key) = value.key()
            && let Some(restored) = restored(&key, Into::Text, vault, tally)
            && !restored.contains(char::is_control)
        {
            edits.push(Edit::key(value.id(), restored));
        }
        if value.kind() != Kind::String || skip(value) || is_signed(value) {
            continue;
        }
        if let Some(text) = value.as_str()
            && let Some(restored) = restored(&text, into(value), vault, tally)
        {
            edits.push(Edit::string(value.id(), restored));
        }
    }
    edits
}

/// Arguments are JSON in a string; whatever else is a string is text.
fn into(value: Value<'_>) -> Into {
    match value.key().as_deref() {
        Some("arguments" | "partial_json") => Into::Json,
        _ => Into::Text,
    }
}

/// A text that comes back to its provider with a signature over it must stay as it is.
fn is_signed(value: Value<'_>) -> bool {
    value.key().as_deref() == Some("thinking")
        && value.parent().is_some_and(|parent| parent.get("signature").is_some())
}

fn restored(text: &str, into: Into, vault: &Vault, tally: &mut Tally) -> Option<String> {
    // Most strings of most answers have no placeholder in them.
    next_prefix(text, 0)?;
    let mut out = String::with_capacity(text.len());
    Restorer::new(into).push(vault, text, true, tally, &mut out);
    (out != text).then_some(out)
}

/// Bytes that are not strict JSON: only values that are safe in any position are restored.
pub(crate) fn restore_bytes(bytes: &Bytes, vault: &Vault, tally: &mut Tally) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(bytes).ok()?;
    restored(text, Into::Anything, vault, tally).map(String::into_bytes)
}
