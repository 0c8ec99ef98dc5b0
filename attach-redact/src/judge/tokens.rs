//! The tokens of an answer, one by one, as they are told with their probabilities.

use attach_core::json::{Document, Edit, Kind};

/// What takes the tokens out that repeat, one by one, a text in which something was masked.
pub(super) fn without_tokens(document: &Document) -> Vec<Edit> {
    let (mut edits, mut within) = (Vec::new(), 0);
    for value in document.root().descendants() {
        if value.raw_key() == Some(b"logprobs") {
            within = value.span().end.max(within);
        }
        if value.span().start >= within {
            continue;
        }
        match value.kind() {
            Kind::String => edits.push(Edit::string(value.id(), "")),
            Kind::Number if value.key().is_none() => edits.push(Edit::raw(value.id(), "0")),
            _ => {}
        }
    }
    edits
}
