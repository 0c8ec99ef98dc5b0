//! The United Kingdom.

use super::{Rule, Verdict, check};
use crate::Entity;

const INSURANCE: &[&str] =
    &["national insurance", "insurance number", "nino", "ninos", "ni number", "ni no", "hmrc", "paye"];
const PASSPORT: &[&str] = &[
    "passport",
    "passports",
    "passportnumber",
    "travel document",
    "uk passport",
    "british passport",
    "her majesty",
    "his majesty",
    "hmpo",
];
const VEHICLE: &[&str] = &[
    "vehicle",
    "vehicles",
    "registration",
    "registered",
    "number plate",
    "numberplate",
    "licence plate",
    "license plate",
    "plate",
    "reg",
    "vrn",
    "vrm",
    "dvla",
    "v5c",
    "logbook",
    "mot",
    "car",
    "cars",
    "van",
    "insured vehicle",
];

pub(super) const RULES: &[Rule] = &[
    // NHS Data Dictionary, "NHS Number": ten digits, modulus 11.
    Rule {
        entity: Entity::UkNhs,
        pattern: number!(r"[0-9]{3}[ \-]?[0-9]{3}[ \-]?[0-9]{4}"),
        digits: 10,
        check: nhs,
        form: 0.0,
        checked: 0.35,
        words: &[
            "nhs",
            "national health service",
            "health service",
            "health services",
            "health authority",
            "chi number",
        ],
    },
    // HMRC, National Insurance Manual NIM39110: two letters of which some pairs are not used, six digits, A to D.
    // Written in pairs it is like nothing else.
    Rule {
        entity: Entity::UkNino,
        pattern: whole!(
            r"(?!BG|GB|KN|NK|NT|TN|ZZ)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z] [0-9]{2} [0-9]{2} [0-9]{2} [A-D]"
        ),
        digits: 6,
        check: check::none,
        form: 0.5,
        checked: 0.0,
        words: INSURANCE,
    },
    Rule {
        entity: Entity::UkNino,
        pattern: whole!(
            r"(?!(?:[Bb][Gg]|[Gg][Bb]|[Kk][Nn]|[Nn][Kk]|[Nn][Tt]|[Tt][Nn]|[Zz][Zz]))",
            r"[A-CEGHJ-PR-TW-Za-ceghj-pr-tw-z][A-CEGHJ-NPR-TW-Za-ceghj-npr-tw-z]",
            r"[ \-]?[0-9]{2}[ \-]?[0-9]{2}[ \-]?[0-9]{2}[ \-]?[A-Da-d]",
        ),
        digits: 6,
        check: check::none,
        form: 0.39,
        checked: 0.0,
        words: INSURANCE,
    },
    // HM Passport Office: two letters and seven digits, before that nine digits.
    Rule {
        entity: Entity::UkPassport,
        pattern: whole!(r"[A-Za-z]{2}[0-9]{7}"),
        digits: 7,
        check: check::none,
        form: 0.1,
        checked: 0.0,
        words: PASSPORT,
    },
    Rule {
        entity: Entity::UkPassport,
        pattern: whole!(r"[0-9]{9}"),
        digits: 9,
        check: check::none,
        form: 0.05,
        checked: 0.0,
        words: PASSPORT,
    },
    // BS 7666 and Royal Mail's Programmers' Guide: which letters stand where.
    Rule {
        entity: Entity::UkPostcode,
        pattern: whole!(
            r"[Gg][Ii][Rr] ?0[Aa]{2}|(?:[A-PR-UWYZa-pr-uwyz](?:[0-9]{1,2}|[0-9][A-HJKPSTUWa-hjkpstuw]",
            r"|[A-HK-Ya-hk-y][0-9]{1,2}|[A-HK-Ya-hk-y][0-9][ABEHMNPRV-Yabehmnprv-y])",
            r") ?[0-9][ABD-HJLNP-UW-Zabd-hjlnp-uw-z]{2}",
        ),
        digits: 1,
        check: check::none,
        form: 0.1,
        checked: 0.0,
        words: &[
            "postcode",
            "postcodes",
            "post code",
            "postal code",
            "zip",
            "address",
            "addresses",
            "delivery",
            "mailing",
            "shipping",
            "correspondence",
        ],
    },
    // DVLA, the driver number's published structure: name, day of birth, initials; its check characters
    // are not public.
    Rule {
        entity: Entity::UkDrivingLicence,
        pattern: whole!(
            r"(?:[A-Za-z]{5}|[A-Za-z]{4}9|[A-Za-z]{3}99|[A-Za-z]{2}999|[A-Za-z]9999) ?",
            r"[0-9](?:0[1-9]|1[0-2]|5[1-9]|6[0-2])(?:0[1-9]|[12][0-9]|3[01])[0-9] ?",
            r"[A-Za-z9]{2}[A-Za-z0-9] ?[A-Za-z]{2}",
        ),
        digits: 6,
        check: check::none,
        form: 0.5,
        checked: 0.0,
        words: &[
            "driving licence",
            "driving license",
            "driver's licence",
            "driver's license",
            "driver licence",
            "driver number",
            "dvla",
            "dl number",
            "licence number",
            "license number",
            "licence",
            "license",
        ],
    },
    // DVLA, INF104: since 2001 two letters, the half year, three letters.
    Rule {
        entity: Entity::UkVehicleRegistration,
        pattern: whole!(
            r"[A-HJ-PR-Ya-hj-pr-y]{2}(?:0[2-9]|[12][0-9]|5[1-9]|[67][0-9])[ \-]?[A-HJ-PR-Za-hj-pr-z]{3}"
        ),
        digits: 2,
        check: capitals,
        form: 0.3,
        checked: 1.0,
        words: VEHICLE,
    },
    // 1983–2001: a letter for the year, digits, three letters; 1963–1983 the other way round.
    Rule {
        entity: Entity::UkVehicleRegistration,
        pattern: whole!(
            r"[A-HJ-NPR-TV-Ya-hj-npr-tv-y][0-9]{1,3}[ \-]?[A-HJ-PR-Ya-hj-pr-y][A-HJ-PR-Za-hj-pr-z]{2}",
            r"|[A-HJ-PR-Za-hj-pr-z]{3}[ \-]?[0-9]{1,3}[ \-]?[A-HJ-NPR-TV-Ya-hj-npr-tv-y]",
        ),
        digits: 1,
        check: check::none,
        form: 0.2,
        checked: 0.0,
        words: VEHICLE,
    },
];

/// Small letters and digits are anything.
fn capitals(written: &str) -> Verdict {
    if written.bytes().any(|byte| byte.is_ascii_lowercase()) { Verdict::Form } else { Verdict::Checked }
}

fn nhs(written: &str) -> Verdict {
    let digits = check::digits(written);
    let sum = check::weighted(&digits, &[10, 9, 8, 7, 6, 5, 4, 3, 2, 1]);
    (sum.is_multiple_of(11) && !check::is_one_digit(&digits)).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nhs_numbers_have_a_check_digit() {
        // Wikipedia, "NHS number": 943 476 5919.
        assert_eq!(nhs("943 476 5919"), Verdict::Checked);
        assert_eq!(nhs("943-476-5918"), Verdict::No);
        assert_eq!(nhs("0000000000"), Verdict::No);
    }
}
