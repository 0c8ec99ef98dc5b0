//! Insurance, physicians and practices.

use super::{Rule, Verdict, check};
use crate::Entity;

pub(in super::super) const RULES: &[Rule] = &[
    // § 290 SGB V, GKV-Spitzenverband's Anlage 1: a letter, eight digits, a check digit.
    Rule {
        entity: Entity::DeHealthInsurance,
        pattern: whole!(r"[A-Za-z][0-9]{9}"),
        digits: 9,
        check: insured,
        form: 0.0,
        checked: 1.0,
        words: &[
            "krankenversicherungsnummer",
            "krankenversichertennummer",
            "krankenversicherten-nr",
            "versichertennummer",
            "versicherten-nr",
            "kvnr",
            "krankenkasse",
            "krankenversicherung",
            "gesundheitskarte",
            "egk",
            "gkv",
            "krankenversicherungsausweis",
            "versichertenausweis",
            "versichertenkarte",
            "aok",
            "tkk",
            "barmer",
            "dak",
        ],
    },
    // § 75 Abs. 7 SGB V, KBV's Arztnummern-Richtlinie: six digits, a check digit (weights 4, 9), the specialty.
    Rule {
        entity: Entity::DeLanr,
        pattern: whole!(r"[0-9]{9}"),
        digits: 9,
        check: physician,
        form: 0.0,
        checked: 1.0,
        words: &[
            "arztnummer",
            "arztnummern",
            "lanr",
            "arzt-nr",
            "arzt nr",
            "arzt-nummer",
            "vertragsarzt",
            "kassenarzt",
            "niedergelassener arzt",
            "kbv",
            "kassenärztliche vereinigung",
            "kv-nummer",
            "rezept",
            "verschreibung",
            "behandelnder arzt",
            "hausarzt",
            "facharzt",
        ],
    },
    // The same: two digits of the association, seven of the practice; no check digit.
    Rule {
        entity: Entity::DeBsnr,
        pattern: whole!(r"[0-9]{9}"),
        digits: 9,
        check: practice,
        form: 0.2,
        checked: 0.0,
        words: &[
            "betriebsstättennummer",
            "betriebsstätten-nummer",
            "betriebsstätten-nr",
            "bsnr",
            "betriebsstätte",
            "praxisnummer",
            "arztpraxis",
            "praxis",
            "kassenärztliche vereinigung",
            "kv-nummer",
            "kv nummer",
            "praxisadresse",
            "praxisstandort",
            "nebenbetriebsstätte",
            "hauptbetriebsstätte",
            "behandlungsort",
            "vertragsarztpraxis",
        ],
    },
];

fn insured(written: &str) -> Verdict {
    let digits = check::spelled_from_one(&check::letters_and_digits(written));
    let sum = check::weighted_crosswise(&digits, &[1, 2, 1, 2, 1, 2, 1, 2, 1, 2]);
    (digits.last() == Some(&(sum % 10))).into()
}

fn physician(written: &str) -> Verdict {
    let digits = check::digits(written);
    let sum = check::weighted(&digits, &[4, 9, 4, 9, 4, 9]);
    (!check::is_one_digit(&digits) && digits.get(6) == Some(&((10 - sum % 10) % 10))).into()
}

fn practice(written: &str) -> Verdict {
    if check::is_one_digit(&check::digits(written)) { Verdict::No } else { Verdict::Form }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_insured_persons_number_has_a_check_digit() {
        // The examples of § 290 SGB V Anlage 1.
        assert_eq!(insured("A000500015"), Verdict::Checked);
        assert_eq!(insured("C000500021"), Verdict::Checked);
        assert_eq!(insured("A000500016"), Verdict::No);
    }

    #[test]
    fn a_physicians_number_has_a_check_digit() {
        // The guideline's 123456 has the check digit 6.
        assert_eq!(physician("123456601"), Verdict::Checked);
        assert_eq!(physician("123456701"), Verdict::No);
        assert_eq!(physician("000000000"), Verdict::No);
    }
}
