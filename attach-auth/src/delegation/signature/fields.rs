//! The few shapes of structured fields (RFC 9651) that signatures are made of, in their canonical spelling.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// A key (RFC 9651 §3.1.2), and what comes after it.
pub(super) fn key(text: &str) -> Option<(&str, &str)> {
    let inner = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-' | b'.' | b'*');
    let end = text.bytes().position(|byte| !inner(byte)).unwrap_or(text.len());
    let (key, rest) = text.split_at(end);
    key.starts_with(|first: char| first.is_ascii_lowercase() || first == '*').then_some((key, rest))
}

/// A string without anything to escape (RFC 9651 §3.3.3), and what comes after it.
pub(super) fn string(text: &str) -> Option<(&str, &str)> {
    let (inside, rest) = text.strip_prefix('"')?.split_once('"')?;
    let plain = inside.bytes().all(|byte| matches!(byte, b' '..=b'~') && byte != b'\\');
    plain.then_some((inside, rest))
}

/// An integer that is not negative (RFC 9651 §3.3.1), and what comes after it.
pub(super) fn integer(text: &str) -> Option<(u64, &str)> {
    let end = text.bytes().position(|byte| !byte.is_ascii_digit()).unwrap_or(text.len());
    let (digits, rest) = text.split_at(end);
    let canonical = digits == "0" || !digits.starts_with('0');
    (canonical && (1..=15).contains(&digits.len())).then_some((digits.parse().ok()?, rest))
}

/// A byte sequence (RFC 9651 §3.3.5), and what comes after it.
pub(super) fn bytes(text: &str) -> Option<(Vec<u8>, &str)> {
    let (inside, rest) = text.strip_prefix(':')?.split_once(':')?;
    Some((STANDARD.decode(inside).ok()?, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_is_canonical() {
        assert_eq!(key("sig1=x"), Some(("sig1", "=x")));
        assert_eq!(string("\"a b\";x"), Some(("a b", ";x")));
        assert_eq!(integer("1700000000;"), Some((1_700_000_000, ";")));
        assert_eq!(bytes(":Zg==:,"), Some((b"f".to_vec(), ",")));
        for none in ["", "Sig=x", "1sig=x", "=x"] {
            assert_eq!(key(none), None, "{none}");
        }
        for none in ["", "a", "\"a", "\"a\\\"b\"", "\"é\"", "\"a\tb\"", " \"a\""] {
            assert_eq!(string(none), None, "{none}");
        }
        for none in ["", "-1", "01", "1234567890123456", "+1", " 1"] {
            assert_eq!(integer(none), None, "{none}");
        }
        for none in ["", ":Zg:", ":Zh==:", ":Zg==", ":Z g==:", "Zg==:", ":_w==:"] {
            assert_eq!(bytes(none), None, "{none}");
        }
    }
}
