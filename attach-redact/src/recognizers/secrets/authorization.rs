//! The credentials of a request's header, with their scheme (RFC 9110 §11.4) or without.

use super::generic::is_identifier;
use super::random::{entropy, is_random};
use super::{after, push};
use crate::engine::{Hits, ceil};

/// Headers whose value is looked at here, besides those that are followed by a scheme.
pub(super) const HEADERS: &[&str] =
    &["authorization:", "'token: ", "\"token: ", "'key: ", "\"key: ", "-apikey:", "api-key:", "-token:"];

const SCHEMES: [&str; 4] = ["basic ", "bearer ", "token ", "api-token "];

/// The longest credential, and how far before it `curl` may stand.
const LONGEST: usize = 4096;
const REACH: usize = 1024;

/// A credential after a scheme or a header's name that ends at `at`.
pub(crate) fn scan(hits: &mut Hits<'_>, at: usize) {
    let Some(rest) = hits.text.get(at..) else { return };
    let at = at + rest.bytes().take(4).take_while(|byte| *byte == b' ').count();
    let scheme = hits.text.get(at..).map_or(0, scheme);
    let alone = scheme == 0;
    let at = at + scheme;
    let value = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~+/=@".contains(byte);
    let length = hits.text.as_bytes()[at..].iter().take(LONGEST).take_while(|byte| value(byte)).count();
    let Some(token) = hits.text.get(at..at + length).map(|token| token.trim_end_matches('.')) else { return };
    // A word before another is a scheme, `AWS4-HMAC-SHA256` or the like.
    let unknown = alone && after(hits.text, at + length) == b' ' && is_named(hits.text, at);
    let likely = if is_curl(hits.text, at) { is_given(token) } else { is_credential(hits.text, at, token) };
    if likely && !unknown {
        push(hits, at..at + token.len(), 0.8);
    }
}

/// Whether the value at `at` is that of a header called `Authorization`.
fn is_named(text: &str, at: usize) -> bool {
    let before = text.get(..at).unwrap_or_default().trim_end_matches([' ', ':']);
    before
        .get(before.len().saturating_sub(13)..)
        .is_some_and(|name| name.eq_ignore_ascii_case("authorization"))
}

/// How long the scheme is that `text` begins with.
fn scheme(text: &str) -> usize {
    let begins =
        |scheme: &&str| text.get(..scheme.len()).is_some_and(|word| word.eq_ignore_ascii_case(scheme));
    SCHEMES.iter().find(|scheme| begins(scheme)).map_or(0, |scheme| scheme.len())
}

/// Whether the value at `at` belongs to a `curl` command.
fn is_curl(text: &str, at: usize) -> bool {
    let start = ceil(text, at.saturating_sub(REACH));
    text.get(start..at).is_some_and(|before| before.contains("curl"))
}

/// What a command sends is a credential, unless it is a word of a manual.
fn is_given(token: &str) -> bool {
    let digit = token.bytes().any(|byte| byte.is_ascii_digit());
    let made_up = digit || (token.bytes().any(|b| b.is_ascii_lowercase()) && is_mixed(token));
    token.len() >= 8 && made_up && is_random(token, 2.75)
}

/// Capitals behind small letters, and no words joined by hyphens or underscores.
fn is_mixed(token: &str) -> bool {
    let bytes = token.as_bytes();
    !token.contains(['-', '_'])
        && bytes.windows(2).any(|two| two[0].is_ascii_lowercase() && two[1].is_ascii_uppercase())
}

/// Elsewhere it has to look like one, and the header to be one that bears credentials.
fn is_credential(text: &str, at: usize, token: &str) -> bool {
    let mixed = token.bytes().any(|b| b.is_ascii_digit()) && token.bytes().any(|b| b.is_ascii_alphabetic());
    let random = entropy(token) > 3.0 && is_random(token, 3.0) && !is_identifier(token);
    token.len() >= 16 && mixed && random && !is_somebodys(text, at)
}

/// Whether the value's name begins with somebody's own, as `acme-api-key` does: that is a setting, not a header.
fn is_somebodys(text: &str, at: usize) -> bool {
    let start = ceil(text, at.saturating_sub(64));
    let before = text.get(start..at).unwrap_or_default().trim_end();
    let Some(name) = before.strip_suffix(':') else { return false };
    let from =
        name.rfind(|c: char| !c.is_ascii_alphanumeric() && c != '-' && c != '_').map_or(0, |at| at + 1);
    let name = name.get(from..).unwrap_or_default().to_ascii_lowercase();
    let header = [
        "x-",
        "api-key",
        "apikey",
        "authorization",
        "private-token",
        "job-token",
        "ocp-apim",
        "token",
        "key",
    ];
    !header.iter().any(|header| name.starts_with(header))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_told_from_headers() {
        for text in ["x-api-key: ", "'Private-Token: ", "Authorization: ", "Bearer ", "api-key: "] {
            assert!(!is_somebodys(text, text.len()), "{text}");
        }
        assert!(is_somebodys("acme-api-key: ", 14));
    }

    #[test]
    fn a_scheme_is_told_from_a_credential() {
        assert_eq!(scheme("Bearer x"), 7);
        assert_eq!(scheme("AWS4-HMAC-SHA256 Credential=x"), 0);
        assert!(is_named("Authorization: AWS4", 15) && !is_named("Bearer abc", 7));
    }

    #[test]
    fn words_of_manuals_are_no_credentials() {
        for token in ["YOUR_API_KEY", "your-token-here", "accessToken", "xxxxxxxxxxxxxxxx"] {
            assert!(!is_given(token) || token == "accessToken", "{token}");
        }
        assert!(is_given("YnJvg5Zuctb="));
    }
}
