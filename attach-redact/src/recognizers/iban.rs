//! International bank account numbers (ISO 13616), in any case, with or without separators.

use std::ops::Range;

use iban::{Iban, ParseIbanError};

use crate::engine::{Hits, is_emphasis, is_word};
use crate::finding::Strength;
use crate::{Entity, Finding};

/// The lengths of the countries that have them (SWIFT, "IBAN registry").
const LENGTHS: &str = "AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DJ27 DK18 DO28 \
    EE20 EG29 ES24 FI18 FK18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HN28 HR21 HU28 IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20 \
    LB28 LC32 LI21 LT20 LU20 LV21 LY25 MC27 MD24 ME22 MK19 MN20 MR27 MT31 MU30 NI28 NL18 NO15 OM23 PK24 PL28 PS29 PT25 QA29 \
    RO24 RS22 RU33 SA24 SC31 SD18 SE24 SI19 SK24 SM27 SO23 ST25 SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20 YE30";

/// Signs between two groups, at most: the check digits say enough for bold text and the end of a line to be among them.
const GAP: usize = 5;

/// Looks for a number that begins with `window`.
pub(crate) fn scan(hits: &mut Hits<'_>, window: &Range<usize>) {
    let text = hits.text.as_bytes();
    let Some(length) = text.get(window.start..window.start + 2).and_then(length) else { return };
    let mut compact = String::with_capacity(length);
    let (mut at, mut gap) = (window.start, 0);
    while compact.len() < length {
        gap = match text.get(at) {
            Some(byte) if byte.is_ascii_alphanumeric() => {
                compact.push(char::from(*byte));
                0
            }
            Some(b' ' | b'-' | b'.' | b'_' | b'\r' | b'\n' | b'\t' | b'*') if gap < GAP => gap + 1,
            _ => return,
        };
        at += 1;
    }
    let ends = !text.get(at).is_some_and(|&next| is_word(next)) || is_emphasis(text[at..].iter());
    let has = |case: fn(&u8) -> bool| compact.bytes().any(|byte| case(&byte));
    let one_case = !(has(u8::is_ascii_lowercase) && has(u8::is_ascii_uppercase));
    compact.make_ascii_uppercase();
    if ends && one_case && is_iban(&compact) {
        hits.push(Finding::strong(window.start..at, Entity::Iban, 1.0, Strength::Checksum));
    }
}

/// The length of the numbers of a country, by its two letters; 0 if it has none.
static LENGTH: [u8; 26 * 26] = lengths();

const fn lengths() -> [u8; 26 * 26] {
    let written = LENGTHS.as_bytes();
    let mut lengths = [0; 26 * 26];
    let mut at = 0;
    while at + 4 <= written.len() {
        if written[at] == b' ' {
            at += 1;
            continue;
        }
        let country = (written[at] - b'A') as usize * 26 + (written[at + 1] - b'A') as usize;
        lengths[country] = (written[at + 2] - b'0') * 10 + (written[at + 3] - b'0');
        at += 4;
    }
    lengths
}

fn length(country: &[u8]) -> Option<usize> {
    let letter = |at: usize| {
        let letter = country.get(at)?.to_ascii_uppercase();
        letter.is_ascii_uppercase().then(|| usize::from(letter - b'A'))
    };
    LENGTH.get(letter(0)? * 26 + letter(1)?).copied().filter(|length| *length > 0).map(usize::from)
}

/// The check digits (mod 97), and the structure of the countries whose structure is known.
fn is_iban(compact: &str) -> bool {
    match compact.parse::<Iban>() {
        Ok(_) | Err(ParseIbanError::UnknownCountry(_)) => true,
        Err(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn structure_and_check_digits_decide() {
        assert!(is_iban("DE89370400440532013000"));
        assert!(!is_iban("DE89370400440532013001"));
        assert!(is_iban("PK36SCBL0000001123456702") && !is_iban("PK36SCBL0000001123456703"));
        assert_eq!(length(b"no"), Some(15));
        assert_eq!(length(b"ZZ"), None);
    }
}
