//! Taxes, the pension and the commercial register.

use super::{Rule, Verdict, check};
use crate::Entity;

const VAT: &[&str] = &[
    "umsatzsteuer-identifikationsnummer",
    "umsatzsteueridentifikationsnummer",
    "umsatzsteuer-id",
    "ust-idnr",
    "ust-id",
    "ust.-id",
    "ustid",
    "ustidnr",
    "mehrwertsteuer",
    "vat",
    "vat-id",
    "vat id",
    "vat number",
    "bzst",
    "bundeszentralamt für steuern",
    "finanzamt",
    "invoice",
    "rechnung",
];
const OFFICE: &[&str] = &[
    "steuernummer",
    "steuernummern",
    "steuer-nr",
    "steuer nr",
    "steuernr",
    "st.-nr",
    "st-nr",
    "st.nr",
    "stnr",
    "finanzamt",
    "umsatzsteuer",
    "einkommensteuer",
    "körperschaftsteuer",
    "gewerbesteuer",
    "steuerveranlagung",
    "steuerbescheid",
];

pub(in super::super) const RULES: &[Rule] = &[
    // § 139b AO; Bundeszentralamt für Steuern: ISO/IEC 7064 MOD 11,10, no digit more than three times before the last.
    Rule {
        entity: Entity::DeTaxId,
        pattern: number!(r"[1-9][0-9]{10}|[1-9][0-9] [0-9]{3} [0-9]{3} [0-9]{3}"),
        digits: 11,
        check: tax_id,
        form: 0.0,
        checked: 0.38,
        words: &[
            "steueridentifikationsnummer",
            "steuer-identifikationsnummer",
            "steuer-id",
            "steuer id",
            "steuerid",
            "steuer-idnr",
            "steueridnr",
            "idnr",
            "identifikationsnummer",
            "steuerliche identifikation",
            "steuer identifikation",
            "steuernummer",
            "bzst",
            "tin",
            "tax id",
            "german tax",
        ],
    },
    // § 4 VKVV: area, day of birth (50 added where needed), first letter of the name, serial number; weighted.
    Rule {
        entity: Entity::DeSocialSecurity,
        pattern: whole!(
            r"[0-9]{2} ?(?:0[1-9]|[12][0-9]|3[01]|5[1-9]|[67][0-9]|8[01])(?:0[1-9]|1[0-2])[0-9]{2} ?[A-Za-z] ?[0-9]{3}"
        ),
        digits: 11,
        check: pension,
        form: 0.0,
        checked: 1.0,
        words: &[
            "rentenversicherungsnummer",
            "sozialversicherungsnummer",
            "versicherungsnummer",
            "rvnr",
            "svnr",
            "sv-nummer",
            "rente",
            "rentenversicherung",
            "drv",
            "sozialversicherung",
            "sozialversicherungsausweis",
            "rentenausweis",
        ],
    },
    // § 27a UStG; the check digit is ISO/IEC 7064 MOD 11,10, which the office does not publish: its failing rules
    // nothing out where the letters are capitals.
    Rule {
        entity: Entity::DeVatId,
        pattern: whole!(r"DE[ .\-]?[0-9]{3}[ .\-]?[0-9]{3}[ .\-]?[0-9]{3}"),
        digits: 9,
        check: vat_id,
        form: 0.5,
        checked: 1.0,
        words: VAT,
    },
    Rule {
        entity: Entity::DeVatId,
        pattern: whole!(r"[Dd][Ee][ .\-]?[0-9]{3}[ .\-]?[0-9]{3}[ .\-]?[0-9]{3}"),
        digits: 9,
        check: vat_id,
        form: 0.3,
        checked: 1.0,
        words: VAT,
    },
    // ELSTER, "Aufbau der Steuernummer": the country's form begins with a state.
    Rule {
        entity: Entity::DeTaxNumber,
        pattern: whole!(r"(?:0[1-9]|1[0-6])[0-9]{11}"),
        digits: 13,
        check: check::none,
        form: 0.5,
        checked: 0.0,
        words: OFFICE,
    },
    // The same: the states' own forms. The longest is Bavaria's and Baden-Württemberg's.
    Rule {
        entity: Entity::DeTaxNumber,
        pattern: whole!(r"[0-9]{3}/[0-9]{3}/[0-9]{5}"),
        digits: 11,
        check: check::none,
        form: 0.4,
        checked: 0.0,
        words: OFFICE,
    },
    Rule {
        entity: Entity::DeTaxNumber,
        pattern: whole!(r"[0-9]{2,3}/[0-9]{3,4}/[0-9]{4,5}"),
        digits: 9,
        check: check::none,
        form: 0.3,
        checked: 0.0,
        words: OFFICE,
    },
    Rule {
        entity: Entity::DeTaxNumber,
        pattern: whole!(r"[0-9]{2,3} [0-9]{3,4} [0-9]{4,5}|[0-9]{5}/[0-9]{5}"),
        digits: 9,
        check: check::none,
        form: 0.05,
        checked: 0.0,
        words: OFFICE,
    },
    // §§ 9, 14 HGB, § 13 HRV: section A or B and a number.
    Rule {
        entity: Entity::DeHandelsregister,
        pattern: whole!(r"[Hh][Rr][AaBb] ?[0-9]{1,6}"),
        digits: 1,
        check: check::none,
        form: 0.5,
        checked: 0.0,
        words: &[
            "handelsregister",
            "handelsregisternummer",
            "amtsgericht",
            "registergericht",
            "hr-nummer",
            "registerauszug",
            "handelsregistereintrag",
            "firma",
            "gesellschaft",
            "gmbh",
            "ohg",
            "einzelkaufmann",
            "einzelkauffrau",
        ],
    },
];

fn tax_id(written: &str) -> Verdict {
    let digits = check::digits(written);
    let head = digits.get(..10).unwrap_or_default();
    let often = |digit: &u32| head.iter().filter(|other| *other == digit).count() > 3;
    (!head.iter().any(often) && check::mod_11_10(&digits)).into()
}

fn pension(written: &str) -> Verdict {
    let written = check::letters_and_digits(written);
    let digits = check::spelled_from_one(&written);
    let sum = check::weighted_crosswise(&digits, &[2, 1, 2, 5, 7, 1, 2, 1, 2, 1, 2, 1]);
    (digits.last() == Some(&(sum % 10))).into()
}

fn vat_id(written: &str) -> Verdict {
    let digits = check::digits(written);
    if check::mod_11_10(&digits) && !check::is_one_digit(&digits) { Verdict::Checked } else { Verdict::Form }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tax_id_has_a_check_digit() {
        // The office's own example of valid numbers for tests.
        assert_eq!(tax_id("86095742719"), Verdict::Checked);
        assert_eq!(tax_id("47 036 892 816"), Verdict::Checked);
        assert_eq!(tax_id("47036892817"), Verdict::No);
        assert_eq!(tax_id("11111111111"), Verdict::No);
    }

    #[test]
    fn a_pension_number_has_a_check_digit() {
        // Deutsche Rentenversicherung's example, and Wikipedia's ("Versicherungsnummer").
        assert_eq!(pension("15070649C103"), Verdict::Checked);
        assert_eq!(pension("65 170839 J 003"), Verdict::Checked);
        assert_eq!(pension("15070649C104"), Verdict::No);
    }

    #[test]
    fn a_check_digit_of_a_vat_number_makes_it_sure() {
        // The example of python-stdnum, and one that fails.
        assert_eq!(vat_id("DE 136 695 976"), Verdict::Checked);
        assert_eq!(vat_id("DE123456789"), Verdict::Form);
    }
}
