//! Poland.

use super::{Rule, Verdict, check};
use crate::Entity;

pub(super) const RULES: &[Rule] = &[
    // Law on population registration (Dz.U. 2010 nr 217 poz. 1427), art. 15: day of birth, the century in the month.
    Rule {
        entity: Entity::PlPesel,
        pattern: number!(r"[0-9]{2}(?:[02468][1-9]|[13579][012])(?:0[1-9]|[12][0-9]|3[01])[0-9]{5}"),
        digits: 11,
        check: pesel,
        form: 0.0,
        checked: 0.38,
        words: &["pesel", "numer pesel", "nr pesel"],
    },
];

fn pesel(written: &str) -> Verdict {
    let digits = check::digits(written);
    let (year, month, day) =
        (check::number(&digits, 0..2), check::number(&digits, 2..4), check::number(&digits, 4..6));
    let century = [1900, 2000, 2100, 2200, 1800].get(month as usize / 20).copied().unwrap_or_default();
    let born = check::is_date(century + year, month % 20, day);
    let sum = check::weighted(&digits, &[1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1]);
    (born && sum.is_multiple_of(10)).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pesel_has_a_day_and_a_check_digit() {
        // The example of the Polish government's page "Czym jest numer PESEL" and of Wikipedia.
        assert_eq!(pesel("44051401359"), Verdict::Checked);
        assert_eq!(pesel("44051401458"), Verdict::Checked);
        assert_eq!(pesel("44051401459"), Verdict::No);
        // A 30 February, with the right check digit.
        assert!((0..10).all(|last| pesel(&format!("4402300145{last}")) == Verdict::No));
    }
}
