//! Italy.

use super::{Rule, Verdict, check};
use crate::Entity;

pub(super) const RULES: &[Rule] = &[
    // Decreto del Ministero delle Finanze 23 December 1976 (n. 13813): name, day of birth and sex, place, check letter;
    // letters may stand for digits (omocodia).
    Rule {
        entity: Entity::ItFiscalCode,
        pattern: whole!(
            r"[A-Za-z]{3} ?[A-Za-z]{3} ?[0-9LMNP-Vlmnp-v]{2}[A-EHLMPR-Ta-ehlmpr-t][0-9LMNP-Vlmnp-v]{2} ?",
            r"[A-MZa-mz][0-9LMNP-Vlmnp-v]{3} ?[A-Za-z]",
        ),
        digits: 1,
        check: fiscal_code,
        form: 0.3,
        checked: 1.0,
        words: &[
            "codice fiscale",
            "codicefiscale",
            "cod. fiscale",
            "cod. fisc.",
            "cod.fisc.",
            "cf",
            "c.f.",
            "fiscal code",
        ],
    },
    // Decreto del Presidente della Repubblica 633/1972, art. 35: Luhn.
    Rule {
        entity: Entity::ItVatCode,
        pattern: whole!(r"(?:[Ii][Tt][ \-]?)?[0-9](?:[ _]?[0-9]){10}"),
        digits: 11,
        check: vat,
        form: 0.3,
        checked: 1.0,
        words: &["piva", "partita iva", "p.iva", "p. iva", "iva", "vat"],
    },
    // Ministero delle Infrastrutture e dei Trasporti: of a province, or U1 and nine characters.
    Rule {
        entity: Entity::ItDriverLicense,
        pattern: whole!(r"[A-Za-z]{2}[0-9]{7}[A-Za-z]|[Uu]1[B-HJ-NPR-UW-Zb-hj-npr-uw-z0-9]{7}[A-Za-z]"),
        digits: 1,
        check: check::none,
        form: 0.2,
        checked: 0.0,
        words: &[
            "patente",
            "patenti",
            "patente di guida",
            "licenza",
            "licenza di guida",
            "driving licence",
            "driver license",
        ],
    },
    // Ministero dell'Interno: on paper, electronic until 2016, and since.
    Rule {
        entity: Entity::ItIdentityCard,
        pattern: whole!(r"[A-Za-z]{2} ?[0-9]{7}|[0-9]{7}[A-Za-z]{2}|[A-Za-z]{2}[0-9]{5}[A-Za-z]{2}"),
        digits: 5,
        check: check::none,
        form: 0.01,
        checked: 0.0,
        words: &[
            "carta d'identità",
            "carta di identità",
            "carta",
            "identità",
            "identita",
            "elettronica",
            "cie",
            "documento",
            "riconoscimento",
            "espatrio",
            "identity card",
        ],
    },
    // Ministero degli Affari Esteri: two letters and seven digits.
    Rule {
        entity: Entity::ItPassport,
        pattern: whole!(r"[A-Za-z]{2}[0-9]{7}"),
        digits: 7,
        check: check::none,
        form: 0.01,
        checked: 0.0,
        words: &[
            "passaporto",
            "passaporti",
            "elettronico",
            "italiano",
            "viaggio",
            "viaggiare",
            "estero",
            "documento",
            "dogana",
            "passport",
            "passports",
        ],
    },
];

/// A name and a day that there can be, and the check letter; without that, the form.
fn fiscal_code(written: &str) -> Verdict {
    let code = check::letters_and_digits(written);
    let (Some((last, head)), Some(born)) = (code.split_last(), code.get(6..11)) else { return Verdict::No };
    if !code.chunks(3).take(2).all(is_name) || !is_born(born) {
        return Verdict::No;
    }
    let sum: u32 =
        head.iter().enumerate().map(|(at, byte)| if at % 2 == 0 { odd(*byte) } else { even(*byte) }).sum();
    if sum % 26 == u32::from(last.wrapping_sub(b'A')) { Verdict::Checked } else { Verdict::Form }
}

/// Consonants come before vowels, and X fills up only after a vowel.
fn is_name(three: &[u8]) -> bool {
    let class = |byte: &u8| u8::from(b"AEIOU".contains(byte));
    let [first, second, third] = three else { return false };
    match (class(first), class(second), class(third)) {
        (0, ..) if class(second) == 0 => true,
        (_, 1, 1) => true,
        (_, 1, 0) => *third == b'X',
        (1, 0, 0) => *second == b'X' && *third == b'X',
        _ => false,
    }
}

/// Two digits of the year, a letter for the month, two digits of the day, of women with 40 added.
fn is_born(part: &[u8]) -> bool {
    let digits: Vec<u32> = part.iter().map(|byte| even(omocodia(*byte))).collect();
    let Some(month) = part.get(2).and_then(|month| b"ABCDEHLMPRST".iter().position(|known| known == month))
    else {
        return false;
    };
    let day = check::number(&digits, 3..5) % 40;
    check::is_date(2000 + check::number(&digits, 0..2), month as u32 + 1, day)
}

/// The digit that a letter stands for where two persons would have the same code.
fn omocodia(byte: u8) -> u8 {
    b"LMNPQRSTUV"
        .iter()
        .zip(b'0'..)
        .find_map(|(letter, digit)| (*letter == byte).then_some(digit))
        .unwrap_or(byte)
}

fn even(byte: u8) -> u32 {
    u32::from(if byte.is_ascii_digit() { byte - b'0' } else { byte.wrapping_sub(b'A') })
}

fn odd(byte: u8) -> u32 {
    const VALUES: [u32; 26] =
        [1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23];
    VALUES.get(even(byte) as usize).copied().unwrap_or_default()
}

/// In groups it is written seldom, and many other numbers are.
fn vat(written: &str) -> Verdict {
    let plain = written.bytes().all(|byte| byte.is_ascii_alphanumeric());
    match check::luhn(&check::digits(written)) {
        true if plain => Verdict::Checked,
        true => Verdict::Form,
        false => Verdict::No,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fiscal_code_has_a_name_a_day_and_a_check_letter() {
        // Wikipedia, "Codice fiscale" (Samuele Bianchi … "Mario Rossi"), with omocodia, in groups.
        assert_eq!(fiscal_code("RSSMRA85T10A562S"), Verdict::Checked);
        assert_eq!(fiscal_code("rss mra 85t10 a562s"), Verdict::Checked);
        assert_eq!(fiscal_code("RSSMRA85T10A562T"), Verdict::Form);
        assert_eq!(fiscal_code("RSSMRA85T41A562S"), Verdict::Form);
        assert_eq!(fiscal_code("RSSMRA85T32A562S"), Verdict::No);
        assert_eq!(fiscal_code("ABSMRA85T10A562S"), Verdict::No);
    }

    #[test]
    fn a_partita_iva_is_checked_by_luhn() {
        // Wikipedia, "Partita IVA": 07643520567; Banca d'Italia's.
        assert_eq!(vat("07643520567"), Verdict::Checked);
        assert_eq!(vat("00950501007"), Verdict::Checked);
        assert_eq!(vat("076 435 20567"), Verdict::Form);
        assert_eq!(vat("07643520568"), Verdict::No);
        assert_eq!(vat("00000000000"), Verdict::No);
    }
}
