//! Thailand.

use super::{Rule, Verdict, check};
use crate::Entity;

pub(super) const RULES: &[Rule] = &[
    // Department of Provincial Administration, identity number: kind of person, province (ISO 3166-2:TH), office, book,
    // serial number, check digit; thirteen digits together, or as printed on the card.
    Rule {
        entity: Entity::ThTnin,
        pattern: number!(
            r"[1-9][ \-]?(?:[134][0-9]|5[0-8]|[267][0-7]|[89][0-6])[0-9]{2}[ \-]?[0-9]{5}[ \-]?[0-9]{2}[ \-]?[0-9]"
        ),
        digits: 13,
        check: tnin,
        form: 0.0,
        checked: 1.0,
        words: &[
            "tnin",
            "thai id",
            "thai id number",
            "thai national id",
            "เลขประจำตัวประชาชน",
            "เลขบัตรประชาชน",
            "บัตรประชาชน",
            "รหัสปชช",
        ],
    },
];

fn tnin(written: &str) -> Verdict {
    let digits = check::digits(written);
    let sum = check::weighted(&digits, &[13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2]);
    (digits.last() == Some(&((11 - sum % 11) % 10))).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_digit_checks_the_others() {
        // The examples of python-stdnum (stdnum.th.pin).
        assert_eq!(tnin("1-2345-45678-78-1"), Verdict::Checked);
        assert_eq!(tnin("1-2345-45678-78-9"), Verdict::No);
    }
}
