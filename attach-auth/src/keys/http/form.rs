//! `application/x-www-form-urlencoded`, as RFC 6749 appendix B has it.

use std::collections::BTreeMap;

/// The parameters. Nothing if one is there twice (RFC 6749 §3.2) or is not UTF-8.
pub(super) fn parse(body: &[u8]) -> Option<BTreeMap<String, String>> {
    let mut parameters = BTreeMap::new();
    for pair in body.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty()) {
        let mut halves = pair.splitn(2, |byte| *byte == b'=');
        let name = decoded(halves.next().unwrap_or_default())?;
        let value = decoded(halves.next().unwrap_or_default())?;
        if parameters.insert(name, value).is_some() {
            return None;
        }
    }
    Some(parameters)
}

fn decoded(text: &[u8]) -> Option<String> {
    let digit =
        |at: usize| char::from(*text.get(at)?).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let (mut bytes, mut at) = (Vec::with_capacity(text.len()), 0);
    while let Some(&byte) = text.get(at) {
        let (byte, length) = match byte {
            b'+' => (b' ', 1),
            b'%' => (digit(at + 1)? * 16 + digit(at + 2)?, 3),
            byte => (byte, 1),
        };
        bytes.push(byte);
        at += length;
    }
    String::from_utf8(bytes).ok()
}

/// A segment of a path without its escapes.
pub(super) fn segment(text: &str) -> Option<String> {
    decoded(text.replace('+', "%2B").as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_and_blanks_are_undone() {
        let form = parse(b"token=a%2Bb+c&token_type_hint=access_token&empty").expect("a form");
        assert_eq!(form["token"], "a+b c");
        assert_eq!(form["empty"], "");
        assert_eq!(segment("a+b%2Fc").as_deref(), Some("a+b/c"));
    }

    #[test]
    fn what_is_ambiguous_or_broken_is_no_form() {
        for body in [&b"token=a&token=b"[..], b"token=%", b"token=%f", b"token=%zz", b"token=%ff"] {
            assert!(parse(body).is_none());
        }
    }
}
