//! The one pass over the bytes: finds the places where it is worth looking closer.

use std::ops::Range;

/// What a place looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trigger {
    /// An `@`; the window is the word around it.
    At,
    /// Digits with single separators between them.
    Digits(Shape),
    /// Hexadecimal digits with colons or the like between them.
    Hex,
    /// Two letters and two digits at the beginning of a word.
    Iban,
    /// A long word of letters and digits that begins with 1 or 3.
    Base58,
}

/// What a run of digits holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Shape {
    pub(crate) digits: usize,
    pub(crate) dots: usize,
}

const PLAIN: u8 = 0;
const DIGIT: u8 = 1;
const AT: u8 = 2;
const COLON: u8 = 3;
const HYPHEN: u8 = 4;
const DOT: u8 = 5;

static CLASS: [u8; 256] = classes();

const fn classes() -> [u8; 256] {
    let mut class = [PLAIN; 256];
    let mut digit = b'0';
    while digit <= b'9' {
        class[digit as usize] = DIGIT;
        digit += 1;
    }
    class[b'@' as usize] = AT;
    class[b':' as usize] = COLON;
    class[b'-' as usize] = HYPHEN;
    class[b'.' as usize] = DOT;
    class
}

/// Calls `look` with every place of `text` that a number or an address could be at.
pub(crate) fn scan(text: &[u8], mut look: impl FnMut(Trigger, Range<usize>)) {
    let mut at = 0;
    // Runs are maximal, so what was looked at is not looked at again.
    let (mut hex_end, mut digits_end) = (0, 0);
    while let Some(byte) = text.get(at) {
        match CLASS[*byte as usize] {
            AT => look(Trigger::At, around_at(text, at)),
            COLON if at >= hex_end && is_hex_colon(text, at) => {
                let run = hex_run(text, at);
                hex_end = run.end;
                look(Trigger::Hex, run);
            }
            HYPHEN | DOT if at >= hex_end && is_mac(text, at) => {
                let run = mac_run(text, at);
                hex_end = run.end;
                look(Trigger::Hex, run);
            }
            DIGIT => {
                if at >= digits_end {
                    let (run, shape) = digit_run(text, at);
                    digits_end = run.end;
                    if shape.digits >= 7 || shape.dots >= 3 {
                        look(Trigger::Digits(shape), run);
                    }
                }
                at = first_digit(text, at, &mut look);
                continue;
            }
            _ => {}
        }
        at += 1;
    }
}

/// What may begin with the digits at `at`; gives where they end.
fn first_digit(text: &[u8], at: usize, look: &mut impl FnMut(Trigger, Range<usize>)) -> usize {
    let mut end = at;
    while text.get(end).is_some_and(u8::is_ascii_digit) {
        end += 1;
    }
    if end - at >= 2 && is_iban(text, at) {
        look(Trigger::Iban, at - 2..(at + 64).min(text.len()));
    }
    if matches!(text[at], b'1' | b'3') && !is_word(before(text, at)) {
        let run = run_of(text, at, 40, u8::is_ascii_alphanumeric);
        if (26..=35).contains(&run.len()) {
            look(Trigger::Base58, run);
        }
    }
    end
}

/// Two letters in front, and no word before those.
fn is_iban(text: &[u8], at: usize) -> bool {
    let letter =
        |back: usize| at.checked_sub(back).and_then(|at| text.get(at)).is_some_and(u8::is_ascii_alphabetic);
    letter(1) && letter(2) && !is_word(at.checked_sub(2).map_or(0, |at| before(text, at)))
}

/// The byte before `at`, or 0.
fn before(text: &[u8], at: usize) -> u8 {
    at.checked_sub(1).and_then(|at| text.get(at)).copied().unwrap_or(0)
}

pub(crate) fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}

/// The longest local part in bytes, of 64 characters of up to four.
const LOCAL: usize = 256;
/// The longest domain in bytes.
const DOMAIN: usize = 640;

fn around_at(text: &[u8], at: usize) -> Range<usize> {
    let inside = |byte: &u8| byte.is_ascii_alphanumeric() || *byte >= 0x80 || b"._%+'-".contains(byte);
    let left = text[..at].iter().rev().take(LOCAL).take_while(|byte| inside(byte)).count();
    let right = text[at + 1..].iter().take(DOMAIN).take_while(|byte| inside(byte)).count();
    at - left..at + 1 + right
}

fn is_separator(byte: u8) -> bool {
    matches!(byte, b' ' | b'-' | b'.' | b'/' | b'(' | b')' | b'+')
}

/// Everything that a number written with separators can be part of, with what leads it.
fn digit_run(text: &[u8], at: usize) -> (Range<usize>, Shape) {
    let lead = text[..at].iter().rev().take(2).take_while(|byte| matches!(byte, b'+' | b'(')).count();
    let mut shape = Shape::default();
    let (mut end, mut next, mut gap) = (at, at, 0);
    while let Some(&byte) = text.get(next) {
        if byte.is_ascii_digit() {
            shape.digits += 1;
            gap = 0;
            end = next + 1;
        } else if is_separator(byte) && gap < 3 {
            gap += 1;
            shape.dots += usize::from(byte == b'.');
        } else {
            break;
        }
        next += 1;
    }
    (at - lead..end, shape)
}

/// A colon of an address, not of a clause: a colon or a hexadecimal digit follows at once.
fn is_hex_colon(text: &[u8], at: usize) -> bool {
    text.get(at + 1).is_some_and(|next| *next == b':' || next.is_ascii_hexdigit())
}

fn hex_run(text: &[u8], at: usize) -> Range<usize> {
    let inside = |byte: &u8| byte.is_ascii_hexdigit() || matches!(byte, b':' | b'.');
    let left = text[..at].iter().rev().take_while(|byte| inside(byte)).count();
    let right = text[at..].iter().take_while(|byte| inside(byte)).count();
    at - left..at + right
}

/// `AA-BB-` or `aabb.ccdd.` around the separator at `at`.
fn is_mac(text: &[u8], at: usize) -> bool {
    let width = if text[at] == b'-' { 2 } else { 4 };
    let hex = |range: Option<&[u8]>| range.is_some_and(|bytes| bytes.iter().all(u8::is_ascii_hexdigit));
    text.get(at + 1 + width) == Some(&text[at])
        && hex(text.get(at + 1..at + 1 + width))
        && at >= width
        && hex(text.get(at - width..at))
}

fn mac_run(text: &[u8], at: usize) -> Range<usize> {
    let separator = text[at];
    let inside = |byte: &u8| byte.is_ascii_hexdigit() || *byte == separator;
    let left = text[..at].iter().rev().take_while(|byte| inside(byte)).count();
    let right = text[at..].iter().take_while(|byte| inside(byte)).count();
    at - left..at + right
}

fn run_of(text: &[u8], at: usize, most: usize, inside: impl Fn(&u8) -> bool) -> Range<usize> {
    at..at + text[at..].iter().take(most).take_while(|byte| inside(byte)).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn triggers(text: &str) -> Vec<(Trigger, &str)> {
        let mut found = Vec::new();
        scan(text.as_bytes(), |trigger, range| found.push((trigger, &text[range])));
        found
    }

    #[test]
    fn plain_text_triggers_nothing() {
        assert!(triggers("Let's meet on the 5th: 3 of 12, v1.2, a-b - fine. (ok)").is_empty());
    }

    #[test]
    fn a_number_is_taken_whole() {
        let found = triggers("call +1 (415) 555-0132, ok");
        assert!(
            matches!(found[..], [(Trigger::Digits(Shape { digits: 11, .. }), "+1 (415) 555-0132")]),
            "{found:?}"
        );
    }

    #[test]
    fn addresses_trigger() {
        assert!(triggers("bob@x.org").contains(&(Trigger::At, "bob@x.org")));
        assert!(triggers("at 2001:db8::1.").iter().any(|(trigger, _)| *trigger == Trigger::Hex));
        assert!(triggers("aabb.ccdd.eeff").contains(&(Trigger::Hex, "aabb.ccdd.eeff")));
        assert!(triggers("GB29 NWBK").iter().any(|(trigger, _)| *trigger == Trigger::Iban));
    }
}
