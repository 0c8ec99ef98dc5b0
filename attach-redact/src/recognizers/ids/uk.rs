//! The United Kingdom.

use super::{Rule, Verdict, check};
use crate::Entity;

pub(super) const RULES: &[Rule] = &[
    // NHS Data Dictionary, "NHS Number": ten digits, modulus 11.
    Rule {
        entity: Entity::UkNhs,
        pattern: r"(?<![A-Za-z0-9_])(?<![0-9][.\-])[0-9]{3}[ \-]?[0-9]{3}[ \-]?[0-9]{4}(?![A-Za-z0-9_])(?![.\-][0-9])",
        digits: 10,
        check: nhs,
        form: 0.0,
        checked: 0.35,
        words: &["nhs", "national health service", "health service", "health authority"],
    },
];

fn nhs(written: &str) -> Verdict {
    let digits = check::digits(written);
    let sum = check::weighted(&digits, &[10, 9, 8, 7, 6, 5, 4, 3, 2, 1]);
    (sum.is_multiple_of(11) && !check::is_one_digit(&digits)).into()
}
