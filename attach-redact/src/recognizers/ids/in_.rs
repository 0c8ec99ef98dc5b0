//! India.

use super::{Rule, Verdict, check};
use crate::Entity;

const PLATE: &[&str] =
    &["rto", "vehicle", "vehicles", "plate", "plates", "number plate", "registration", "registered"];
const PAN: &[&str] = &["pan", "permanent account number"];
const VOTER: &[&str] = &["voter", "voters", "voter id", "epic", "elector", "electoral"];

pub(super) const RULES: &[Rule] = &[
    // Unique Identification Authority of India, "Aadhaar number": twelve digits, Verhoeff; never begins with 0 or 1.
    Rule {
        entity: Entity::InAadhaar,
        pattern: number!(r"[2-9][0-9]{3}[ :\-]?[0-9]{4}[ :\-]?[0-9]{4}"),
        digits: 12,
        check: aadhaar,
        form: 0.0,
        checked: 0.35,
        words: &["aadhaar", "aadhar", "adhaar", "adhar", "uidai"],
    },
    // Income Tax Department, "Permanent Account Number": five letters, of which the fourth is the kind of holder.
    Rule {
        entity: Entity::InPan,
        pattern: number!(r"(?i:[A-Z]{3}[ABCFGHJLPT][A-Z][0-9]{4}[A-Z])"),
        digits: 4,
        check: |_| Verdict::Form,
        form: 0.5,
        checked: 0.0,
        words: PAN,
    },
    Rule {
        entity: Entity::InPan,
        pattern: number!(r"(?i:[A-Z]{5}[0-9]{4}[A-Z])"),
        digits: 4,
        check: |_| Verdict::Form,
        form: 0.1,
        checked: 0.0,
        words: PAN,
    },
    // Goods and Services Tax Network, "Structure of GSTIN": state, PAN, entity, Z, check character of modulus 36.
    Rule {
        entity: Entity::InGstin,
        pattern: number!(r"(?i:(?:0[1-9]|[12][0-9]|3[0-7])[A-Z0-9]{5}[0-9]{4}[A-Z][A-Z0-9]Z[A-Z0-9])"),
        digits: 6,
        check: gstin,
        form: 0.8,
        checked: 1.0,
        words: &["gstin", "gst", "goods and services tax", "tax identification"],
    },
    // Ministry of External Affairs, passport: a letter and seven digits, neither of which ends with a zero.
    Rule {
        entity: Entity::InPassport,
        pattern: number!(r"(?i:[A-Z])[1-9][0-9] ?[0-9]{4}[1-9]"),
        digits: 7,
        check: |_| Verdict::Form,
        form: 0.1,
        checked: 0.0,
        words: &["passport", "passports"],
    },
    // Election Commission of India, elector's photo identity card: three letters and seven digits.
    Rule {
        entity: Entity::InVoter,
        pattern: number!(r"(?i:[A-Z][ABCDGHJKMNPRSY][A-Z])[0-9]{7}"),
        digits: 7,
        check: |_| Verdict::Form,
        form: 0.4,
        checked: 0.0,
        words: VOTER,
    },
    Rule {
        entity: Entity::InVoter,
        pattern: number!(r"(?i:[A-Z]{3})[0-9]{7}"),
        digits: 7,
        check: |_| Verdict::Form,
        form: 0.3,
        checked: 0.0,
        words: VOTER,
    },
    // Central Motor Vehicles Rules, 1989, rule 50: state, district, series, number.
    Rule {
        entity: Entity::InVehicleRegistration,
        pattern: number!(
            r"(?i:[A-Z]{2}[ \-]?(?:[0-9]{2}[ \-]?[A-Z]{1,2}|[0-9][ \-]?[A-Z]{1,3})[ \-]?(?!0000)[0-9]{4})"
        ),
        digits: 5,
        check: state,
        form: 0.5,
        checked: 0.0,
        words: PLATE,
    },
    // The same with letters that are no state's today.
    Rule {
        entity: Entity::InVehicleRegistration,
        pattern: number!(r"(?i:[A-Z]{2}(?:[0-9]{2}[A-Z]{1,2}|[0-9][A-Z]{1,3})(?!0000)[0-9]{4})"),
        digits: 5,
        check: |_| Verdict::Form,
        form: 0.35,
        checked: 0.0,
        words: PLATE,
    },
    // The Bharat series (rule 50 as amended in 2021), and vehicles of the armed forces.
    Rule {
        entity: Entity::InVehicleRegistration,
        pattern: number!(
            r"(?i:[2-9][1-9] ?BH ?(?!0000)[0-9]{4} ?[A-HJ-NP-Z]{2})|(?!00)[0-9]{2}[ABCDEFHKPRX][0-9]{6}[A-Z]"
        ),
        digits: 6,
        check: |_| Verdict::Form,
        form: 0.85,
        checked: 0.0,
        words: PLATE,
    },
    // Vehicles of missions: the country's code, the kind of mission, the number.
    Rule {
        entity: Entity::InVehicleRegistration,
        pattern: number!(r"[0-9]{1,3} ?(?:CD|CC|UN) ?[1-9][0-9]{1,3}"),
        digits: 3,
        check: |_| Verdict::Form,
        form: 0.4,
        checked: 0.0,
        words: PLATE,
    },
    // Before 1989: up to three letters and four digits.
    Rule {
        entity: Entity::InVehicleRegistration,
        pattern: number!(r"[A-Z]{1,3} ?(?!0000)[0-9]{4}|(?i:[A-Z]{1,3}(?!0000)[0-9]{4}|I(?!00000)[0-9]{5})"),
        digits: 4,
        check: |_| Verdict::Form,
        form: 0.1,
        checked: 0.0,
        words: PLATE,
    },
];

fn aadhaar(written: &str) -> Verdict {
    let digits = check::digits(written);
    let palindrome = digits.iter().eq(digits.iter().rev());
    (check::verhoeff(&digits) && !palindrome).into()
}

fn gstin(written: &str) -> Verdict {
    let characters = check::letters_and_digits(written);
    let letters = characters.iter().skip(2).take(5).filter(|byte| byte.is_ascii_alphabetic()).count();
    match check::luhn_36(&characters) {
        _ if letters < 3 => Verdict::No,
        true => Verdict::Checked,
        false => Verdict::Form,
    }
}

/// The states and territories that register vehicles, today's codes and former ones (Central Motor Vehicles Rules,
/// form of 1989 with later notifications).
fn state(written: &str) -> Verdict {
    const STATES: &[&str] = &[
        "AN", "AP", "AR", "AS", "BR", "CG", "CH", "CT", "DD", "DH", "DL", "DN", "GA", "GJ", "HP", "HR", "JH",
        "JK", "KA", "KL", "LA", "LD", "MH", "ML", "MN", "MP", "MZ", "NL", "OD", "OR", "PB", "PY", "RJ", "SK",
        "TG", "TN", "TR", "TS", "UA", "UK", "UL", "UP", "UT", "WB",
    ];
    let known =
        STATES.iter().any(|state| written.get(..2).is_some_and(|head| head.eq_ignore_ascii_case(state)));
    if known { Verdict::Form } else { Verdict::No }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn check_characters_hold() {
        // UIDAI's test number, and the GST Network's example.
        assert_eq!(aadhaar("9999 9999 0019"), Verdict::Checked);
        assert_eq!(aadhaar("9999 9999 0018"), Verdict::No);
        assert_eq!(gstin("27AAPFU0939F1ZV"), Verdict::Checked);
        assert_eq!(gstin("27AAPFU0939F1ZW"), Verdict::Form);
    }

    #[test]
    fn a_plate_begins_with_a_state() {
        assert_eq!((state("MH 12 DE 1433"), state("ZZ 12 DE 1433")), (Verdict::Form, Verdict::No));
    }
}
