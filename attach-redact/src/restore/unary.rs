//! A JSON document at once: a unary answer, or an event that is no delta.

use attach_core::json::{Document, Edit, Kind, Value};
use bytes::Bytes;

use super::text::{Into, Restorer, Tally};
use crate::vault::{Vault, next_prefix};

/// What happens to a value and everything in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Treat {
    /// It is restored.
    Restore,
    /// It stays as it is: nothing in it is a whole text.
    Skip,
    /// It stays as it is, and placeholders in it are counted as withheld.
    Keep,
}

/// The document with placeholders restored in every string and key.
pub(crate) fn restore(bytes: Bytes, vault: &Vault) -> (Bytes, Tally) {
    let mut tally = Tally::default();
    if !super::may_have_any(&bytes) {
        return (bytes, tally);
    }
    let Ok(document) = Document::parse(bytes.clone()) else {
        let restored = restore_bytes(&bytes, vault, &mut tally);
        return (restored.map_or(bytes, Bytes::from), tally);
    };
    let edits = edits(document.root(), vault, &mut tally, |_| Treat::Restore);
    if edits.is_empty() {
        return (bytes, tally);
    }
    match document.splice(&edits) {
        Ok(spliced) => (spliced.bytes().clone(), tally),
        Err(_) => (bytes, tally.undone()),
    }
}

/// What restoring changes in `root`, except in the values that `treat` or their place say otherwise of.
pub(super) fn edits<'a>(
    root: Value<'a>,
    vault: &Vault,
    tally: &mut Tally,
    treat: impl Fn(Value<'a>) -> Treat,
) -> Vec<Edit> {
    let mut edits = Vec::new();
    let (mut treated, mut treated_to) = (Treat::Restore, 0);
    for value in std::iter::once(root).chain(root.descendants()) {
        let span = value.span();
        if span.start >= treated_to {
            treated = match treat(value) {
                Treat::Restore => by_place(value, vault),
                other => other,
            };
            treated_to = if treated == Treat::Restore { treated_to } else { span.end };
        }
        if treated != Treat::Skip {
            edits.extend(edits_of(value, treated == Treat::Keep, vault, tally));
        }
    }
    edits
}

/// The edits of one value: of its key, and of itself if it is a string.
fn edits_of(value: Value<'_>, keep: bool, vault: &Vault, tally: &mut Tally) -> impl Iterator<Item = Edit> {
    let into = |into| if keep { Into::Nothing } else { into };
    // Most keys and strings of most answers have no placeholder in them, and are not even decoded.
    let in_key = value.raw_key().is_some_and(super::may_have_any);
    let in_text = value.kind() == Kind::String && super::may_have_any(value.raw());
    let key = in_key
        .then(|| value.key())
        .flatten()
        .and_then(|key| restored(&key, into(Into::Text), vault, tally))
        .filter(|key| !key.contains(char::is_control))
        .map(|key| Edit::key(value.id(), key));
    let text = in_text.then(|| value.as_str()).flatten();
    let text = text.and_then(|text| restored(&text, into(kind(value)), vault, tally));
    key.into_iter().chain(text.map(|text| Edit::string(value.id(), text)))
}

/// What is to be known of a value by where it stands.
fn by_place(value: Value<'_>, vault: &Vault) -> Treat {
    match value.raw_key() {
        // Tokens, and their bytes as numbers: what the model wrote, not a text. And what has to be sent back unmodified
        // (OpenRouter, "Preserving reasoning").
        Some(b"logprobs" | b"reasoning_details") => Treat::Skip,
        Some(b"thinking") if is_signed(value) => Treat::Skip,
        Some(_) if vault.external().has_arguments(value) => Treat::Keep,
        _ => Treat::Restore,
    }
}

/// Arguments are JSON in a string; whatever else is a string is text.
fn kind(value: Value<'_>) -> Into {
    match value.key().as_deref() {
        Some("arguments" | "partial_json") => Into::Json,
        _ if is_json(value) => Into::Json,
        _ => Into::Text,
    }
}

/// Whether a string itself is a JSON object or list, as the answers of models with a schema are.
fn is_json(value: Value<'_>) -> bool {
    let begins = |text: &str| text.trim_ascii_start().starts_with(['{', '[']);
    let text = value.as_str().filter(|text| begins(text) && next_prefix(text, 0).is_some());
    text.is_some_and(|text| Document::parse(text.into_owned().into()).is_ok())
}

/// A text that comes back to its provider with a signature over it must stay as it is.
fn is_signed(value: Value<'_>) -> bool {
    value.parent().is_some_and(|parent| parent.get("signature").is_some())
}

fn restored(text: &str, into: Into, vault: &Vault, tally: &mut Tally) -> Option<String> {
    next_prefix(text, 0)?;
    let mut out = String::with_capacity(text.len());
    Restorer::new(into).push(vault, text, true, tally, &mut out);
    (out != text).then_some(out)
}

/// Bytes that are not strict JSON: only values that are safe in any position are restored.
pub(crate) fn restore_bytes(bytes: &[u8], vault: &Vault, tally: &mut Tally) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(bytes).ok()?;
    restored(text, Into::Anything, vault, tally).map(String::into_bytes)
}
