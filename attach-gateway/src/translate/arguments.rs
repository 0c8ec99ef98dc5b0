use attach_core::json::Document;
use bytes::Bytes;
use serde_json::value::RawValue;

/// The arguments of a tool call as the JSON that they are the text of; none at all are an empty object.
///
/// `None` if they are no JSON that every parser reads alike. Redaction has looked into those that are, and at any other
/// as a text, in which an escape hides what whoever reads it as JSON finds.
pub(super) fn opened(text: &str) -> Option<&RawValue> {
    let text = text.trim();
    let text = if text.is_empty() { "{}" } else { text };
    Document::parse(Bytes::copy_from_slice(text.as_bytes())).ok()?;
    serde_json::from_str(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_two_parsers_read_differently_is_not_opened() {
        let opened = |text| opened(text).map(RawValue::get);
        assert_eq!(opened(" "), Some("{}"));
        assert_eq!(opened(" {\"a\": [1]}\n"), Some("{\"a\": [1]}"));
        for text in ["{", r#"{"a":1,"a":2}"#, r#"{"a":1,"\u0061":2}"#, &"[".repeat(100), "{} {}"] {
            assert_eq!(opened(text), None, "{text}");
        }
    }
}
