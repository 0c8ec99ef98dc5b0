//! Canada.

use super::{Rule, Verdict, check};
use crate::Entity;

const WORDS: &[&str] = &[
    "sin",
    "social insurance",
    "social insurance number",
    "nas",
    "assurance sociale",
    "numéro d'assurance sociale",
];

pub(super) const RULES: &[Rule] = &[
    // Employment and Social Development Canada, "Social Insurance Number": Luhn; none begins with 0 or 8.
    Rule {
        entity: Entity::CaSin,
        pattern: number!(r"[1-79][0-9]{2} [0-9]{3} [0-9]{3}|[1-79][0-9]{2}-[0-9]{3}-[0-9]{3}"),
        digits: 9,
        check: insurance,
        form: 0.0,
        checked: 0.38,
        words: WORDS,
    },
    Rule {
        entity: Entity::CaSin,
        pattern: number!(r"[1-79][0-9]{8}"),
        digits: 9,
        check: insurance,
        form: 0.0,
        checked: 0.3,
        words: WORDS,
    },
];

fn insurance(written: &str) -> Verdict {
    check::luhn(&check::digits(written)).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_check_digit_is_luhns() {
        // Wikipedia, "Social insurance number": 046 454 286 is the usual fictitious one.
        assert_eq!(insurance("046 454 286"), Verdict::Checked);
        assert_eq!(insurance("130-692-544"), Verdict::Checked);
        assert_eq!(insurance("130 692 545"), Verdict::No);
    }
}
