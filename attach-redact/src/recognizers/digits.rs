//! Payment cards and United States social security numbers: runs of digits with single separators.

use std::ops::Range;

use crate::engine::{Hits, Match, Pattern, Shape};
use crate::finding::Strength;
use crate::{Entity, Finding};

/// Unbroken, in fours, or 4-6-5 (ISO/IEC 7812: up to 19 digits).
const CARD: &str = concat!(
    r"(?<![A-Za-z0-9_])(?<![0-9][.])(?:[0-9]{12,19}",
    r"|[0-9]{4}(?:[ \-.][0-9]{4}){2,3}(?:[ \-.][0-9]{1,3})?",
    r"|[0-9]{4}[ \-.][0-9]{6}[ \-.][0-9]{4,5})(?![A-Za-z0-9_])(?![.][0-9])",
);

const SSN: &str =
    r"(?<![A-Za-z0-9_])(?<![0-9][.\-])[0-9]{3}([ .\-])[0-9]{2}\1[0-9]{4}(?![A-Za-z0-9_])(?![.\-][0-9])";
const SSN_UNBROKEN: &str = r"(?<![A-Za-z0-9_])(?<![0-9][.\-])[0-9]{9}(?![A-Za-z0-9_])(?![.\-][0-9])";

#[derive(Debug)]
pub(crate) struct Digits {
    card: Pattern,
    ssn: Pattern,
    ssn_unbroken: Pattern,
}

impl Digits {
    pub(crate) fn new() -> Result<Self, Box<str>> {
        let ssn = Pattern::new(SSN)?.whole();
        Ok(Self { card: Pattern::new(CARD)?, ssn, ssn_unbroken: Pattern::new(SSN_UNBROKEN)? })
    }

    pub(crate) fn scan(&self, hits: &mut Hits<'_>, window: Range<usize>, shape: Shape) {
        if shape.digits >= 12 && hits.wants(&Entity::CreditCard) {
            self.cards(hits, window.clone());
        }
        if shape.digits >= 9 && hits.wants(&Entity::UsSsn) {
            self.ssns(hits, window);
        }
    }

    fn cards(&self, hits: &mut Hits<'_>, window: Range<usize>) {
        let text = hits.text;
        self.card.scan(text, window.clone(), |found| {
            let Match::At(range) = found else { return hits.give_up(&window, Entity::CreditCard) };
            let digits = only_digits(&text[range.clone()]);
            let usual = issue(&digits) == Some(Issue::Usual);
            let sure = luhn(&digits) && (usual || hits.is_near(&Entity::CreditCard, range.start));
            if sure {
                hits.push(Finding::strong(range, Entity::CreditCard, 1.0, Strength::Checksum));
            }
            sure
        });
    }

    fn ssns(&self, hits: &mut Hits<'_>, window: Range<usize>) {
        let text = hits.text;
        self.ssn.scan(text, window.clone(), |found| {
            let Match::At(range) = found else { return hits.give_up(&window, Entity::UsSsn) };
            let valid = is_ssn(&only_digits(&text[range.clone()]));
            if valid {
                hits.push(Finding::new(range, Entity::UsSsn, 0.85));
            }
            valid
        });
        if !hits.is_near(&Entity::UsSsn, window.start) {
            return;
        }
        self.ssn_unbroken.scan(text, window.clone(), |found| {
            let Match::At(range) = found else { return hits.give_up(&window, Entity::UsSsn) };
            let valid = is_ssn(text[range.clone()].as_bytes());
            if valid {
                hits.push(Finding::new(range, Entity::UsSsn, 0.75));
            }
            valid
        });
    }
}

pub(crate) fn only_digits(text: &str) -> Vec<u8> {
    text.bytes().filter(u8::is_ascii_digit).collect()
}

/// ISO/IEC 7812-1 annex B.
fn luhn(digits: &[u8]) -> bool {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(index, digit)| {
            let digit = u32::from(digit - b'0');
            if index % 2 == 0 { digit } else { digit * 2 - if digit > 4 { 9 } else { 0 } }
        })
        .sum();
    sum.is_multiple_of(10) && digits.iter().any(|digit| *digit != b'0')
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
fn is_ssn(digits: &[u8]) -> bool {
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
