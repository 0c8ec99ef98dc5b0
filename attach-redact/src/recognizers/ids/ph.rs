//! The Philippines.

use super::{Rule, Verdict, check};
use crate::Entity;

const TIN: &[&str] = &[
    "tin",
    "taxpayer identification number",
    "taxpayer identification no",
    "bir",
    "taxpayer id",
    "tax id",
    "rdo",
    "revenue district office",
];

pub(super) const RULES: &[Rule] = &[
    // Bureau of Internal Revenue, taxpayer identification number: eight digits, their check digit, a branch.
    Rule {
        entity: Entity::PhTin,
        pattern: number!(r"[0-9]{3}-[0-9]{3}-[0-9]{3}(?:-[0-9]{5}|-[0-9]{3})?"),
        digits: 9,
        check: tin,
        form: 0.0,
        checked: 0.5,
        words: TIN,
    },
    // The same in one piece: one in eleven of all numbers of nine digits.
    Rule {
        entity: Entity::PhTin,
        pattern: number!(r"[0-9]{9}(?:[0-9]{3})?"),
        digits: 9,
        check: tin,
        form: 0.0,
        checked: 0.35,
        words: TIN,
    },
    // National Telecommunications Commission, mobile numbers: 09 or +63 9 and nine digits, 0 (917) 123 4567.
    Rule {
        entity: Entity::PhMobileNumber,
        pattern: concat!(
            r"(?<![A-Za-z0-9_+])(?<![0-9][.\-])(?:\+ ?63|0063|0)[ \-]?(?:\(9[0-9]{2}\)|9[0-9]{2})",
            r"[ \-.]?[0-9]{3}[ \-.]?[0-9]{4}(?![A-Za-z0-9_])(?![.\-][0-9])"
        ),
        digits: 11,
        check: |_| Verdict::Form,
        form: 0.4,
        checked: 0.0,
        words: &["mobile", "cellphone", "phone", "telepono", "numero", "selpon"],
    },
];

fn tin(written: &str) -> Verdict {
    let digits = check::digits(written);
    let sum = check::weighted(&digits, &[9, 8, 7, 6, 5, 4, 3, 2]);
    (digits.get(8) == Some(&(sum % 11)) && !check::is_one_digit(&digits)).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ninth_digit_checks_the_first_eight() {
        // 0·9 + 0·8 + 0·7 + 1·6 + 2·5 + 3·4 + 4·3 + 5·2 = 50 leaves 6 after elevens.
        assert_eq!(tin("000-123-456-000"), Verdict::Checked);
        assert_eq!(tin("000-123-457-000"), Verdict::No);
    }
}
