//! Number plates and postcodes.

use super::{Rule, check};
use crate::Entity;

const PLATE: &[&str] = &[
    "kennzeichen",
    "kfz-kennzeichen",
    "kraftfahrzeugkennzeichen",
    "nummernschild",
    "fahrzeugkennzeichen",
    "zulassung",
    "kfz",
    "fahrzeug",
    "auto",
    "pkw",
    "lkw",
    "fahrzeugschein",
    "fahrzeugbrief",
    "zulassungsbescheinigung",
    "amtliches kennzeichen",
];

pub(in super::super) const RULES: &[Rule] = &[
    // § 9 FZV: a district, one or two letters, up to four digits, E or H.
    Rule {
        entity: Entity::DeKfz,
        pattern: concat!(
            r"(?<![A-Za-z0-9_\-\x{80}-\x{10FFFF}])[A-Za-zÄÖÜäöü]{1,3}(?: [A-Za-z]{1,2} |-[A-Za-z]{1,2}[ \-])",
            r"[0-9]{1,4}[EHeh]?(?![A-Za-z0-9_])",
        ),
        digits: 1,
        check: check::none,
        form: 0.3,
        checked: 0.0,
        words: PLATE,
    },
    Rule {
        entity: Entity::DeKfz,
        pattern: r"(?<![A-Za-z0-9_\-\x{80}-\x{10FFFF}])[A-ZÄÖÜ]{1,3}[ \-][A-Z]{1,2}[0-9]{1,4}[EH]?(?![A-Za-z0-9_])",
        digits: 1,
        check: check::none,
        form: 0.1,
        checked: 0.0,
        words: PLATE,
    },
    // Deutsche Post: 01001 to 99998.
    Rule {
        entity: Entity::DePlz,
        pattern: whole!(r"(?!01000|99999)(?:0[1-9]|[1-9][0-9])[0-9]{3}"),
        digits: 5,
        check: check::none,
        form: 0.05,
        checked: 0.0,
        words: &[
            "plz",
            "postleitzahl",
            "postleitzahlen",
            "postanschrift",
            "adresse",
            "wohnort",
            "ort",
            "wohnanschrift",
            "anschrift",
            "lieferadresse",
            "rechnungsadresse",
            "straße",
            "strasse",
            "hausnummer",
            "postfach",
            "bundesland",
            "gemeinde",
            "stadt",
            "dorf",
        ],
    },
];
