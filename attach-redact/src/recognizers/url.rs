//! The user and the password in a URL, and the password of a connection string.

use crate::engine::Hits;
use crate::finding::Strength;
use crate::{Entity, Finding};

/// The longest user and password that are looked at.
const LONGEST: usize = 512;

/// The longest password of a connection string.
const PASSWORD: usize = 128;

/// How far before a password other settings may stand.
const REACH: usize = 64;

/// Looks at a URL whose `://` ends at `start`.
pub(crate) fn scan(hits: &mut Hits<'_>, start: usize) {
    let rest = hits.text.as_bytes().get(start..).unwrap_or_default();
    let ends = |byte: &u8| {
        byte.is_ascii_whitespace()
            || matches!(byte, b'/' | b'?' | b'#' | b'"' | b'\'' | b'<' | b'>' | b'`' | b'\\')
    };
    let authority = rest.iter().take(LONGEST).take_while(|byte| !ends(byte)).count();
    let Some(at) = rest[..authority].iter().rposition(|byte| *byte == b'@') else { return };
    let Some(colon) = rest[..at].iter().position(|byte| *byte == b':') else { return };
    let password = &rest[colon + 1..at];
    if at + 1 < authority && is_value(password) {
        hits.push(Finding::strong(start..start + at, Entity::UrlCredentials, 1.0, Strength::Prefix));
    }
}

/// Looks at a connection string's `password=` that ends at `start`.
pub(crate) fn scan_password(hits: &mut Hits<'_>, start: usize) {
    let bytes = hits.text.as_bytes();
    let rest = bytes.get(start..).unwrap_or_default();
    let before = &bytes[start.saturating_sub(REACH)..start];
    let query = is_query(before);
    let ends = |byte: &u8| {
        byte.is_ascii_whitespace()
            || matches!(byte, b';' | b'"' | b'\'' | b'<' | b'`')
            || (query && *byte == b'&')
    };
    let length = rest.iter().take(PASSWORD).take_while(|byte| !ends(byte)).count();
    // Only among other settings: `Server=db;User Id=sa;Password=…;`, `?user=sa&password=…`, `host=db password=…`.
    let settings = before.contains(&b';') && before.contains(&b'=');
    let among = rest.get(length) == Some(&b';') || settings || query || is_libpq(before);
    if length >= 4 && among && is_value(&rest[..length]) {
        hits.push(Finding::strong(start..start + length, Entity::UrlCredentials, 0.9, Strength::Prefix));
    }
}

/// Whether the setting behind `before` stands in the query of a URL, as JDBC's do.
fn is_query(before: &[u8]) -> bool {
    let word = |byte: &&u8| !byte.is_ascii_whitespace() && !matches!(byte, b'"' | b'\'' | b'<' | b'`' | b';');
    before.iter().rev().take_while(word).any(|byte| *byte == b'?')
}

/// Whether it stands behind others in PostgreSQL's words (libpq §34.1.1.1).
fn is_libpq(before: &[u8]) -> bool {
    ["host=", "user=", "dbname="].iter().any(|name| memchr::memmem::find(before, name.as_bytes()).is_some())
}

/// Neither a variable, nor asterisks, nor a placeholder in angle brackets.
fn is_value(password: &[u8]) -> bool {
    let variable = password.first().is_some_and(|first| matches!(first, b'$' | b'{' | b'%' | b'[' | b'<'));
    !password.is_empty()
        && !variable
        && password.iter().any(|byte| !matches!(byte, b'*' | b'x' | b'X' | b'.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_of_a_query_and_of_libpq_are_told_from_prose() {
        assert!(is_query(b"jdbc:postgresql://db/x?user=sa&"));
        assert!(!is_query(b"Really? Then "));
        assert!(is_libpq(b"host=db user=me "));
        assert!(!is_libpq(b"set the "));
    }
}
