//! One escape, and the character that it stands for.

use std::str::Chars;

/// What a lone surrogate reads as, to those who read on.
const BROKEN: char = char::REPLACEMENT_CHARACTER;

/// The character that the escape at the start of `text`, which is a backslash, stands for in JSON (RFC 8259, section 7), and
/// how many bytes it is written in. A pair of surrogates is one character. `None` for what is no escape there.
pub(super) fn strict(text: &str) -> Option<(char, usize)> {
    let c = match text.as_bytes().get(1)? {
        b'"' => '"',
        b'\\' => '\\',
        b'/' => '/',
        b'b' => '\u{8}',
        b'f' => '\u{c}',
        b'n' => '\n',
        b'r' => '\r',
        b't' => '\t',
        b'u' => return unicode(text, "\\u"),
        _ => return None,
    };
    Some((c, 2))
}

/// The character that any number of backslashes at the start of `text`, and what comes behind them, stand for to whoever
/// reads as much as possible into them: JSON in JSON in JSON, and the escapes of JavaScript (JSON5, section 5.1).
pub(super) fn loose(text: &str) -> Option<(char, usize)> {
    let slashes = text.bytes().take_while(|byte| *byte == b'\\').count();
    let (before, rest) = text.split_at_checked(slashes)?;
    let mut chars = rest.chars();
    let Some(c) = chars.next() else { return (slashes > 1).then_some(('\\', slashes)) };
    let short = |c| Some((c, slashes + 1));
    match c {
        'b' => short('\u{8}'),
        'f' => short('\u{c}'),
        'n' => short('\n'),
        'r' => short('\r'),
        't' => short('\t'),
        'v' => short('\u{b}'),
        'x' => code(&mut chars, 2).map_or_else(|| short(c), |code| Some((to_char(code), slashes + 3))),
        'u' => {
            let lead = text.get(..before.len() + 1)?;
            unicode(text, lead).or_else(|| braced(chars.as_str(), slashes + 1)).or_else(|| short(c))
        }
        c => Some((c, slashes + c.len_utf8())),
    }
}

/// `\uXXXX`, or two of them that are a pair, each after `lead`.
fn unicode(text: &str, lead: &str) -> Option<(char, usize)> {
    let unit = |text: &str| code(&mut text.strip_prefix(lead)?.chars(), 4);
    let length = lead.len() + 4;
    let first = unit(text)?;
    if let (0xD800..0xDC00, Some(second @ 0xDC00..0xE000)) = (first, text.get(length..).and_then(unit)) {
        let both = 0x1_0000 + ((first - 0xD800) << 10) + (second - 0xDC00);
        return Some((to_char(both), 2 * length));
    }
    Some((to_char(first), length))
}

/// `{X…}` (ECMAScript, section 12.9.4), behind so many bytes.
fn braced(text: &str, before: usize) -> Option<(char, usize)> {
    let rest = text.strip_prefix('{')?;
    let digits = rest.bytes().take(7).take_while(u8::is_ascii_hexdigit).count();
    let code = u32::from_str_radix(rest.get(..digits)?, 16).ok()?;
    rest.get(digits..)?.starts_with('}').then_some((to_char(code), before + digits + 2))
}

/// As many hexadecimal digits.
fn code(chars: &mut Chars<'_>, digits: usize) -> Option<u32> {
    (0..digits).try_fold(0, |code, _| Some(code << 4 | chars.next()?.to_digit(16)?))
}

fn to_char(code: u32) -> char {
    char::from_u32(code).unwrap_or(BROKEN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_escape_of_json_is_its_character() {
        assert_eq!(strict(r"\u0040x"), Some(('@', 6)));
        assert_eq!(strict(r"\u00fCx"), Some(('ü', 6)));
        assert_eq!(strict(r"\/"), Some(('/', 2)));
        assert_eq!(strict(r"\ud83D\uDe00"), Some(('😀', 12)));
        for lone in [r"\ud83d", r"\ud83dx", r"\ud83d\u0040", r"\ude00\ud83d"] {
            assert_eq!(strict(lone), Some((BROKEN, 6)), "{lone}");
        }
        for none in [r"\", r"\u", r"\u004", r"\u00g0", r"\x40", r"\@", r"\u{40}", r"\ü", r"\u004ü"] {
            assert_eq!(strict(none), None, "{none}");
        }
    }

    #[test]
    fn a_loose_reader_takes_what_it_can_for_an_escape() {
        assert_eq!(loose(r"\\\\u0040x"), Some(('@', 9)));
        assert_eq!(loose(r"\\ud83d\\ude00"), Some(('😀', 14)));
        assert_eq!(loose(r"\x40"), Some(('@', 4)));
        assert_eq!(loose(r"\u{00040}"), Some(('@', 9)));
        assert_eq!(loose(r"\@"), Some(('@', 2)));
        assert_eq!(loose(r"\ü"), Some(('ü', 3)));
        assert_eq!(loose(r"\u{}"), Some(('u', 2)));
        assert_eq!(loose(r"\u{110000}"), Some((BROKEN, 10)));
        assert_eq!(loose(r"\u00"), Some(('u', 2)));
        assert_eq!(loose(r"\x4"), Some(('x', 2)));
        assert_eq!(loose(r"\\"), Some(('\\', 2)));
        assert_eq!(loose(r"\"), None);
    }
}
