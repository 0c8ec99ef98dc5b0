//! The one pass over a text: every byte is looked at once, by the automaton of words and by its class.

use std::ops::Range;

use super::charset::CharSet;
use super::window::{self, Shape};
use super::words::{Cursor, Lead};
use super::{Engine, Hits};
use crate::Entity;
use crate::budget::SEARCH;
use crate::placeholder::look_alike;
use crate::recognizers::{broken, crypto, digits, email, extras, iban};

/// What a place looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trigger {
    /// Digits with separators between them.
    Digits(Shape),
    /// Words with so many digits in them.
    Words(usize),
    /// Hexadecimal digits with colons or the like between them.
    Hex,
    /// Two letters and two digits at the beginning of a word.
    Iban,
    /// A long word of letters and digits that begins as addresses of cryptocurrencies do.
    Base58,
}

const PLAIN: u8 = 0;
const DIGIT: u8 = 1;
const AT: u8 = 2;
const COLON: u8 = 3;
/// A hyphen or a dot.
const JOINT: u8 = 4;
/// A capital letter, or a byte that one outside ASCII can begin with.
const CAPITAL: u8 = 5;

/// The classes of bytes; capitals have one only where names are looked for.
static CLASS: [u8; 256] = classes(false);
static CLASS_WITH_CAPITALS: [u8; 256] = classes(true);

const fn classes(capitals: bool) -> [u8; 256] {
    let mut class = [PLAIN; 256];
    let mut digit = b'0';
    while digit <= b'9' {
        class[digit as usize] = DIGIT;
        digit += 1;
    }
    class[b'@' as usize] = AT;
    class[b':' as usize] = COLON;
    class[b'-' as usize] = JOINT;
    class[b'.' as usize] = JOINT;
    let mut byte = 0;
    while capitals && byte < 256 {
        if matches!(byte, 0x41..=0x5A | 0xC3..=0xD6 | 0xE1 | 0xE2 | 0xEA | 0xEF | 0xF0) {
            class[byte] = CAPITAL;
        }
        byte += 1;
    }
    class
}

/// How far each kind of run was looked at: runs are maximal, so none is looked at twice.
#[derive(Default)]
struct Seen {
    hex: usize,
    group: usize,
    digits: usize,
    words: usize,
    names: usize,
    /// Words with digits that are looked at once all words before the next number are known.
    waiting: Option<window::Run>,
    extras: extras::Seen,
}

impl Engine {
    /// Looks at all of the text of `hits`.
    pub(super) fn pass(&self, hits: &mut Hits<'_>) {
        let text = hits.text.as_bytes();
        let names = hits.wants(&Entity::Person);
        let class = if names { &CLASS_WITH_CAPITALS } else { &CLASS };
        let mut seen = Seen::default();
        let (mut cursor, mut at) = self.words.skip(self.words.start(), text, 0, class);
        while let Some(byte) = text.get(at) {
            if let Some(end) = self.ending(hits, cursor, at) {
                (cursor, at) = self.words.skip(self.words.start(), text, end, class);
                continue;
            }
            match class[usize::from(*byte)] {
                PLAIN => {}
                CAPITAL => self.capital(hits, at, &mut seen),
                DIGIT if at < seen.group => {}
                DIGIT => self.digit(hits, at, &mut seen),
                class => self.mark(hits, class, at, &mut seen),
            }
            (cursor, at) = self.words.skip(cursor, text, at + 1, class);
        }
        self.settle(hits, &mut seen);
        if names && seen.names == 0 {
            self.names.scan_uncapitalised(hits);
        }
    }

    /// Looks at the row of words that begins with the capital letter at `at`, if it begins one.
    fn capital(&self, hits: &mut Hits<'_>, at: usize, seen: &mut Seen) {
        if at >= seen.names && is_beginning(hits.text, at) {
            seen.names = self.names.at(hits, at);
        }
    }

    /// Follows the words that end at `at`; gives the end of a placeholder, in which nothing is to be found.
    fn ending(&self, hits: &mut Hits<'_>, cursor: Cursor, at: usize) -> Option<usize> {
        for (length, lead) in self.words.ending(cursor) {
            match lead {
                Lead::Placeholder => {
                    if let Some(found) = look_alike(hits.text, at, &self.parts.labels) {
                        return Some(found.end);
                    }
                }
                lead => self.follow(hits, lead, at + 1 - length..at + 1),
            }
        }
        None
    }

    /// Looks at a sign at `at`.
    fn mark(&self, hits: &mut Hits<'_>, class: u8, at: usize, seen: &mut Seen) {
        let text = hits.text.as_bytes();
        if class == JOINT && self.extras.wants_joints() {
            self.extras.joint(hits, at, &mut seen.extras);
        }
        let run = match class {
            AT if !hits.wants(&Entity::Email) || hits.is_late_after(SEARCH) => return,
            AT => return email::scan(hits, at),
            _ if at < seen.hex => return,
            COLON if window::is_hex_colon(text, at) => window::hex_run(text, at),
            JOINT if window::is_mac(text, at) => window::mac_run(text, at),
            _ => return,
        };
        seen.hex = run.end;
        self.look(hits, Trigger::Hex, run);
    }

    /// Looks at what may begin with the digit at `at`, if it is the first of several.
    fn digit(&self, hits: &mut Hits<'_>, at: usize, seen: &mut Seen) {
        let text = hits.text.as_bytes();
        let group = window::run_of(text, at, usize::MAX, u8::is_ascii_digit);
        seen.group = group.end;
        self.group(hits, &group);
        if at >= seen.digits {
            let (run, shape) = window::digit_run(text, at, &mut hits.groups);
            seen.digits = broken(hits, &run).unwrap_or(run.end);
            if (shape.digits >= 7 || shape.dots >= 3) && !hits.is_explained(&run) {
                self.look(hits, Trigger::Digits(shape), run);
            }
        }
        if at >= seen.words {
            let before = self.settle(hits, seen);
            let near = group.start.saturating_sub(window::OVERLAP)..group.end;
            let goes_on = before.as_ref().is_some_and(|before| before.is_cut);
            let lettered = goes_on || (group.len() >= 2 && window::is_after_letter(text, at));
            if self.ids.are_expected(hits.topics_near(&near), lettered) {
                let run = window::words_around(text, at, before);
                seen.words = run.range.end;
                seen.waiting = Some(run);
            }
        }
        if self.extras.wants_digits() {
            self.extras.digits(hits, &group, &mut seen.extras);
        }
    }

    /// Looks at the words that wait, if any.
    fn settle(&self, hits: &mut Hits<'_>, seen: &mut Seen) -> Option<window::Run> {
        let run = seen.waiting.take()?;
        self.look(hits, Trigger::Words(run.digits), run.range.clone());
        Some(run)
    }

    /// Looks at what a group of digits alone may begin.
    fn group(&self, hits: &mut Hits<'_>, group: &Range<usize>) {
        let (text, at) = (hits.text.as_bytes(), group.start);
        if group.len() >= 2 && window::is_iban(text, at) {
            self.look(hits, Trigger::Iban, at - 2..(at + 64).min(text.len()));
        }
        if let Some(start) = window::base58_start(text, at) {
            let run = window::run_of(text, start, 40, u8::is_ascii_alphanumeric);
            if (26..=35).contains(&run.len()) {
                self.look(hits, Trigger::Base58, run);
            }
        }
    }

    fn look(&self, hits: &mut Hits<'_>, trigger: Trigger, range: Range<usize>) {
        // The rest of the pass costs next to nothing, and the clock is not to be in its way.
        if hits.is_late_after(SEARCH) {
            return;
        }
        match trigger {
            Trigger::Digits(shape) => self.number(hits, &range, shape),
            Trigger::Words(digits) => self.ids.scan(hits, &range, digits),
            Trigger::Hex => self.addresses.scan_hex(hits, range),
            Trigger::Iban if hits.wants(&Entity::Iban) => iban::scan(hits, &range),
            Trigger::Base58 if hits.wants(&Entity::Crypto) => crypto::scan_base58(hits, range),
            Trigger::Iban | Trigger::Base58 => {}
        }
    }

    /// Looks at the groups of digits of `run`.
    fn number(&self, hits: &mut Hits<'_>, run: &Range<usize>, shape: Shape) {
        let groups = std::mem::take(&mut hits.groups);
        if shape.dots >= 3 && hits.wants(&Entity::IpAddress) {
            self.addresses.scan_v4(hits, &groups);
        }
        digits::scan(hits, &groups, shape);
        if shape.digits >= 7 && hits.wants(&Entity::Phone) && !hits.is_explained(run) {
            self.phones.scan(hits, &groups);
        }
        hits.groups = groups;
    }
}

/// Looks for a number that goes on where numbers don't.
fn broken(hits: &mut Hits<'_>, run: &Range<usize>) -> Option<usize> {
    if !broken::may_begin(&hits.groups) {
        return None;
    }
    let groups = std::mem::take(&mut hits.groups);
    let found = broken::scan(hits, run, &groups).filter(|end| *end > run.end);
    hits.groups = groups;
    found
}

/// Whether a word begins with a capital letter at `at`.
fn is_beginning(text: &str, at: usize) -> bool {
    let bytes = text.as_bytes();
    let inside = || match bytes.get(..at) {
        Some([.., before]) if before.is_ascii() => window::is_word_before(bytes, at),
        Some([_, ..]) => CharSet::alphanumeric().has_before(bytes, at),
        _ => false,
    };
    let ascii = bytes.get(at).is_some_and(u8::is_ascii);
    (ascii || CharSet::capitals().has(bytes, at)) && !inside()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_capital_letter_begins_with_a_byte_of_their_class() {
        for letter in (char::MIN..=char::MAX).filter(|c| c.is_uppercase()) {
            let first = letter.to_string().as_bytes()[0];
            assert_eq!(CLASS_WITH_CAPITALS[usize::from(first)], CAPITAL, "{letter}");
        }
    }
}
