//! South Africa.

use super::{Rule, Verdict, check};
use crate::Entity;

pub(super) const RULES: &[Rule] = &[
    // Identification Act 68 of 1997, section 7; Department of Home Affairs: date of birth, sex and serial number,
    // citizenship, a digit of former law, check digit (Luhn).
    Rule {
        entity: Entity::ZaIdNumber,
        pattern: number!(r"[0-9]{6}[ \-]?[0-9]{4}[ \-]?[0-2][89][ \-]?[0-9]"),
        digits: 13,
        check: id,
        form: 0.0,
        checked: 1.0,
        words: &[
            "id",
            "id number",
            "identity",
            "identity number",
            "south african id",
            "rsa id",
            "smart id",
            "said",
        ],
    },
];

fn id(written: &str) -> Verdict {
    let digits = check::digits(written);
    let Some([y1, y2, m1, m2, d1, d2]) = digits.first_chunk::<6>() else { return Verdict::No };
    let (year, month, day) = (y1 * 10 + y2, m1 * 10 + m2, d1 * 10 + d2);
    // Two digits do not say the century.
    let born = [1900, 2000].iter().any(|century| check::is_date(century + year, month, day));
    (born && check::luhn(&digits)).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_date_and_the_check_digit_have_to_hold() {
        // The example of python-stdnum (stdnum.za.idnr).
        assert_eq!(id("7503305044089"), Verdict::Checked);
        assert_eq!((id("8503305044089"), id("9125568408082")), (Verdict::No, Verdict::No));
    }
}
