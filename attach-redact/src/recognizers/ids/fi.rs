//! Finland.

use super::{Rule, Verdict, check};
use crate::Entity;

pub(super) const RULES: &[Rule] = &[
    // Digital and Population Data Services Agency, "The personal identity code": a day, a sign for the century, a
    // serial number, the remainder by 31. It is told apart even where a word runs into it.
    Rule {
        entity: Entity::FiPersonalIdentityCode,
        pattern: concat!(
            r"(?<![0-9])(?:0[1-9]|[12][0-9]|3[01])(?:0[1-9]|1[0-2])[0-9]{2}",
            r"[+\-A-FU-Ya-fu-y][0-9]{3}[0-9A-FHJ-NPR-Ya-fhj-npr-y](?![A-Za-z0-9_])",
        ),
        digits: 9,
        check: hetu,
        form: 0.0,
        checked: 1.0,
        words: &[
            "hetu",
            "henkilötunnus",
            "henkilotunnus",
            "henkilötunnukseni",
            "personbeteckning",
            "personbeteckningen",
            "personal identity code",
            "finnish id",
        ],
    },
];

fn hetu(written: &str) -> Verdict {
    const SIGNS: &[u8; 31] = b"0123456789ABCDEFHJKLMNPRSTUVWXY";
    let digits = check::digits(written.get(..10).unwrap_or_default());
    let century = match written.as_bytes().get(6) {
        Some(b'+') => 1800,
        Some(sign) if b"-UVWXY".contains(&sign.to_ascii_uppercase()) => 1900,
        _ => 2000,
    };
    let date = |part| check::number(&digits, part);
    let born = check::is_date(century + date(4..6), date(2..4), date(0..2));
    let sign = SIGNS.get(date(0..9) as usize % 31);
    let last = written.as_bytes().last().map(u8::to_ascii_uppercase);
    (born && last.as_ref() == sign).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_has_a_day_in_its_century_and_a_check_character() {
        // The agency's example 131052-308T, and one of the signs in use since 2023.
        assert_eq!(hetu("131052-308T"), Verdict::Checked);
        assert_eq!(hetu("131052-308t"), Verdict::Checked);
        assert_eq!(hetu("010594Y9021"), Verdict::Checked);
        assert_eq!(hetu("131052-308U"), Verdict::No);
        assert_eq!(hetu("310289-211C"), Verdict::No);
    }
}
