//! Turkey.

use super::{Rule, Verdict, check};
use crate::Entity;

const PLATE: &[&str] = &[
    "plaka",
    "plakası",
    "plakali",
    "plakalı",
    "kayıt",
    "license plate",
    "licence plate",
    "number plate",
    "plate",
];

pub(super) const RULES: &[Rule] = &[
    // General Directorate of Civil Registration and Citizenship, T.C. kimlik numarası: eleven digits, two check digits.
    Rule {
        entity: Entity::TrNationalId,
        pattern: number!(r"[1-9][0-9]{10}"),
        digits: 11,
        check: tckn,
        form: 0.0,
        checked: 1.0,
        words: &[
            "tckn",
            "tc kimlik",
            "t.c. kimlik",
            "kimlik no",
            "kimlik numarası",
            "tc no",
            "nüfus cüzdanı",
            "national id",
            "turkish id",
            "türk kimlik",
        ],
    },
    // Road Traffic Regulation, annex on plates: province, letters of the Turkish alphabet, number.
    Rule {
        entity: Entity::TrLicensePlate,
        pattern: number!(r"(?:0[1-9]|[1-7][0-9]|8[01])(?: ?[A-PR-VYZ]{1,3} ?|-[A-PR-VYZ]{1,3}-)[0-9]{2,4}"),
        digits: 4,
        check: sure_plate,
        form: 0.5,
        checked: 0.0,
        words: PLATE,
    },
    // In small letters, or in one piece with letters that are hexadecimal digits, it is often something else.
    Rule {
        entity: Entity::TrLicensePlate,
        pattern: number!(
            r"(?i:(?:0[1-9]|[1-7][0-9]|8[01])(?: ?[A-PR-VYZ]{1,3} ?|-[A-PR-VYZ]{1,3}-)[0-9]{2,4})"
        ),
        digits: 4,
        check: plate,
        form: 0.3,
        checked: 0.0,
        words: PLATE,
    },
    // Information and Communication Technologies Authority, numbering plan: an area (2, 3, 4) or a mobile network (5),
    // with +90, 0 or nothing before.
    Rule {
        entity: Entity::TrPhoneNumber,
        pattern: concat!(
            r"(?<![A-Za-z0-9_+])(?<![0-9][.\-])(?:(?:\+ ?|00)90[ \-]?|0[ \-]?)?(?:\([2-5][0-9]{2}\)|[2-5][0-9]{2})",
            r"[ \-]?[0-9]{3}[ \-]?[0-9]{2}[ \-]?[0-9]{2}(?![A-Za-z0-9_])(?![.\-][0-9])"
        ),
        digits: 10,
        check: |_| Verdict::Form,
        form: 0.4,
        checked: 0.0,
        words: &[
            "telefon",
            "telefonu",
            "telefonum",
            "numaram",
            "cep",
            "cep no",
            "mobil",
            "phone",
            "mobile",
            "irtibat",
        ],
    },
];

fn tckn(written: &str) -> Verdict {
    let digits = check::digits(written);
    let odd = check::weighted(&digits, &[1, 0, 1, 0, 1, 0, 1, 0, 1]);
    let even = check::weighted(&digits, &[0, 1, 0, 1, 0, 1, 0, 1]);
    let sum: u32 = digits.iter().take(10).sum();
    // Forty more, so that it stays above zero.
    let tenth = digits.get(9) == Some(&((odd * 7 + 40 - even) % 10));
    (tenth && digits.get(10) == Some(&(sum % 10))).into()
}

/// Nothing that could be a hexadecimal number.
fn sure_plate(written: &str) -> Verdict {
    if written.bytes().all(|byte| byte.is_ascii_hexdigit()) { Verdict::No } else { plate(written) }
}

/// Neither a date nor words between two numbers.
fn plate(written: &str) -> Verdict {
    const OTHERS: &[&str] = &[
        "to", "of", "or", "and", "in", "at", "by", "on", "is", "am", "pm", "h", "m", "s", "d", "jan", "feb",
        "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec", "ile", "ve", "de",
    ];
    let letters: String = written.chars().filter(char::is_ascii_alphabetic).collect();
    let date = letters.len() == 3 && OTHERS.iter().any(|other| other.eq_ignore_ascii_case(&letters));
    let word = OTHERS.contains(&letters.as_str());
    if date || word { Verdict::No } else { Verdict::Form }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Verdict::{Checked, Form, No};

    #[test]
    fn both_check_digits_have_to_hold() {
        // The example of python-stdnum (stdnum.tr.tckimlik), and the one of the office's own service.
        assert_eq!((tckn("17291716060"), tckn("10000000146")), (Checked, Checked));
        assert_eq!((tckn("17291716050"), tckn("17291716061")), (No, No));
    }

    #[test]
    fn a_plate_is_no_date() {
        assert_eq!((plate("34 ABC 1234"), plate("15 MAR 2024"), plate("10 to 20")), (Form, No, No));
    }
}
