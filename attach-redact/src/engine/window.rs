//! What is around a byte that it may be worth looking at.

use std::ops::Range;

/// What a run of digits holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Shape {
    pub(crate) digits: usize,
    pub(crate) dots: usize,
    /// Some of it is grouped as the numbers of cards are.
    pub(crate) card: bool,
    /// Some of it is grouped as social security numbers are.
    pub(crate) ssn: bool,
}

impl Shape {
    /// Takes a group of digits down, with the sizes of the two before.
    fn add(&mut self, groups: [usize; 3]) {
        self.digits += groups[2];
        self.card |= matches!(groups, [_, _, 12..=19] | [4, 4, 4] | [4, 6, 4 | 5]);
        self.ssn |= matches!(groups, [_, _, 9] | [3, 2, 4] | [_, 3, 6] | [_, 5, 4]);
    }
}

/// Two letters in front, and no word before those.
pub(super) fn is_iban(text: &[u8], at: usize) -> bool {
    let letter =
        |back: usize| at.checked_sub(back).and_then(|at| text.get(at)).is_some_and(u8::is_ascii_alphabetic);
    letter(1) && letter(2) && !at.checked_sub(2).is_some_and(|at| is_word_before(text, at))
}

/// Where a word begins whose first digits are at `at`, if it begins as addresses of cryptocurrencies do: Bitcoin's with 1
/// or 3, Litecoin's and Dogecoin's with L, M or D.
pub(super) fn base58_start(text: &[u8], at: usize) -> Option<usize> {
    const LONGEST: usize = 34;
    let letters = text[..at].iter().rev().take(LONGEST).take_while(|byte| byte.is_ascii_alphabetic()).count();
    let start = at - letters;
    let first = text.get(start).copied().unwrap_or_default();
    let leads = matches!((letters, first), (0, b'1' | b'3') | (1.., b'L' | b'M' | b'D'));
    (leads && !is_word(before(text, start))).then_some(start)
}

/// The byte before `at`, or 0.
pub(crate) fn before(text: &[u8], at: usize) -> u8 {
    at.checked_sub(1).and_then(|at| text.get(at)).copied().unwrap_or(0)
}

pub(crate) fn is_word(byte: u8) -> bool {
    is_ascii_word(byte) || byte >= 0x80
}

/// What no number and no key goes on with: letters beyond ASCII may stand right beside them.
pub(crate) fn is_ascii_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// Whether underscores that no word goes on from come next, or before if `bytes` go backwards: Markdown's emphasis
/// (CommonMark §6.2).
pub(crate) fn is_emphasis<'b>(bytes: impl Iterator<Item = &'b u8>) -> bool {
    let mut marks = 0;
    for byte in bytes.take(4) {
        if *byte != b'_' {
            return marks > 0 && !is_word(*byte);
        }
        marks += 1;
    }
    (1..=3).contains(&marks)
}

/// Whether a word goes on to the left of `at`.
pub(crate) fn is_word_before(text: &[u8], at: usize) -> bool {
    is_word(before(text, at)) && !is_emphasis(text[..at].iter().rev())
}

fn is_separator(byte: u8) -> bool {
    matches!(byte, b' ' | b'-' | b'.' | b'/' | b'(' | b')' | b'+')
}

/// Everything that a number written with separators can be part of, with what leads it; its groups of digits go to
/// `groups`.
pub(super) fn digit_run(text: &[u8], at: usize, groups: &mut Vec<Range<usize>>) -> (Range<usize>, Shape) {
    groups.clear();
    let lead = text[..at].iter().rev().take(2).take_while(|byte| matches!(byte, b'+' | b'(')).count();
    let mut shape = Shape::default();
    let (mut end, mut next, mut gap, mut last) = (at, at, 0, [0; 3]);
    while let Some(&byte) = text.get(next) {
        if byte.is_ascii_digit() {
            let group = text[next..].iter().take_while(|byte| byte.is_ascii_digit()).count();
            last = [last[1], last[2], group];
            shape.add(last);
            gap = 0;
            groups.push(next..next + group);
            next += group;
            end = next;
        } else if is_separator(byte) && gap < 3 {
            gap += 1;
            shape.dots += usize::from(byte == b'.');
            next += 1;
        } else {
            break;
        }
    }
    (at - lead..end, shape)
}

/// A colon of an address, not of a clause: a colon or a hexadecimal digit follows at once.
pub(super) fn is_hex_colon(text: &[u8], at: usize) -> bool {
    text.get(at + 1).is_some_and(|next| *next == b':' || next.is_ascii_hexdigit())
}

pub(super) fn hex_run(text: &[u8], at: usize) -> Range<usize> {
    let inside = |byte: &u8| byte.is_ascii_hexdigit() || matches!(byte, b':' | b'.');
    let left = text[..at].iter().rev().take_while(|byte| inside(byte)).count();
    let right = text[at..].iter().take_while(|byte| inside(byte)).count();
    at - left..at + right
}

/// `AA-BB-` or `aabb.ccdd.` around the separator at `at`.
pub(super) fn is_mac(text: &[u8], at: usize) -> bool {
    let width = if text[at] == b'-' { 2 } else { 4 };
    let hex = |range: Option<&[u8]>| range.is_some_and(|bytes| bytes.iter().all(u8::is_ascii_hexdigit));
    text.get(at + 1 + width) == Some(&text[at])
        && hex(text.get(at + 1..at + 1 + width))
        && at >= width
        && hex(text.get(at - width..at))
}

pub(super) fn mac_run(text: &[u8], at: usize) -> Range<usize> {
    let separator = text[at];
    let inside = |byte: &u8| byte.is_ascii_hexdigit() || *byte == separator;
    let left = text[..at].iter().rev().take_while(|byte| inside(byte)).count();
    let right = text[at..].iter().take_while(|byte| inside(byte)).count();
    at - left..at + right
}

pub(super) fn run_of(text: &[u8], at: usize, most: usize, inside: impl Fn(&u8) -> bool) -> Range<usize> {
    at..at + text[at..].iter().take(most).take_while(|byte| inside(byte)).count()
}

/// How far a window of words with digits goes on from its first digits, in bytes; the group there is taken whole.
const REACH: usize = 64;
/// More than any identifier has, in bytes: so much of a window that was cut is looked at again with the next one.
pub(super) const OVERLAP: usize = 40;
/// A word of letters and digits that goes on for longer than any identifier is no identifier, but data.
const LONGEST: usize = 48;
/// The longest group without digits that such words go on across.
const GROUP: usize = 6;

/// Words with digits in them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Run {
    pub(super) range: Range<usize>,
    /// How many digits they have in all.
    pub(super) digits: usize,
    /// Whether they go on behind the end with another group that has digits.
    pub(super) is_cut: bool,
}

/// The words around the digits at `at`, as identifiers are written: groups of letters and digits with single separators
/// between them. What a run `before` was cut from begins a little before its end.
pub(super) fn words_around(text: &[u8], at: usize, before: Option<Run>) -> Run {
    let mut start = first_group(text, at);
    let word = run_of(text, at, usize::MAX, u8::is_ascii_alphanumeric);
    if word.len() > LONGEST {
        return Run { range: word.end..word.end, digits: 0, is_cut: false };
    }
    let (mut end, mut next, mut plain) = (start, start, 0);
    let is_cut = loop {
        let group = group_at(text, next);
        let has_digits = text[next..next + group].iter().any(u8::is_ascii_digit);
        if has_digits && next >= at + REACH {
            break true;
        }
        plain = if has_digits || next < at { 0 } else { plain + 1 };
        if group == 0 || plain > 2 {
            break false;
        }
        if plain > 0 && group > GROUP {
            end = (next + run_of(text, next, GROUP + 1, u8::is_ascii_alphanumeric).len()).max(end);
            break false;
        }
        end = next + group;
        next = end + separator(text, end);
        if next == end {
            break false;
        }
    };
    if let Some(before) = before.filter(|before| before.is_cut) {
        start = start.min(before.range.start.max(before.range.end.saturating_sub(OVERLAP)));
    }
    let number = text.get(start).is_some_and(u8::is_ascii_digit);
    let lead = text[..start].iter().rev().take(2).take_while(|byte| number && matches!(byte, b'+' | b'('));
    start -= lead.count();
    let digits = text[start..end].iter().filter(|byte| byte.is_ascii_digit()).count();
    Run { range: start..end, digits, is_cut }
}

/// Whether a letter stands right before `at`, or the capitals of an identifier before a separator there: no word of
/// prose is written so.
pub(super) fn is_after_letter(text: &[u8], at: usize) -> bool {
    let last = before(text, at);
    if joins(last) { before(text, at - 1).is_ascii_uppercase() } else { last.is_ascii_alphabetic() }
}

/// How long the group at `at` is. What is longer than an identifier is cut, but not within digits.
fn group_at(text: &[u8], at: usize) -> usize {
    let inside = |(index, byte): &(usize, &u8)| in_group(**byte) && (*index < REACH || byte.is_ascii_digit());
    text[at..].iter().enumerate().take(REACH + OVERLAP).take_while(inside).count()
}

/// Where the words begin: one or two short groups before the one that `at` lies in.
fn first_group(text: &[u8], at: usize) -> usize {
    let left = |end: usize, most: usize| {
        text[..end].iter().rev().take(most).take_while(|byte| in_group(**byte)).count()
    };
    let own = match left(at, REACH) {
        // Letters of other scripts without end: what is around the digits would be looked at with each of them again.
        REACH => {
            text[..at].iter().rev().take(LONGEST).take_while(|byte| byte.is_ascii_alphanumeric()).count()
        }
        own => own,
    };
    let mut start = at - own;
    for _ in 0..2 {
        let Some(separator) = start.checked_sub(1).filter(|at| joins(text[*at])) else { break };
        let length = left(separator, GROUP + 1);
        if length > GROUP {
            let tail = text[..separator]
                .iter()
                .rev()
                .take(GROUP + 1)
                .take_while(|byte| byte.is_ascii_alphanumeric());
            start = Some(tail.count())
                .filter(|tail| (1..=GROUP).contains(tail))
                .map_or(start, |tail| separator - tail);
        }
        if length == 0 || length > GROUP {
            break;
        }
        start = separator - length;
    }
    start
}

/// The length of what stands between two groups at `end`, 0 if they do not go together.
fn separator(text: &[u8], end: usize) -> usize {
    let digit = |at: usize| text.get(at).is_some_and(u8::is_ascii_digit);
    match (text.get(end), text.get(end + 1)) {
        // 0 (917) 123 4567
        (Some(b' '), Some(b'(')) | (Some(b')'), Some(b' ' | b'-')) if digit(end + 2) => 2,
        (Some(b':' | b'(' | b')'), _) if digit(end + 1) => 1,
        (Some(&byte), _) => usize::from(joins(byte)),
        (None, _) => 0,
    }
}

fn in_group(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte >= 0x80
}

fn joins(byte: u8) -> bool {
    matches!(byte, b' ' | b'-' | b'.' | b'/' | b'+' | b'_')
}

/// The groups of digits in `range`.
#[cfg(test)]
pub(super) fn groups_of(text: &str, range: &Range<usize>) -> Vec<Range<usize>> {
    let mut groups: Vec<Range<usize>> = Vec::new();
    for at in range.clone().filter(|&at| text.as_bytes()[at].is_ascii_digit()) {
        match groups.last_mut() {
            Some(group) if group.end == at => group.end = at + 1,
            _ => groups.push(at..at + 1),
        }
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identifier_is_taken_whole() {
        let around = |text: &str| {
            let at = text.find(|c: char| c.is_ascii_digit()).expect("has digits");
            let run = words_around(text.as_bytes(), at, None);
            (text[run.range].to_owned(), run.digits)
        };
        assert_eq!(around("is QQ 12 34 56 C."), ("is QQ 12 34 56 C".to_owned(), 6));
        assert_eq!(around("(B-AB 123)"), ("B-AB 123".to_owned(), 3));
        assert_eq!(
            around("nobody else knows 943-476-5919 by heart"),
            ("else knows 943-476-5919 by heart".to_owned(), 10)
        );
        assert_eq!(around("x1"), ("x1".to_owned(), 1));
    }

    #[test]
    fn letters_without_end_are_not_looked_at_again_with_every_number_in_them() {
        let text = "é12net".repeat(60);
        let (mut at, mut seen) = (0, 0);
        while let Some(next) = text.as_bytes()[at..].iter().position(u8::is_ascii_digit) {
            let run = words_around(text.as_bytes(), at + next, None);
            seen += run.range.len();
            at = run.range.end;
        }
        assert!(seen <= text.len() * 2, "{seen} of {}", text.len());
    }
}
