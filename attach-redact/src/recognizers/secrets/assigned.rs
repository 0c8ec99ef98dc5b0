//! Where the value is that a program or a configuration assigns to a name.

use std::ops::Range;

/// How long the values are that are looked at.
const SHORTEST: usize = 8;
const LONGEST: usize = 192;

/// `…Token = "value"`, `: value`, `=> 'value'`, `>value<`, `, "value"`: where the value begins, if the rest of a name
/// and an assignment follow at `at`.
pub(super) fn start(text: &[u8], at: usize) -> Option<usize> {
    operand(text, at).map(|at| opened(text, at).0)
}

/// Whether a value may end at `end`.
pub(super) fn is_ended(text: &[u8], end: usize) -> bool {
    text.get(end).is_none_or(|byte| byte.is_ascii_whitespace() || b"'\"`;,)]}<\\".contains(byte))
}

/// Where the whole value is, be it in quotes or bare.
pub(super) fn value(text: &[u8], at: usize) -> Option<Range<usize>> {
    let at = operand(text, at)?;
    let (start, quote) = opened(text, at);
    let value = quote.and_then(|quote| quoted(text, start, quote)).or_else(|| bare(text, start))?;
    (value.len() >= SHORTEST).then_some(value)
}

/// Where the rest of a name and an operator end that stand at `at`.
fn operand(text: &[u8], at: usize) -> Option<usize> {
    let name = at + count(text, at, 24, |byte| byte.is_ascii_alphanumeric() || b"_.- \t".contains(&byte));
    let name = name + count(text, name, 4, |byte| byte.is_ascii_whitespace() || b"'\"\\`)]".contains(&byte));
    let operator = count(text, name, 5, |byte| b"=>:|?,+<".contains(&byte));
    (operator > 0).then_some(name + operator)
}

/// Where a value begins that is opened at `at`, and the quote it is in.
fn opened(text: &[u8], at: usize) -> (usize, Option<u8>) {
    let at = at + count(text, at, 8, |byte| byte.is_ascii_whitespace() || b"=\\(|>".contains(&byte));
    let quote = text.get(at).copied().filter(|byte| b"'\"`".contains(byte));
    let quotes = count(text, at, 3, |byte| b"'\"`".contains(&byte));
    (at + quotes, quote.filter(|_| quotes == 1 && text.get(at.wrapping_sub(1)) != Some(&b'\\')))
}

/// The word at `start` in `quote`s.
fn quoted(text: &[u8], start: usize, quote: u8) -> Option<Range<usize>> {
    let inside = text.get(start..text.len().min(start + LONGEST))?;
    let length = memchr::memchr(quote, inside)?;
    let word = !inside[..length].iter().any(|byte| byte.is_ascii_whitespace() || *byte == b'\\');
    word.then_some(start..start + length)
}

/// The word at `start` of letters, digits and the signs of keys.
fn bare(text: &[u8], start: usize) -> Option<Range<usize>> {
    let inside = |byte: u8| byte.is_ascii_alphanumeric() || b"_-+/=.:|%~@#&*$!".contains(&byte);
    let end = start + count(text, start, LONGEST, inside);
    let ended = text.get(end).is_none_or(|byte| byte.is_ascii_whitespace() || b"'\"`;,)]}<\\".contains(byte));
    ended.then_some(start..end)
}

/// How many bytes at `at`, `most` at most, are `inside`.
fn count(text: &[u8], at: usize, most: usize, inside: impl Fn(u8) -> bool) -> usize {
    text.get(at..).unwrap_or_default().iter().take(most).take_while(|byte| inside(**byte)).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn assignments_of_many_languages_are_read() {
        for text in [
            "Token = \"abcdefgh\"",
            "_TOKEN: abcdefgh",
            "_TOKEN += 'abcdefgh'",
            "_token\\\": \\\"abcdefgh\\\"",
            "Token string = `abcdefgh`",
            "_token: |\n  abcdefgh",
            "Token\" => \"abcdefgh\"",
            "Token>\n  abcdefgh\n",
            "Token,abcdefgh,",
            "TOKEN\", \"abcdefgh\")",
        ] {
            let value = value(text.as_bytes(), 0).map(|range| &text[range]);
            assert_eq!(value, Some("abcdefgh"), "{text}");
        }
        let odd = "_key\" => \"sk_a;<(`&)\",";
        assert_eq!(value(odd.as_bytes(), 0).map(|range| &odd[range]), Some("sk_a;<(`&)"));
        assert_eq!(value(b" is a fine tool for the job", 0), None);
    }
}
