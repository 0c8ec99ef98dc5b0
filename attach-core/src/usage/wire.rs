use http::HeaderMap;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};

/// How an answer is cut into pieces that mean something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Wire {
    /// One JSON document: a unary answer.
    Json,
    /// Server-sent events: the streams of OpenAI and Anthropic.
    Sse,
    /// One JSON document per line: Ollama's streams.
    Ndjson,
}

impl Wire {
    /// The wire format that an answer's headers announce.
    ///
    /// `None` for any other media type, and for an encoded (compressed) answer, which nobody can look into.
    #[must_use]
    pub fn of(headers: &HeaderMap) -> Option<Self> {
        if headers.get_all(CONTENT_ENCODING).iter().any(|coding| !is(coding.as_bytes(), "identity")) {
            return None;
        }
        let value = headers.get(CONTENT_TYPE)?.as_bytes();
        let essence = value.split(|byte| *byte == b';').next()?;
        if is(essence, "text/event-stream") {
            Some(Self::Sse)
        } else if is(essence, "application/json") {
            Some(Self::Json)
        } else if ["application/x-ndjson", "application/ndjson", "application/jsonl"]
            .iter()
            .any(|t| is(essence, t))
        {
            Some(Self::Ndjson)
        } else {
            None
        }
    }
}

fn is(value: &[u8], name: &str) -> bool {
    value.trim_ascii().eq_ignore_ascii_case(name.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(pairs: &[(http::HeaderName, &'static str)]) -> Option<Wire> {
        let headers = pairs.iter().map(|(name, value)| (name.clone(), http::HeaderValue::from_static(value)));
        Wire::of(&headers.collect())
    }

    #[test]
    fn the_media_type_decides_whatever_its_case_and_parameters() {
        assert_eq!(of(&[(CONTENT_TYPE, "Text/Event-Stream;charset=utf-8")]), Some(Wire::Sse));
        assert_eq!(of(&[(CONTENT_TYPE, "application/JSON ; charset=utf-8")]), Some(Wire::Json));
        assert_eq!(of(&[(CONTENT_TYPE, "application/x-ndjson")]), Some(Wire::Ndjson));
        assert_eq!(of(&[(CONTENT_TYPE, "application/problem+json")]), None);
        assert_eq!(of(&[]), None);
    }

    #[test]
    fn an_encoded_answer_has_no_wire_format() {
        assert_eq!(of(&[(CONTENT_TYPE, "application/json"), (CONTENT_ENCODING, "gzip")]), None);
        assert_eq!(of(&[(CONTENT_TYPE, "application/json"), (CONTENT_ENCODING, "identity, br")]), None);
        assert_eq!(
            of(&[(CONTENT_TYPE, "application/json"), (CONTENT_ENCODING, "Identity")]),
            Some(Wire::Json)
        );
    }
}
