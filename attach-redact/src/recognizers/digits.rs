//! Payment cards and United States social security numbers: runs of digits with single separators.

use std::ops::Range;

use crate::budget::SEARCH;
use crate::engine::{Hits, Shape, is_ascii_word, is_emphasis};
use crate::finding::Strength;
use crate::recognizers::ids::check;
use crate::{Entity, Finding};

/// Looks for numbers among `groups` of digits.
pub(crate) fn scan(hits: &mut Hits<'_>, groups: &[Range<usize>], shape: Shape) {
    if shape.card && hits.wants(&Entity::CreditCard) {
        each(groups, |rest| card(hits, rest));
    }
    if shape.ssn && hits.wants(&Entity::UsSsn) {
        each(groups, |rest| ssn(hits, rest));
    }
}

/// Calls `look` with what is left of `groups` from each of them on; goes on after as many as it says it took.
fn each(groups: &[Range<usize>], mut look: impl FnMut(&[Range<usize>]) -> usize) {
    let mut first = 0;
    while let Some(rest) = groups.get(first..).filter(|rest| !rest.is_empty()) {
        first += look(rest).max(1);
    }
}

/// A card in the first of `groups`; gives how many they are. Unbroken, in fours, or 4-6-5 (ISO/IEC 7812: up to 19 digits).
fn card(hits: &mut Hits<'_>, groups: &[Range<usize>]) -> usize {
    if hits.is_late_after(SEARCH / 4) {
        return groups.len();
    }
    let text = hits.text.as_bytes();
    let sizes: [usize; 5] = std::array::from_fn(|index| groups.get(index).map_or(0, Range::len));
    let joined = 1 + groups.windows(2).take(4).take_while(|pair| is_single(text, pair, b" -.")).count();
    let fits = |count: usize| {
        matches!(
            (count, sizes),
            (1, [12..=19, ..])
                | (3, [4, 4, 4, ..] | [4, 6, 4 | 5, ..])
                | (4, [4, 4, 4, 1..=4, _])
                | (5, [4, 4, 4, 4, 1..=3])
        )
    };
    if !begins(text, groups, b".") {
        return 0;
    }
    for count in (1..=joined).rev().filter(|count| fits(*count)) {
        let Some(range) = whole(groups, count).filter(|range| ends(text, range.end, b".")) else { continue };
        let digits = only_digits(hits.text.get(range.clone()).unwrap_or_default());
        let usual = issue(&digits) == Some(Issue::Usual);
        if luhn(&digits) && (usual || hits.is_near(&Entity::CreditCard, range.start)) {
            hits.push(Finding::strong(range, Entity::CreditCard, 1.0, Strength::Checksum));
            return count;
        }
    }
    0
}

/// A social security number in the first of `groups`; gives how many they are.
fn ssn(hits: &mut Hits<'_>, groups: &[Range<usize>]) -> usize {
    let text = hits.text.as_bytes();
    let one_separator = |[first, second, third]: [&Range<usize>; 3]| {
        let gaps = (text.get(first.end..second.start), text.get(second.end..third.start));
        gaps.0 == gaps.1 && matches!(gaps.0, Some(b" " | b"-" | b"."))
    };
    let (count, score) = match groups {
        [first, second, third, ..]
            if (first.len(), second.len(), third.len()) == (3, 2, 4)
                && one_separator([first, second, third]) =>
        {
            (3, 0.85)
        }
        [first, ..] if first.len() == 9 && hits.is_near(&Entity::UsSsn, first.start) => (1, 0.75),
        // With one of the two hyphens.
        [first, second, ..]
            if matches!((first.len(), second.len()), (3, 6) | (5, 4))
                && text.get(first.end..second.start) == Some(b"-")
                && hits.is_near(&Entity::UsSsn, first.start) =>
        {
            (2, 0.75)
        }
        _ => return 0,
    };
    let Some(range) = whole(groups, count) else { return 0 };
    let alone = begins(text, groups, b".-") && ends(text, range.end, b".-");
    if !alone || !is_ssn(&only_digits(hits.text.get(range.clone()).unwrap_or_default())) {
        return 0;
    }
    hits.push(Finding::new(range, Entity::UsSsn, score));
    count
}

fn whole(groups: &[Range<usize>], count: usize) -> Option<Range<usize>> {
    Some(groups.first()?.start..groups.get(count.checked_sub(1)?)?.end)
}

/// Whether exactly one of `separators` stands between two groups.
fn is_single(text: &[u8], pair: &[Range<usize>], separators: &[u8]) -> bool {
    let [left, right] = pair else { return false };
    matches!(text.get(left.end..right.start), Some([one]) if separators.contains(one))
}

/// Whether the first of `groups` goes on from neither a word nor, across one of `joints`, a number.
fn begins(text: &[u8], groups: &[Range<usize>], joints: &[u8]) -> bool {
    let Some(first) = groups.first() else { return false };
    match text.get(..first.start) {
        Some([.., digit, joint]) if joints.contains(joint) => !digit.is_ascii_digit(),
        Some(before) => {
            !before.last().is_some_and(|byte| is_ascii_word(*byte)) || is_emphasis(before.iter().rev())
        }
        None => true,
    }
}

/// Whether neither a word nor, across one of `joints`, a number goes on at `end`.
fn ends(text: &[u8], end: usize, joints: &[u8]) -> bool {
    match text.get(end..) {
        // A spreadsheet's number that became one with a fraction.
        Some([b'.', b'0', rest @ ..])
            if !rest.first().is_some_and(|byte| is_ascii_word(*byte) || *byte == b'.') =>
        {
            true
        }
        Some([joint, digit, ..]) if joints.contains(joint) => !digit.is_ascii_digit(),
        Some(after) => !after.first().is_some_and(|byte| is_ascii_word(*byte)) || is_emphasis(after.iter()),
        None => true,
    }
}

pub(crate) fn only_digits(text: &str) -> Vec<u8> {
    text.bytes().filter(u8::is_ascii_digit).collect()
}

/// Whether a card may have the number, by issuer, length and check digit.
pub(super) fn is_card(digits: &[u8]) -> bool {
    issue(digits) == Some(Issue::Usual) && luhn(digits)
}

fn luhn(digits: &[u8]) -> bool {
    check::luhn(&digits.iter().map(|digit| u32::from(digit - b'0')).collect::<Vec<_>>())
}

/// Whether an issuer's cards have such a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Issue {
    /// The usual length for the prefix.
    Usual,
    /// A length that exists but is rare: believed only beside a word such as "card".
    Rare,
}

/// The issuer identification numbers in use, with the lengths of their cards.
fn issue(digits: &[u8]) -> Option<Issue> {
    let prefix = |length: usize| {
        digits.get(..length).map_or(0, |head| head.iter().fold(0, |n: u32, d| n * 10 + u32::from(d - b'0')))
    };
    let length = digits.len();
    let (usual, exists) = match (prefix(1), prefix(2), prefix(4)) {
        // Diners Club and JCB before 16 digits, UATP, American Express.
        (_, _, 1800 | 2131) | (1, ..) | (_, 34 | 37, _) => (15, 15..=15),
        (_, 30 | 36 | 38 | 39, _) => (14, 14..=19),
        // Mastercard.
        (_, _, 2221..=2720) | (_, 51..=55, _) => (16, 16..=16),
        // Mir, JCB, UnionPay.
        (_, _, 2200..=2204 | 3528..=3589 | 8100..=8171) => (16, 16..=19),
        // Visa; Maestro, Discover, UnionPay.
        (4, ..) => (16, 13..=19),
        (_, 50 | 56..=58, _) | (6, ..) => (16, 12..=19),
        _ => return None,
    };
    exists.contains(&length).then_some(if length == usual { Issue::Usual } else { Issue::Rare })
}

/// The Social Security Administration has issued no such area, group or serial number; one number was printed in
/// millions of wallets.
pub(super) fn is_ssn(digits: &[u8]) -> bool {
    let (Some(area), Some(group), Some(serial)) = (digits.get(..3), digits.get(3..5), digits.get(5..9))
    else {
        return false;
    };
    area != b"000"
        && area != b"666"
        && area.first() != Some(&b'9')
        && group != b"00"
        && serial != b"0000"
        && digits != b"078051120"
        && digits.iter().any(|digit| Some(digit) != digits.first())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn check_digits() {
        assert!(luhn(b"4111111111111111"));
        assert!(!luhn(b"4111111111111112"));
        assert!(!luhn(b"0000000000000000"));
    }

    #[test]
    fn lengths_follow_the_issuer() {
        assert_eq!(issue(b"4111111111111111"), Some(Issue::Usual));
        assert_eq!(issue(b"4222222222222"), Some(Issue::Rare));
        assert_eq!(issue(b"1700000000000000000"), None);
        assert_eq!(issue(b"378282246310005"), Some(Issue::Usual));
    }
}
