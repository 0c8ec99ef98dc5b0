//! South Korea.

use super::{Rule, Verdict, check};
use crate::Entity;

const LICENSE: &[&str] =
    &["운전면허", "운전면허번호", "면허번호", "driver license", "driver's license", "driving licence"];

pub(super) const RULES: &[Rule] = &[
    // Resident Registration Act, enforcement rule, article 2: date of birth, sex and century, six digits. The last checks
    // the others in numbers given out before October 2020; since then it is random.
    Rule {
        entity: Entity::KrRrn,
        pattern: number!(r"[0-9]{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])-?[1-4][0-9]{6}"),
        digits: 13,
        check: |written| registration(written, 11),
        form: 0.5,
        checked: 1.0,
        words: &["rrn", "rrn#", "resident registration number", "주민등록번호", "주민번호"],
    },
    // Immigration Act, article 31: the same for foreigners, with other digits for sex and century and another sum.
    Rule {
        entity: Entity::KrFrn,
        pattern: number!(r"[0-9]{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])-?[5-8][0-9]{6}"),
        digits: 13,
        check: |written| registration(written, 13),
        form: 0.5,
        checked: 1.0,
        words: &[
            "frn",
            "foreigner registration number",
            "alien registration number",
            "외국인등록번호",
            "외국인번호",
        ],
    },
    // National Tax Service, business registration number: office, kind, serial number, check digit.
    Rule {
        entity: Entity::KrBrn,
        pattern: number!(r"[0-9]{3}-[0-9]{2}-[0-9]{5}|[0-9]{10}"),
        digits: 10,
        check: brn,
        form: 0.0,
        checked: 1.0,
        words: &[
            "brn",
            "business registration number",
            "business number",
            "tax registration number",
            "사업자등록번호",
            "사업자번호",
            "사업자",
        ],
    },
    // Ministry of Foreign Affairs, passports since December 2021 and before.
    Rule {
        entity: Entity::KrPassport,
        pattern: number!(r"(?i:[MSROD][0-9]{3}(?:[A-Z][0-9]{4}|[0-9]{5}))"),
        digits: 7,
        check: |_| Verdict::Form,
        form: 0.1,
        checked: 0.0,
        words: &["passport", "passports", "여권", "여권번호"],
    },
    // National Police Agency, driver's licence: region, year, serial number, two digits whose rule is not public.
    Rule {
        entity: Entity::KrDriverLicense,
        pattern: number!(r"(?:1[1-9]|2[0-68])[ \-]?[0-9]{2}[ \-]?[0-9]{6}[ \-]?[0-9]{2}"),
        digits: 12,
        check: |_| Verdict::Form,
        form: 0.5,
        checked: 0.0,
        words: LICENSE,
    },
];

/// The date and the last digit: the weighted sum's complement, counted from `base`.
fn registration(written: &str, base: u32) -> Verdict {
    let digits = check::digits(written);
    let Some([y1, y2, m1, m2, d1, d2, century, ..]) = digits.first_chunk::<7>() else { return Verdict::No };
    let year = if matches!(century, 1 | 2 | 5 | 6) { 1900 } else { 2000 } + y1 * 10 + y2;
    if !check::is_date(year, m1 * 10 + m2, d1 * 10 + d2) {
        return Verdict::No;
    }
    let sum = check::weighted(&digits, &[2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5]);
    let holds = digits.last() == Some(&((base - sum % 11) % 10));
    // The two digits after the century are a district's, up to 95.
    let district = digits.get(7).zip(digits.get(8)).is_some_and(|(tens, ones)| tens * 10 + ones <= 95);
    if holds && district { Verdict::Checked } else { Verdict::Form }
}

fn brn(written: &str) -> Verdict {
    let digits = check::digits(written);
    let sum = check::weighted(&digits, &[1, 3, 7, 1, 3, 7, 1, 3, 5])
        + digits.get(8).map_or(0, |digit| digit * 5 / 10);
    (digits.last() == Some(&((10 - sum % 10) % 10)) && !check::is_one_digit(&digits)).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use Verdict::{Checked, Form, No};

    #[test]
    fn a_registration_number_holds_a_date_and_mostly_a_check_digit() {
        // Samples of python-stdnum's documentation (stdnum.kr.rrn).
        assert_eq!(registration("971013-9019902", 11), Checked);
        assert_eq!(registration("960121-1021413", 11), Checked);
        assert_eq!(registration("960121-1021414", 11), Form);
        assert_eq!(registration("960231-1021413", 11), No);
        assert_eq!(registration("911124-5678906", 13), Checked);
    }

    #[test]
    fn a_business_number_has_a_check_digit() {
        // The example of python-stdnum (stdnum.kr.brn).
        assert_eq!((brn("116-82-00276"), brn("116-82-00277"), brn("000-00-00000")), (Checked, No, No));
    }
}
