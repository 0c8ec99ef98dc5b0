//! Singapore.

use super::{Rule, Verdict, check};
use crate::Entity;

const NRIC: &[&str] = &["nric", "nric#", "fin", "fin#", "identification number", "identity card"];

pub(super) const RULES: &[Rule] = &[
    // Immigration & Checkpoints Authority, NRIC and FIN: a letter for the kind and century, seven digits, a check
    // letter. Test data often has a wrong one, so the form alone counts.
    Rule {
        entity: Entity::SgNricFin,
        pattern: number!(r"(?i:[STFGM])[0-9]{7}(?i:[A-Z])"),
        digits: 7,
        check: nric,
        form: 0.5,
        checked: 1.0,
        words: NRIC,
    },
    // The same with a letter that is not given out.
    Rule {
        entity: Entity::SgNricFin,
        pattern: number!(r"(?i:[A-Z])[0-9]{7}(?i:[A-Z])"),
        digits: 7,
        check: |_| Verdict::Form,
        form: 0.3,
        checked: 0.0,
        words: NRIC,
    },
    // Accounting and Corporate Regulatory Authority, unique entity number: businesses, local companies, others.
    Rule {
        entity: Entity::SgUen,
        pattern: number!(r"[0-9]{8}[A-Z]|(?:19|20)[0-9]{7}[A-Z]|[TSR][0-9]{2}[A-Z]{2}[0-9]{4}[A-Z]"),
        digits: 6,
        check: uen,
        form: 0.0,
        checked: 1.0,
        words: &["uen", "unique entity number", "business registration", "acra"],
    },
];

fn nric(written: &str) -> Verdict {
    let characters = check::letters_and_digits(written);
    let digits = check::digits(written);
    let sum = check::weighted(&digits, &[2, 7, 6, 5, 4, 3, 2]);
    let (offset, letters): (u32, &[u8; 11]) = match characters.first() {
        Some(b'S') => (0, b"JZIHGFEDCBA"),
        Some(b'T') => (4, b"JZIHGFEDCBA"),
        Some(b'F') => (0, b"XWUTRQPNMLK"),
        Some(b'G') => (4, b"XWUTRQPNMLK"),
        Some(b'M') => (3, b"KLJNPQRTUWX"),
        _ => return Verdict::No,
    };
    let remainder = (sum + offset) % 11;
    // The letters of the M series are counted from the other end.
    let at = if characters.first() == Some(&b'M') { 10 - remainder } else { remainder };
    if characters.last() == letters.get(at as usize) { Verdict::Checked } else { Verdict::Form }
}

fn uen(written: &str) -> Verdict {
    let (characters, digits) = (written.as_bytes(), check::digits(written));
    let (sum, letters): (u32, &[u8]) = match (characters.first(), characters.len()) {
        (Some(b'0'..=b'9'), 9) => (check::weighted(&digits, &[10, 4, 9, 3, 8, 2, 7, 1]), b"XMKECAWLJDB"),
        (Some(b'0'..=b'9'), 10) => (check::weighted(&digits, &[10, 8, 6, 4, 9, 7, 5, 3, 1]), b"ZKCMDNERGWH"),
        (Some(_), 10) if is_kind(characters) => (other(characters), OTHERS),
        _ => return Verdict::No,
    };
    (characters.last() == letters.get((sum % 11) as usize)).into()
}

/// The letters and digits of other entities' numbers, by their value.
const OTHERS: &[u8] = b"ABCDEFGHJKLMNPQRSTUVWX0123456789";

fn other(characters: &[u8]) -> u32 {
    let value = |byte: &u8| OTHERS.iter().position(|known| known == byte).map_or(0, |at| at as u32);
    let values: Vec<u32> = characters.iter().map(value).collect();
    // Five less, without going below zero.
    check::weighted(&values, &[4, 3, 5, 3, 10, 2, 2, 5, 7]) + 11 - 5
}

/// The kinds of entities (ACRA, "Entity-type indicators").
fn is_kind(characters: &[u8]) -> bool {
    const KINDS: &[&[u8; 2]] = &[
        b"CC", b"CD", b"CH", b"CL", b"CM", b"CP", b"CS", b"CX", b"DP", b"FB", b"FC", b"FM", b"FN", b"GA",
        b"GB", b"GS", b"HC", b"HS", b"LL", b"LP", b"MB", b"MC", b"MD", b"MH", b"MM", b"MQ", b"NB", b"NR",
        b"PA", b"PB", b"PF", b"RF", b"RP", b"SM", b"SS", b"TC", b"TU", b"VH", b"XL",
    ];
    characters.get(3..5).is_some_and(|kind| KINDS.iter().any(|known| known.as_slice() == kind))
}

#[cfg(test)]
mod tests {
    use super::*;
    use Verdict::{Checked, Form, No};

    #[test]
    fn the_check_letter_makes_an_identity_number_sure() {
        // Numbers that validators of each series show as their examples.
        for sample in ["S1234567D", "T1234567J", "F1234567N", "g1234567x", "M5398242L"] {
            assert_eq!(nric(sample), Checked, "{sample}");
        }
        assert_eq!(nric("S1234567E"), Form);
    }

    #[test]
    fn entities_have_a_check_letter() {
        // The examples of python-stdnum (stdnum.sg.uen).
        assert_eq!((uen("00192200M"), uen("197401143C"), uen("S16FC0121D")), (Checked, Checked, Checked));
        assert_eq!((uen("00192200K"), uen("197401143A"), uen("S16FC0121A")), (No, No, No));
        assert_eq!(uen("S16ZZ0121D"), No);
    }
}
