//! Nigeria.

use super::{Rule, Verdict, check};
use crate::Entity;

const PLATE: &[&str] =
    &["plate", "plates", "plate number", "number plate", "vehicle", "vehicles", "registration"];

pub(super) const RULES: &[Rule] = &[
    // National Identity Management Commission, national identification number: eleven digits, the last by Verhoeff.
    Rule {
        entity: Entity::NgNin,
        pattern: number!(r"[0-9]{11}|[0-9]{4}[ \-][0-9]{3}[ \-][0-9]{4}"),
        digits: 11,
        check: |written| check::verhoeff(&check::digits(written)).into(),
        form: 0.0,
        checked: 1.0,
        words: &[
            "nin",
            "nimc",
            "national identification number",
            "national identity number",
            "national identity",
            "nigeria id",
            "nigerian identification",
        ],
    },
    // Federal Road Safety Corps, number plates since 2011: local government, number, year and batch.
    Rule {
        entity: Entity::NgVehicleRegistration,
        pattern: number!(r"[A-Z]{3}[ \-]?[0-9]{3}[A-Z]{2}|(?i:[A-Z]{3}-[0-9]{3}[A-Z]{2})"),
        digits: 3,
        check: plate,
        form: 0.5,
        checked: 0.0,
        words: PLATE,
    },
    // In small letters without the hyphen it is most often something else: "avx512vl", "the 250ml".
    Rule {
        entity: Entity::NgVehicleRegistration,
        pattern: number!(r"(?i:[A-Z]{3}[0-9]{3}[A-Z]{2})"),
        digits: 3,
        check: plate,
        form: 0.3,
        checked: 0.0,
        words: PLATE,
    },
    Rule {
        entity: Entity::NgVehicleRegistration,
        pattern: number!(r"(?i:[A-Z]{3} [0-9]{3}[A-Z]{2})"),
        digits: 3,
        check: plate,
        form: 0.1,
        checked: 0.0,
        words: PLATE,
    },
];

/// No ordinal number.
fn plate(written: &str) -> Verdict {
    let ordinal = ["st", "nd", "rd", "th"].iter().any(|ending| written.ends_with(ending));
    if ordinal { Verdict::No } else { Verdict::Form }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ordinal_is_no_plate() {
        assert_eq!((plate("APP-456CV"), plate("top-100th")), (Verdict::Form, Verdict::No));
    }
}
