//! The United States.

use super::{Rule, Verdict, check};
use crate::Entity;

const PASSPORT: &[&str] =
    &["passport", "passports", "passportnumber", "passport_number", "travel document", "travel documents"];
const TAXPAYER: &[&str] =
    &["itin", "itins", "tin", "taxpayer", "taxpayers", "tax payer", "taxid", "tax id", "tax", "w-7"];
const LICENSE: &[&str] = &[
    "driver",
    "drivers",
    "driving",
    "license",
    "licence",
    "licenses",
    "lic",
    "permit",
    "dl",
    "dls",
    "cdl",
    "cdls",
    "dmv",
    "identification",
];
const MEDICARE: &[&str] =
    &["medicare", "medicaid", "mbi", "mbis", "beneficiary", "beneficiary identifier", "cms", "hic", "hicn"];

pub(super) const RULES: &[Rule] = &[
    // American Bankers Association, "Routing Number Policy": nine digits, weights 3, 7, 1. On cheques 1234-5678-9.
    Rule {
        entity: Entity::AbaRouting,
        pattern: number!(r"[0-9]{9}|[0-9]{4}-[0-9]{4}-[0-9]"),
        digits: 9,
        check: routing,
        form: 0.0,
        checked: 0.35,
        words: &[
            "aba",
            "routing",
            "routing number",
            "rtn",
            "transit number",
            "abarouting",
            "bankrouting",
            "fedwire",
        ],
    },
    // CMS, "National Provider Identifier Standard" (45 CFR 162.406): Luhn over 80840 and the number.
    Rule {
        entity: Entity::UsNpi,
        pattern: number!(r"[12][0-9]{9}|[12][0-9]{3}[ \-][0-9]{3}[ \-][0-9]{3}"),
        digits: 10,
        check: provider,
        form: 0.0,
        checked: 0.35,
        words: &[
            "npi",
            "npis",
            "national provider",
            "provider identifier",
            "provider id",
            "provider number",
            "healthcare provider",
            "health care provider",
            "taxonomy",
        ],
    },
    // 21 CFR 1301.11 ff.: a registrant's letter and initial, seven digits of which the last checks (Wikipedia, "DEA number").
    Rule {
        entity: Entity::MedicalLicense,
        pattern: whole!(r"[A-HJ-MPRSTUXa-hj-mprstux][A-Za-z9][0-9]{7}"),
        digits: 7,
        check: registration,
        form: 0.0,
        checked: 0.39,
        words: &[
            "dea",
            "medical",
            "certificate",
            "medical license",
            "drug enforcement",
            "prescriber",
            "prescribers",
            "practitioner",
        ],
    },
    // IRS, "Individual taxpayer identification number": 9xx, then 50–65, 70–88, 90–92, 94–99.
    Rule {
        entity: Entity::UsItin,
        pattern: whole!(r"9[0-9]{2}[ \-](?:5[0-9]|6[0-5]|7[0-9]|8[0-8]|9[0-24-9])[ \-][0-9]{4}"),
        digits: 9,
        check: check::none,
        form: 0.5,
        checked: 0.0,
        words: TAXPAYER,
    },
    Rule {
        entity: Entity::UsItin,
        pattern: whole!(r"9[0-9]{2}(?:5[0-9]|6[0-5]|7[0-9]|8[0-8]|9[0-24-9])[0-9]{4}"),
        digits: 9,
        check: check::none,
        form: 0.3,
        checked: 0.0,
        words: TAXPAYER,
    },
    Rule {
        entity: Entity::UsItin,
        pattern: whole!(
            r"9[0-9]{2}(?:[ \-](?:5[0-9]|6[0-5]|7[0-9]|8[0-8]|9[0-24-9])",
            r"|(?:5[0-9]|6[0-5]|7[0-9]|8[0-8]|9[0-24-9])[ \-])[0-9]{4}",
        ),
        digits: 9,
        check: check::none,
        form: 0.05,
        checked: 0.0,
        words: TAXPAYER,
    },
    // CMS, "Understanding the Medicare Beneficiary Identifier (MBI) Format": no S, L, O, I, B, Z.
    Rule {
        entity: Entity::UsMbi,
        pattern: whole!(
            r"[0-9][AC-HJKMNP-RT-Yac-hjkmnp-rt-y][0-9AC-HJKMNP-RT-Yac-hjkmnp-rt-y][0-9][ \-]",
            r"[AC-HJKMNP-RT-Yac-hjkmnp-rt-y][0-9AC-HJKMNP-RT-Yac-hjkmnp-rt-y][0-9][ \-]",
            r"[AC-HJKMNP-RT-Yac-hjkmnp-rt-y]{2}[0-9]{2}",
        ),
        digits: 5,
        check: check::none,
        form: 0.5,
        checked: 0.0,
        words: MEDICARE,
    },
    Rule {
        entity: Entity::UsMbi,
        pattern: whole!(
            r"[0-9][AC-HJKMNP-RT-Yac-hjkmnp-rt-y][0-9AC-HJKMNP-RT-Yac-hjkmnp-rt-y][0-9]",
            r"[AC-HJKMNP-RT-Yac-hjkmnp-rt-y][0-9AC-HJKMNP-RT-Yac-hjkmnp-rt-y][0-9]",
            r"[AC-HJKMNP-RT-Yac-hjkmnp-rt-y]{2}[0-9]{2}",
        ),
        digits: 5,
        check: check::none,
        form: 0.3,
        checked: 0.0,
        words: MEDICARE,
    },
    // Department of State, "Next Generation U.S. Passport": a letter and eight digits; before that nine digits.
    Rule {
        entity: Entity::UsPassport,
        pattern: whole!(r"[A-Za-z][0-9]{8}"),
        digits: 8,
        check: check::none,
        form: 0.1,
        checked: 0.0,
        words: PASSPORT,
    },
    Rule {
        entity: Entity::UsPassport,
        pattern: whole!(r"[0-9]{9}"),
        digits: 9,
        check: check::none,
        form: 0.05,
        checked: 0.0,
        words: PASSPORT,
    },
    // Nacha file format: up to 17 characters.
    Rule {
        entity: Entity::UsBankNumber,
        pattern: whole!(r"[0-9]{8,17}"),
        digits: 8,
        check: check::none,
        form: 0.05,
        checked: 0.0,
        words: &[
            "account", "accounts", "acct", "bank", "banking", "check", "checking", "save", "savings",
            "debit", "deposit", "iban",
        ],
    },
    // AAMVA, formats of the states: letters and digits.
    Rule {
        entity: Entity::UsDriverLicense,
        pattern: whole!(
            r"[A-Za-z][0-9]{5,14}|[A-Za-z][0-9]{18}|[A-Za-z][0-9]{6}[Rr]|[A-Za-z]{2}[0-9]{5,7}|[A-Za-z]{2}[0-9]{6}[A-Za-z]",
            r"|[0-9]{2}[A-Za-z]{3}[0-9]{5,6}|[0-9]{7,9}[A-Za-z]|[0-9]{8}[A-Za-z]{2}|[0-9]{3}[A-Za-z]{2}[0-9]{4}",
        ),
        digits: 5,
        check: check::none,
        form: 0.3,
        checked: 0.0,
        words: LICENSE,
    },
    // The states' shorter forms, and those of digits alone.
    Rule {
        entity: Entity::UsDriverLicense,
        pattern: whole!(
            r"[A-Za-z][0-9]{3,4}|[A-Za-z]{2}[0-9]{3,4}|[A-Za-z][0-9][A-Za-z][0-9][A-Za-z]|[0-9]{6,14}|[0-9]{16}"
        ),
        digits: 2,
        check: check::none,
        form: 0.01,
        checked: 0.0,
        words: LICENSE,
    },
];

/// The first two digits are those of a Federal Reserve district, a thrift, an electronic one, the government, or of
/// traveller's cheques.
fn routing(written: &str) -> Verdict {
    let digits = check::digits(written);
    let issued = matches!(check::number(&digits, 0..2), 0..=12 | 21..=32 | 61..=72 | 80);
    let sum = check::weighted(&digits, &[3, 7, 1, 3, 7, 1, 3, 7, 1]);
    (issued && sum.is_multiple_of(10) && !check::is_one_digit(&digits)).into()
}

fn provider(written: &str) -> Verdict {
    let digits = check::digits(written);
    let made_up = digits.split_last().is_none_or(|(_, head)| check::is_one_digit(head));
    (!made_up && check::luhn(&[&[8, 0, 8, 4, 0], digits.as_slice()].concat())).into()
}

fn registration(written: &str) -> Verdict {
    let last_seven = written.get(2..).map(check::digits).unwrap_or_default();
    let Some((last, head)) = last_seven.split_last() else { return Verdict::No };
    (check::weighted(head, &[1, 2, 1, 2, 1, 2]) % 10 == *last && !check::is_one_digit(&last_seven)).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn routing_numbers_have_a_district_and_a_check_digit() {
        // The Federal Reserve Bank of Boston, JPMorgan Chase in Illinois as on a cheque; 42 is no district.
        assert_eq!(routing("011000015"), Verdict::Checked);
        assert_eq!(routing("0710-0001-3"), Verdict::Checked);
        assert_eq!(routing("011000016"), Verdict::No);
        assert_eq!(routing("421042111"), Verdict::No);
        assert_eq!(routing("000000000"), Verdict::No);
    }

    #[test]
    fn provider_identifiers_are_checked_with_their_prefix() {
        // The example in CMS, "Requirements for NPI and NPI Check Digit".
        assert_eq!(provider("1234567893"), Verdict::Checked);
        assert_eq!(provider("1234567890"), Verdict::No);
        assert_eq!(provider("1111111112"), Verdict::No);
    }

    #[test]
    fn registrations_with_the_drug_enforcement_administration_have_a_check_digit() {
        // Wikipedia, "DEA number".
        assert_eq!(registration("AP5836727"), Verdict::Checked);
        assert_eq!(registration("F91234563"), Verdict::Checked);
        assert_eq!(registration("AP5836728"), Verdict::No);
    }
}
