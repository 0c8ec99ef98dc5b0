//! Sweden.

use super::{Rule, Verdict, check};
use crate::Entity;

pub(super) const RULES: &[Rule] = &[
    // Skatteverket, SKV 704 (personnummer) and SKV 707 (samordningsnummer, whose day has 60 added): Luhn over ten digits.
    Rule {
        entity: Entity::SePersonnummer,
        pattern: r"(?<![0-9])(?:1[6-9]|20)?[0-9]{6}[+\-]?[0-9]{4}(?![0-9])",
        digits: 10,
        check: person,
        form: 0.0,
        checked: 1.0,
        words: &[
            "personnummer",
            "personnumret",
            "personnr",
            "pnr",
            "samordningsnummer",
            "svensk id",
            "swedish id",
            "personal identity number",
            "ssn",
        ],
    },
    // Bolagsverket, Lag (1974:174) om identitetsbeteckning för juridiska personer: the third digit is 2 or more.
    Rule {
        entity: Entity::SeOrganisationsnummer,
        pattern: r"(?<![0-9])(?:16)?[0-9]{2}[2-9][0-9]{3}-?[0-9]{4}(?![0-9])",
        digits: 10,
        check: organisation,
        form: 0.0,
        checked: 1.0,
        words: &[
            "organisationsnummer",
            "organisationsnr",
            "orgnummer",
            "orgnr",
            "org nr",
            "org.nr",
            "företagsnummer",
        ],
    },
];

fn last_ten(written: &str) -> Vec<u32> {
    let digits = check::digits(written);
    digits.get(digits.len().saturating_sub(10)..).unwrap_or_default().to_vec()
}

fn person(written: &str) -> Verdict {
    let (all, ten) = (check::digits(written), last_ten(written));
    let (year, month, day) =
        (check::number(&ten, 0..2), check::number(&ten, 2..4), check::number(&ten, 4..6));
    // Without a century there was, or will be, a leap year of that number if there can be one.
    let century = if all.len() == 12 { check::number(&all, 0..2) * 100 } else { 2000 };
    let born = check::is_date(century + year, month, if day > 60 { day - 60 } else { day });
    (born && check::luhn(&ten)).into()
}

fn organisation(written: &str) -> Verdict {
    check::luhn(&last_ten(written)).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_personnummer_has_a_day_and_a_check_digit() {
        // Skatteverket's example, with and without a century, and Wikipedia's.
        assert_eq!(person("640823-3234"), Verdict::Checked);
        assert_eq!(person("19640823-3234"), Verdict::Checked);
        assert_eq!(person("811228-9874"), Verdict::Checked);
        assert_eq!(person("701063-2391"), Verdict::Checked);
        assert_eq!(person("640823-3235"), Verdict::No);
        assert_eq!(person("640832-3232"), Verdict::No);
    }

    #[test]
    fn an_organisationsnummer_has_a_check_digit() {
        // Ericsson's and the Swedish Companies Registration Office's.
        assert_eq!(organisation("556016-0680"), Verdict::Checked);
        assert_eq!(organisation("202100-5489"), Verdict::Checked);
        assert_eq!(organisation("202100-5488"), Verdict::No);
    }
}
