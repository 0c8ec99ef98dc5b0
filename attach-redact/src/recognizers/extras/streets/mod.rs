//! Street addresses: a number beside a word for a street, in the orders and with the words of several countries.

use std::ops::Range;

mod patterns;

use self::patterns::{BEFORE_FLAT, BEGIN, BOX, END, ENGLISH, FRENCH, GERMANIC, NAMED, ROMANCE};
use crate::engine::{Hits, Match, Pattern};
use crate::{Entity, Finding};

/// The words that speak of addresses.
pub(super) const WORDS: &[&str] = &[
    "address",
    "addresses",
    "lives at",
    "lives on",
    "live at",
    "living at",
    "located at",
    "corner of",
    "side of",
    "deliver to",
    "ship to",
    "shipped to",
    "adresse",
    "anschrift",
    "wohnhaft",
    "dirección",
    "domicilio",
    "indirizzo",
    "endereço",
    "adres",
];

/// How far an address may begin before the first number in it, and end after it.
const BEFORE: usize = 72;
const AFTER: usize = 96;
/// How much further is looked at once.
const TOGETHER: usize = 128;

/// How far addresses were found, and how far everything was looked at.
#[derive(Default)]
pub(super) struct Seen {
    found: usize,
    covered: usize,
}

#[derive(Debug)]
pub(crate) struct Streets {
    alone: [Pattern; 6],
    named: Pattern,
}

impl Streets {
    pub(super) fn new() -> Result<Self, Box<str>> {
        let pattern = |inner: &str| Pattern::new(&format!("{BEGIN}(?:{inner}){END}"));
        let [english, french, romance] = [pattern(ENGLISH)?, pattern(FRENCH)?, pattern(ROMANCE)?];
        let [germanic, mailbox, flat] = [pattern(GERMANIC)?, pattern(BOX)?, pattern(BEFORE_FLAT)?];
        Ok(Self { alone: [english, french, romance, germanic, mailbox, flat], named: pattern(NAMED)? })
    }

    /// Looks around a group of digits and further, so that most groups are looked at together.
    pub(super) fn scan(&self, hits: &mut Hits<'_>, group: &Range<usize>, seen: &mut Seen) {
        let text = hits.text;
        if group.start < seen.found || group.start + AFTER <= seen.covered {
            return;
        }
        if group.len() > 6 || !may_be_one(text.as_bytes(), group) {
            return;
        }
        let from = seen.found;
        let window =
            group.start.saturating_sub(BEFORE).max(from)..(group.start + AFTER + TOGETHER).min(text.len());
        seen.covered = if window.end < text.len() { window.end } else { usize::MAX };
        let named = hits.topics_near(&window).contains(&Entity::StreetAddress).then_some(&self.named);
        for pattern in self.alone.iter().chain(named) {
            pattern.scan(text, window.clone(), |found| {
                let Match::At(range) = found else { return hits.give_up(&window, Entity::StreetAddress) };
                let cut = range.end == window.end && range.end < text.len();
                let unnamed = named.is_some_and(|named| std::ptr::eq(named, pattern))
                    && !hits.is_about(&Entity::StreetAddress, range.start);
                if cut || unnamed {
                    return false;
                }
                let start = house(text, range.start, from);
                let end = tail(text, range.end);
                seen.found = seen.found.max(end);
                hits.push(Finding::new(start..end, Entity::StreetAddress, 0.6));
                true
            });
        }
    }
}

/// A cheap look at what is beside the digits: a word on either side.
fn may_be_one(text: &[u8], group: &Range<usize>) -> bool {
    let letter = |byte: u8| byte.is_ascii_alphabetic() || byte >= 0x80 || matches!(byte, b'.' | b',' | b'#');
    let before = group.start.checked_sub(2).and_then(|at| text.get(at..group.start));
    let after = text.get(group.end..).and_then(|rest| rest.first_chunk::<2>());
    before.is_some_and(|two| two[1] == b' ' && letter(two[0]) || two[1] == b'#')
        || after.is_some_and(|two| matches!(two[0], b' ' | b',') || letter(two[0]))
}

/// A number of the building before the street: `20789 Allika 46`.
fn house(text: &str, start: usize, from: usize) -> usize {
    let before = text.as_bytes().get(from..start).unwrap_or_default();
    let Some((b' ', head)) = before.split_last() else { return start };
    let digits = head.iter().rev().take(7).take_while(|byte| byte.is_ascii_digit()).count();
    let whole = head
        .len()
        .checked_sub(digits + 1)
        .is_none_or(|at| !head.get(at).is_some_and(|&byte| crate::engine::is_word(byte)));
    if (1..=6).contains(&digits) && whole { start - 1 - digits } else { start }
}

/// The longest that a flat, a town, a state and a postcode may be after a street.
const TAIL: usize = 96;
/// The most words of it.
const MOST: usize = 9;

/// Where an address that goes on at `end` ends: after the last flat or postcode, if nothing but names is between.
fn tail(text: &str, end: usize) -> usize {
    let until = crate::engine::floor(text, end + TAIL);
    let (mut last, mut at, mut flat) = (end, end, false);
    for _ in 0..MOST {
        let Some(rest) = text.get(at..until) else { break };
        let gap = rest
            .bytes()
            .take(5)
            .take_while(|byte| matches!(byte, b' ' | b',' | b'\n' | b'\r' | b'>' | b'.'))
            .count();
        let word =
            rest[gap..].chars().take_while(|c| c.is_alphanumeric() || matches!(c, '\'' | '-' | '.' | '#'));
        let length: usize = word.map(char::len_utf8).sum();
        let word = rest[gap..gap + length].trim_end_matches('.');
        // A full stop ends a sentence.
        let stop = rest[..gap].starts_with(". ") && !flat;
        if gap == 0 || word.is_empty() || stop {
            break;
        }
        let ends = at + gap + word.len();
        let number = word.trim_start_matches('#').bytes().all(|byte| byte.is_ascii_digit());
        let postcode = number && (4..=6).contains(&word.len());
        if postcode || number && flat || is_postcode(word) {
            last = ends;
        } else if number || !flat_or_name(word) {
            break;
        }
        flat = is_flat(word);
        at += gap + length;
    }
    last
}

fn is_flat(word: &str) -> bool {
    ["apt", "apartment", "suite", "ste", "unit", "flat", "room", "floor"]
        .iter()
        .any(|flat| word.eq_ignore_ascii_case(flat))
}

fn flat_or_name(word: &str) -> bool {
    is_flat(word) || word.starts_with(char::is_uppercase)
}

/// Half a British or Canadian postcode.
fn is_postcode(word: &str) -> bool {
    let (digits, letters) = (
        word.bytes().filter(u8::is_ascii_digit).count(),
        word.bytes().filter(u8::is_ascii_uppercase).count(),
    );
    digits > 0 && letters > 0 && digits + letters == word.len() && (2..=4).contains(&word.len())
}

#[cfg(test)]
mod tests {
    use crate::{Action, Entity, Redactor};

    fn addresses(text: &str) -> Vec<String> {
        let redactor =
            Redactor::builder().entity(Entity::StreetAddress, Action::Replace).build().expect("builds");
        let found = redactor.find(text).into_iter().filter(|finding| finding.entity == Entity::StreetAddress);
        found.map(|finding| text[finding.range].to_owned()).collect()
    }

    #[test]
    fn addresses_of_several_countries_are_found() {
        for address in [
            "10 Downing Street",
            "221B Baker St.",
            "1600 Pennsylvania Avenue NW, Washington, DC 20500",
            "350 5th Ave, Suite 3300, New York, NY 10118",
            "Unter den Linden, Friedrichstraße 43",
            "12 rue de Rivoli",
            "Via Garibaldi 3",
            "Calle de Alcalá, 45",
            "ul. Marszałkowska 10",
            "Storgatan 7",
            "P.O. Box 242",
            "Postfach 1234",
        ] {
            let found = addresses(&format!("Send it to {address} at once"));
            assert_eq!(found.len(), 1, "{address}: {found:?}");
            assert!(address.ends_with(&found[0]) || address.starts_with(&found[0]), "{address}: {found:?}");
        }
    }

    #[test]
    fn numbers_beside_other_words_are_none() {
        for text in [
            "It took 12 days",
            "the 3 drives failed",
            "In 2024 Apple and Google",
            "Version 2 of the way",
            "Engineering 3",
        ] {
            assert!(addresses(text).is_empty(), "{text}: {:?}", addresses(text));
        }
    }
}
