//! JSON Web Tokens: signed (RFC 7515 §7.1) and encrypted (RFC 7516 §7.1), in their compact form.

use std::ops::Range;

use super::random::is_random;
use super::{is_begun, is_key, push};
use crate::engine::Hits;

/// The least characters of the header and of the payload.
const LEAST: usize = 19;

/// Looks at the dot between a header and a payload, which begin with `{` in base64.
pub(super) fn scan(hits: &mut Hits<'_>, word: Range<usize>) {
    if let Some(range) = find(hits.text, word.start) {
        push(hits, range, 0.95);
    }
}

fn find(text: &str, dot: usize) -> Option<Range<usize>> {
    let bytes = text.as_bytes();
    let header = bytes[..dot].iter().rev().take_while(|byte| is_base64(**byte)).count();
    let start = begin(text, dot - header, dot)?;
    let payload = segment(bytes, dot + 1);
    if dot - start < LEAST || payload < LEAST || bytes.get(dot + 1 + payload) != Some(&b'.') {
        return None;
    }
    let mut end = dot + 1 + payload + 1;
    end += segment(bytes, end);
    // The tag and the cipher text of an encrypted one.
    for _ in 0..2 {
        let more = if bytes.get(end) == Some(&b'.') { segment(bytes, end + 1) } else { 0 };
        end += if more > 0 { more + 1 } else { 0 };
    }
    end += bytes[end..].iter().take(2).take_while(|byte| **byte == b'=').count();
    is_random(text.get(start..end)?, 3.0).then_some(start..end)
}

/// Where a header begins in the run of base64 at `run`: with it, behind the letter of an escape, or behind a hyphen.
fn begin(text: &str, run: usize, end: usize) -> Option<usize> {
    let hyphen = text.as_bytes().get(run..end)?.iter().rposition(|byte| *byte == b'-');
    let places = [Some(run), Some(run + 1), hyphen.map(|at| run + at + 1)];
    let is_header =
        |at: &usize| text.get(*at..end).is_some_and(|rest| rest.starts_with("ey")) && is_begun(text, *at);
    places.into_iter().flatten().find(is_header)
}

/// How long the segment at `at` is.
fn segment(bytes: &[u8], at: usize) -> usize {
    bytes.get(at..).unwrap_or_default().iter().take_while(|byte| is_base64(**byte) || **byte == b'/').count()
}

fn is_base64(byte: u8) -> bool {
    is_key(byte) || byte == b'-'
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of RFC 7519 §3.1.
    const TOKEN: &str = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.\
        eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.\
        dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

    fn found(text: &str) -> Option<&str> {
        find(text, text.find(".ey")?).and_then(|range| text.get(range))
    }

    #[test]
    fn a_token_is_found_whole_wherever_it_stands() {
        for text in ["{}", "token={}&x=1", "\"{}\"", "v1-{}", "{\\n{}", "{}, and so on."] {
            assert_eq!(found(&text.replace("{}", TOKEN)), Some(TOKEN), "{text}");
        }
    }

    #[test]
    fn what_only_looks_like_one_at_the_dot_is_left() {
        assert_eq!(found("honey.eye.brow"), None);
        assert_eq!(found("x = eyeglasses.eyelashes.length"), None);
    }
}
