//! Random values that are assigned to a name such as `password` or `api_key`: no shape tells them, so they are looked
//! for only where that is asked for.

use std::ops::Range;

use super::assigned;
use super::random::is_random;
use crate::engine::{Hits, ceil};
use crate::{Entity, Finding};

/// What such a name has in it.
pub(crate) const KEYWORDS: [&str; 10] =
    ["access", "api", "auth", "credential", "creds", "key", "passwd", "password", "secret", "token"];

/// In bits per character.
const ENTROPY: f64 = 3.5;
const SHORTEST: usize = 10;
const LONGEST: usize = 150;

/// What follows the keyword in the name of something that is no secret: `key_id`, `token-url`, `KeySize`.
const NOT_BEFORE: [&str; 48] = [
    "id", "name", "version", "len", "size", "hash", "file", "path", "url", "uri", "endpoint", "type",
    "alias", "pair", "ring", "frame", "press", "up", "down", "left", "right", "code", "board", "word",
    "mesh", "index", "count", "format", "alg", "sign", "select", "store", "tab", "vault", "head", "field",
    "prefix", "suffix", "expir", "ttl", "status", "policy", "scope", "date", "time", "level", "mode",
    "limit",
];

/// What goes before a key that is none, and before a token: `primary_key`, `csrf-token`.
const NOT_A_KEY: [&str; 16] = [
    "primary",
    "foreign",
    "public",
    "pub",
    "bucket",
    "hot",
    "idx",
    "natural",
    "schema",
    "sequence",
    "sort",
    "cache",
    "partition",
    "mon",
    "tur",
    "don",
];
const NOT_A_TOKEN: [&str; 6] = ["csrf", "xsrf", "page", "next", "continuation", "public"];

/// Words of samples and of code.
const STOP: [&str; 22] = [
    "example",
    "sample",
    "dummy",
    "placeholder",
    "changeme",
    "change_me",
    "your_",
    "your-",
    "password",
    "secret",
    "token",
    "apikey",
    "api_key",
    "api-key",
    "fake",
    "xxxx",
    "aaaaaa",
    "000000",
    "123456789",
    "localhost",
    "getenv",
    "process.",
];

/// Looks at the keyword at `word`.
pub(crate) fn scan(hits: &mut Hits<'_>, word: Range<usize>) {
    if hits.is_secret(word.start) {
        return;
    }
    if let Some(range) = find(hits.text, &word) {
        // Not taken down as a secret: a shape of its own may still be found in it, and says more.
        hits.push(Finding::new(range, Entity::GenericSecret, 0.6));
    }
}

fn find(text: &str, word: &Range<usize>) -> Option<Range<usize>> {
    if !is_word(text, word) {
        return None;
    }
    let value = assigned::value(text.as_bytes(), word.end)?;
    let name = text.get(word.end..value.start)?;
    let written = text.get(value.clone())?;
    (is_secret_name(text, word, name) && is_made_up(written)).then_some(value)
}

/// Whether the keyword ends a word of its own: not `accessible`, `author`, `rapid`.
fn is_word(text: &str, word: &Range<usize>) -> bool {
    let capitals = text.as_bytes().get(word.end - 1).is_some_and(u8::is_ascii_uppercase);
    let rest = singular(text.get(word.end..).unwrap_or_default(), capitals);
    let goes_on = if capitals { u8::is_ascii_uppercase } else { u8::is_ascii_lowercase };
    !rest.as_bytes().first().is_some_and(goes_on)
}

/// What follows the keyword without the `s` of its plural.
fn singular(rest: &str, capitals: bool) -> &str {
    rest.strip_prefix(if capitals { 'S' } else { 's' }).unwrap_or(rest)
}

/// Whether the name around the keyword, which goes on with `rest`, is that of a secret.
fn is_secret_name(text: &str, word: &Range<usize>, rest: &str) -> bool {
    let separator = |c: char| matches!(c, '_' | '-' | '.' | ' ');
    let rest =
        rest.strip_prefix(['s', 'S']).unwrap_or(rest).trim_start_matches(separator).to_ascii_lowercase();
    let others: &[&str] = match text.get(word.clone()).map(str::to_ascii_lowercase).as_deref() {
        Some("key") => &NOT_A_KEY,
        Some("token") => &NOT_A_TOKEN,
        _ => &[],
    };
    let start = ceil(text, word.start.saturating_sub(24));
    let before =
        text.get(start..word.start).unwrap_or_default().trim_end_matches(separator).to_ascii_lowercase();
    !NOT_BEFORE.iter().any(|part| rest.starts_with(part)) && !others.iter().any(|part| before.ends_with(part))
}

/// Whether `value` is random: neither words nor an identifier, nor what samples hold.
fn is_made_up(value: &str) -> bool {
    let inside = |byte: u8| byte.is_ascii_alphanumeric() || b"_.=+/-".contains(&byte);
    let fits = (SHORTEST..=LONGEST).contains(&value.len()) && value.bytes().all(inside);
    let digit = value.bytes().any(|byte| byte.is_ascii_digit());
    let lower = value.to_ascii_lowercase();
    fits && digit
        && !value.starts_with('/')
        && !is_identifier(value)
        && !STOP.iter().any(|word| lower.contains(word))
        // Stands in public samples of a search service.
        && value != "6fe4476ee5a1832882e326b506d14126"
        && is_random(value, ENTROPY)
}

/// Words and numbers with something between them: `s_rsa1024_priv.pem`, `jjwt-jackson-0.11.2`.
pub(super) fn is_identifier(value: &str) -> bool {
    let parts: Vec<&str> =
        value.split(['_', '.', '-', '/', '=', '+']).filter(|part| !part.is_empty()).collect();
    parts.len() > 1 && parts.iter().all(|part| is_part(part))
}

/// A word, perhaps with a number, or a number.
fn is_part(part: &str) -> bool {
    let digit = |byte: &u8| byte.is_ascii_digit();
    let bytes = part.as_bytes();
    let numbers = bytes.chunk_by(|a, b| digit(a) == digit(b)).filter(|run| run.first().is_some_and(digit));
    let numbers: Vec<usize> = numbers.map(<[u8]>::len).collect();
    let changes = bytes.windows(2).filter(|two| two[0].is_ascii_lowercase() && two[1].is_ascii_uppercase());
    let word = numbers.len() <= 1 && numbers.iter().all(|length| *length <= 5) && bytes.len() <= 28;
    bytes.iter().all(digit) || (word && changes.count() * 4 <= bytes.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Option<&str> {
        let lower = text.to_ascii_lowercase();
        let places =
            KEYWORDS.iter().flat_map(|word| lower.match_indices(word).map(|(at, word)| at..at + word.len()));
        places.collect::<Vec<_>>().iter().find_map(|word| find(text, word)).and_then(|range| text.get(range))
    }

    #[test]
    fn random_values_of_telling_names_are_found() {
        let value = "kA0O04slm1dNGLsIoJnGMD8eTNKau";
        for text in [
            "mySecretString={}",
            "\"genericToken\" => \"{}\"",
            "API_KEY ::= '{}'",
            "db.password: {}",
            "setProperty(\"auth\", \"{}\")",
            "credentials = `{}`",
        ] {
            assert_eq!(found(&text.replace("{}", value)), Some(value), "{text}");
        }
        assert!(found("apikey: c4ed6e65-1dc4-9c01-1e7c-c14e5139bbd3").is_some());
    }

    #[test]
    fn names_of_other_things_and_values_with_a_meaning_are_left() {
        for text in [
            "primaryKey=kA0O04slm1dNGLsIoJnGMD8eTNKau",
            "key_id: 'ff083f76-7804-4ef1-80e4-fe975bb9141b'",
            "accessor: rA1wk0Y45YCufyfqkk",
            "keyword = kA0O04slm1dNGLsIoJnGMD8eTNKau",
            "monkeys: x64-windows-static-42",
            "api_version = 9a038989604e8da62ecddbe2094b16ce1b778be1",
            "secret = X25519.secret_bytes_of_peer",
            "token: YOUR_TOKEN_1234567890",
            "password = kubernetes-cluster-2024-production",
            "key = s_rsa1024_priv.pem",
        ] {
            assert_eq!(found(text), None, "{text}");
        }
    }
}
