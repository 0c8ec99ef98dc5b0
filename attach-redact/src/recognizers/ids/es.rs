//! Spain.

use super::{Rule, Verdict, check};
use crate::Entity;

pub(super) const RULES: &[Rule] = &[
    // Real Decreto 1065/2007, art. 19, and the Ministry of the Interior's "Cálculo del dígito de control del NIF/NIE":
    // the letter is the remainder by 23.
    Rule {
        entity: Entity::EsNif,
        pattern: number!(r"[0-9]{7,8}[ \-]?[A-Za-z]|[0-9]{1,2}\.[0-9]{3}\.[0-9]{3}[ \-]?[A-Za-z]"),
        digits: 7,
        check: citizen,
        form: 0.0,
        checked: 0.39,
        words: &[
            "dni",
            "nif",
            "d.n.i.",
            "n.i.f.",
            "documento nacional",
            "documento de identidad",
            "identificación",
            "identificacion",
            "identificación fiscal",
            "spanish id",
        ],
    },
    // The same, Real Decreto 557/2011, art. 206: X, Y or Z stands for 0, 1, 2.
    Rule {
        entity: Entity::EsNie,
        pattern: whole!(r"[X-Zx-z][ \-]?[0-9]{7}[ \-]?[A-Za-z]"),
        digits: 7,
        check: foreigner,
        form: 0.0,
        checked: 0.6,
        words: &["nie", "n.i.e.", "extranjero", "extranjera", "extranjeros", "foreigner identity"],
    },
    // Council Regulation (EC) 2252/2004, the Spanish document: three letters and six digits.
    Rule {
        entity: Entity::EsPassport,
        pattern: whole!(r"[A-Za-z]{3}[0-9]{6}"),
        digits: 6,
        check: check::none,
        form: 0.05,
        checked: 0.0,
        words: &["pasaporte", "pasaportes", "passport", "passports", "passportnumber"],
    },
];

const LETTERS: &[u8; 23] = b"TRWAGMYFPDXBNJZSQVHLCKE";

fn holds(digits: &[u32], letter: Option<&u8>) -> Verdict {
    (LETTERS.get(check::number(digits, 0..digits.len()) as usize % 23) == letter).into()
}

fn citizen(written: &str) -> Verdict {
    holds(&check::digits(written), check::letters_and_digits(written).last())
}

fn foreigner(written: &str) -> Verdict {
    let written = check::letters_and_digits(written);
    let mut digits = written.first().map_or_else(Vec::new, |first| vec![u32::from(first.wrapping_sub(b'X'))]);
    digits.extend(written.iter().filter(|byte| byte.is_ascii_digit()).map(|byte| u32::from(byte - b'0')));
    holds(&digits, written.last())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_letter_is_the_remainder() {
        // The Ministry's example, and Wikipedia's "Número de identidad de extranjero".
        assert_eq!(citizen("12345678Z"), Verdict::Checked);
        assert_eq!(citizen("12.345.678-z"), Verdict::Checked);
        assert_eq!(citizen("12345678A"), Verdict::No);
        assert_eq!(foreigner("X1234567L"), Verdict::Checked);
        assert_eq!(foreigner("Z8078221M"), Verdict::Checked);
        assert_eq!(foreigner("y8063915-q"), Verdict::No);
    }
}
