//! Where the value is that a program or a configuration assigns to a name.

use std::ops::Range;

/// The longest value that is looked at.
const LONGEST: usize = 512;

/// `…Token = "value"`, `: value`, `=> 'value'`, `>value<`, `, "value"`: where the value is, if the rest of a name and
/// an assignment follow at `at`.
pub(super) fn value(text: &[u8], at: usize) -> Option<Range<usize>> {
    value_of(text, at, |byte| byte.is_ascii_alphanumeric() || b"_-+/=.:|%~@#&*$!".contains(&byte))
}

/// The same, with a value of the bytes `inside`.
pub(super) fn value_of(text: &[u8], at: usize, inside: fn(u8) -> bool) -> Option<Range<usize>> {
    let count = |at: usize, most: usize, inside: fn(u8) -> bool| {
        text.get(at..).unwrap_or_default().iter().take(most).take_while(|byte| inside(**byte)).count()
    };
    let mut at = at;
    at += count(at, 24, |byte| byte.is_ascii_alphanumeric() || b"_.- \t".contains(&byte));
    at += count(at, 4, |byte| byte.is_ascii_whitespace() || b"'\"\\`)]".contains(&byte));
    let operator = count(at, 5, |byte| b"=>:|?,+<".contains(&byte));
    if operator == 0 {
        return None;
    }
    at += operator;
    at += count(at, 8, |byte| byte.is_ascii_whitespace() || b"'\"`=\\(|>".contains(&byte));
    let length = count(at, LONGEST, inside);
    let ended =
        text.get(at + length).is_none_or(|byte| byte.is_ascii_whitespace() || b"'\"`;,)]}<\\".contains(byte));
    (length >= 8 && ended).then_some(at..at + length)
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
        assert_eq!(value(b" is a fine tool for the job", 0), None);
    }
}
