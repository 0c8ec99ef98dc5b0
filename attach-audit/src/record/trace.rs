//! The trace that a request belongs to.

use http::HeaderMap;
use serde::{Serialize, Serializer};

/// A trace id of W3C Trace Context, level 1: 32 hex digits in small letters, not all zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TraceId([u8; 32]);

impl TraceId {
    /// Of the one `traceparent` among `headers` (section 3.2.2). One that is malformed or repeated counts for nothing.
    pub(crate) fn of(headers: &HeaderMap) -> Option<Self> {
        let mut all = headers.get_all("traceparent").iter();
        let only = all.next().filter(|_| all.next().is_none())?;
        Self::parse(only.as_bytes())
    }

    fn parse(value: &[u8]) -> Option<Self> {
        let (fixed, rest) = value.split_at_checked(55)?;
        let (version, trace, parent, flags) =
            (fixed.get(..2)?, fixed.get(3..35)?, fixed.get(36..52)?, fixed.get(53..)?);
        let dashes = [2, 35, 52].iter().all(|&at| fixed.get(at) == Some(&b'-'));
        let hex = |part: &[u8]| part.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        let zero = |part: &[u8]| part.iter().all(|byte| *byte == b'0');
        // A later version may have more behind a dash; this one has not.
        let ends = if version == b"00" { rest.is_empty() } else { rest.is_empty() || rest.starts_with(b"-") };
        let is_right = dashes && [version, trace, parent, flags].into_iter().all(hex) && ends;
        let is_valid = is_right && version != b"ff" && !zero(trace) && !zero(parent);
        is_valid.then(|| trace.try_into().ok().map(Self))?
    }
}

impl Serialize for TraceId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(std::str::from_utf8(&self.0).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    fn parse(value: &str) -> bool {
        TraceId::parse(value.as_bytes()).is_some()
    }

    #[test]
    fn the_example_of_the_standard_is_read() {
        let id = TraceId::parse(GOOD.as_bytes()).expect("is right");
        assert_eq!(serde_json::to_value(id).expect("is text"), "0af7651916cd43dd8448eb211c80319c");
        assert!(parse(&GOOD.replacen("00", "cc", 1)), "a later version");
        assert!(parse(&format!("{}-more", GOOD.replacen("00", "cc", 1))));
    }

    #[test]
    fn what_the_standard_forbids_is_no_trace() {
        for wrong in [
            "",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331",
            "00-0AF7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
            "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00_0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more",
            "cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01.more",
        ] {
            assert!(!parse(wrong), "{wrong}");
        }
    }

    #[test]
    fn a_repeated_header_counts_for_nothing() {
        let mut headers = HeaderMap::new();
        headers.append("traceparent", GOOD.parse().expect("a value"));
        assert!(TraceId::of(&headers).is_some());
        headers.append("traceparent", GOOD.parse().expect("a value"));
        assert_eq!(TraceId::of(&headers), None);
    }
}
