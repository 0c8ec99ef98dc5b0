//! Identity cards, passports and driving licences.

use super::{Rule, Verdict, check};
use crate::Entity;

const CARD: &[&str] = &[
    "personalausweis",
    "ausweis",
    "personalausweisnummer",
    "personalausweis-nr",
    "ausweisnummer",
    "ausweis-nr",
    "ausweisdokument",
    "dokumentennummer",
    "seriennummer",
    "npa",
    "bundespersonalausweis",
    "identity card",
    "national id",
    "id card",
];
const LICENCE: &[&str] = &[
    "führerscheinnummer",
    "führerschein-nr",
    "führerschein",
    "fuehrerschein",
    "fahrerlaubnis",
    "fahrerlaubnisnummer",
    "fahrerlaubnisklasse",
    "führerscheininhaber",
    "fev",
    "kba",
    "kraftfahrt-bundesamt",
    "driving licence",
    "driving license",
    "driver's license",
    "licence number",
    "license number",
    "dokument nr",
    "dokument-nr",
    "feld 5",
];

pub(in super::super) const RULES: &[Rule] = &[
    // PAuswV and ICAO Doc 9303: nine of digits and the letters that cannot be misread, with or without the check digit
    // of the machine-readable zone.
    Rule {
        entity: Entity::DeIdCard,
        pattern: whole!(
            r"(?![Tt][0-9]{8})[CFGHJ-NPRTV-Zcfghj-nprtv-z][CFGHJ-NPRTV-Zcfghj-nprtv-z0-9]{7}[0-9]{1,2}"
        ),
        digits: 1,
        check: document,
        form: 0.0,
        checked: 1.0,
        words: CARD,
    },
    // Until 2010 a T and eight digits.
    Rule {
        entity: Entity::DeIdCard,
        pattern: whole!(r"[Tt][0-9]{8}"),
        digits: 8,
        check: check::none,
        form: 0.5,
        checked: 0.0,
        words: CARD,
    },
    // PassV and ICAO Doc 9303, likewise.
    Rule {
        entity: Entity::DePassport,
        pattern: whole!(r"[CFGHJ-NPRTV-Zcfghj-nprtv-z][CFGHJ-NPRTV-Zcfghj-nprtv-z0-9]{7}[0-9]{1,2}"),
        digits: 1,
        check: document,
        form: 0.0,
        checked: 1.0,
        words: &[
            "reisepass",
            "reisepasses",
            "pass",
            "passnummer",
            "reisepassnummer",
            "passport",
            "passports",
            "passport number",
            "pass-nr",
            "dokumentennummer",
            "bundesrepublik deutschland",
            "ausweisdokument",
            "mrz",
        ],
    },
    // FeV Anlage 8, Directive 2006/126/EC annex I, field 5: eleven characters; how the last but one is made is not public.
    Rule {
        entity: Entity::DeFuehrerschein,
        pattern: whole!(r"[A-Za-z]{2}[0-9]{8}[A-Za-z0-9]"),
        digits: 8,
        check: check::none,
        form: 0.35,
        checked: 0.0,
        words: LICENCE,
    },
    Rule {
        entity: Entity::DeFuehrerschein,
        pattern: whole!(r"[A-Za-z][0-9A-Za-z][0-9]{2}[0-9A-Za-z]{5}[0-9][0-9A-Za-z]"),
        digits: 3,
        check: check::none,
        form: 0.1,
        checked: 0.0,
        words: LICENCE,
    },
];

/// The ninth character may be the check digit of the eight before, as they are often quoted; else the tenth is that of
/// the nine before. Nine without it are believed where they are named.
fn document(written: &str) -> Verdict {
    let written = check::letters_and_digits(written);
    let Some((last, head)) = written.split_last() else { return Verdict::No };
    match u32::from(last.wrapping_sub(b'0')) == check::icao(head) {
        true => Verdict::Checked,
        false if head.len() == 8 => Verdict::Form,
        false => Verdict::No,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_have_a_check_digit_of_their_own_or_behind_them() {
        // The Ministry of the Interior's specimens of 2010: L01X00T47 with the check digit 1, C01X00T47 with 8.
        assert_eq!(document("L01X00T471"), Verdict::Checked);
        assert_eq!(document("C01X00T478"), Verdict::Checked);
        assert_eq!(document("L01X00T472"), Verdict::No);
        assert_eq!(document("L01X00T47"), Verdict::Form);
        assert_eq!(document("l01x00t44"), Verdict::Checked);
    }
}
