//! Dates as they are written in numbers and with the names of months, and which of them are birthdays.

use std::ops::Range;

use super::super::ids::check::is_date;
use crate::engine::{Hits, Match, Pattern};
use crate::{Entity, Finding};

/// The words that call a number a date, or a date a birthday.
pub(super) const WORDS: [(&[&str], Entity); 2] = [
    (
        &[
            "date",
            "dates",
            "dated",
            "birthday",
            "today",
            "tomorrow",
            "yesterday",
            "deadline",
            "due",
            "expires",
            "expiry",
            "expiration",
            "valid",
            "since",
            "until",
            "month",
            "datum",
            "fecha",
            "le",
        ],
        Entity::DateTime,
    ),
    (
        &[
            "born",
            "dob",
            "d.o.b",
            "birth",
            "birthday",
            "birthdate",
            "birth date",
            "date of birth",
            "dateofbirth",
            "date_of_birth",
            "geboren",
            "geb",
            "geburtsdatum",
            "geburtstag",
            "né le",
            "née le",
            "né(e) le",
            "date de naissance",
            "naissance",
            "nacido",
            "nacida",
            "nacimiento",
            "nato il",
            "nata il",
            "nascita",
            "nascido",
            "nascida",
            "nascimento",
            "geboortedatum",
            "född",
            "fødselsdato",
            "født",
            "syntynyt",
            "urodzenia",
            "urodzony",
            "urodzona",
            "doğum tarihi",
            "生年月日",
            "출생",
            "생년월일",
            "วันเกิด",
        ],
        Entity::DateOfBirth,
    ),
];

macro_rules! month {
    () => {
        concat!(
            r"(?i:jan(?:uary|uari|uar|vier|eiro)?|j[äa]nner|enero|gennaio|feb(?:ruary|ruari|ruar|rero|braio)?|f[ée]vrier",
            r"|fevereiro|mar(?:ch|s|zo|ço)?|märz|maart|apr(?:il|ile)?|avril|abril|may|mai|mayo|maggio|maio|mei|june?|juin",
            r"|juni|junio|giugno|junho|july?|juillet|juli|julio|luglio|julho|aug(?:ust|ustus)?|ao[ûu]t|agosto",
            r"|sept?(?:ember|embre|iembre)?|settembre|setembro|oct(?:ober|obre|ubre)?|okt(?:ober)?|ottobre|outubro",
            r"|nov(?:ember|embre|iembre|embro)?|dec(?:ember)?|dez(?:ember|embro)?|d[ée]cembre|diciembre|dicembre)"
        )
    };
}

/// ISO 8601, three numbers, a day and a month by name with or without a year, a month by name and a year.
const SURE: &str = concat!(
    r"(?<![A-Za-z0-9_])(?<![0-9][./\-:])(?:",
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-2][0-9]:[0-5][0-9](?::[0-5][0-9](?:[.,][0-9]{1,9})?)?",
    r"(?:[Zz]|[+\-][0-2][0-9]:?[0-5][0-9])?",
    r"|[0-9]{4}(?:/[0-9]{1,2}/|-[0-9]{1,2}-|\.[0-9]{1,2}\.)[0-9]{1,2}",
    r"|[0-9]{1,2}(?:/[0-9]{1,2}/|-[0-9]{1,2}-|\. ?[0-9]{1,2}\. ?)(?:[0-9]{4}|[0-9]{2})",
    r"|[0-9]{1,2}(?:st|nd|rd|th|er|º|\.)?(?:-| (?:of |de )?)",
    month!(),
    r"(?:\.?,?(?:-| (?:de |del )?)(?:[0-9]{4}|[0-9]{2}(?![:0-9])))?",
    r"|",
    month!(),
    r"\.?(?:-| )(?:[0-9]{1,2}(?:st|nd|rd|th)?(?:, ?| )[0-9]{4}|[0-9]{4}|[0-9]{1,2}(?:st|nd|rd|th)?)",
    r")(?![A-Za-z0-9_]|[^\x00-\x7F])(?![./\-][0-9])",
);

/// A month and a year: many other things are written like it.
const VAGUE: &str = r"(?<![A-Za-z0-9_])(?<![0-9][./\-])(?:0?[1-9]|1[0-2])/(?:[0-9]{4}|[0-9]{2})(?![A-Za-z0-9_])(?![./\-][0-9])";

/// How far a date may begin before its first number, and end after it.
const BEFORE: usize = 14;
const AFTER: usize = 40;

#[derive(Debug)]
pub(crate) struct Dates {
    sure: Pattern,
    vague: Pattern,
    /// Whether all dates are looked for, not birthdays alone.
    all: bool,
}

impl Dates {
    pub(super) fn new(all: bool) -> Result<Self, Box<str>> {
        Ok(Self { sure: Pattern::new(SURE)?, vague: Pattern::new(VAGUE)?, all })
    }

    /// Looks around a group of digits, but not before `from`. Gives how far dates were found.
    pub(super) fn scan(&self, hits: &mut Hits<'_>, group: &Range<usize>, from: usize) -> usize {
        let text = hits.text;
        if !may_begin(text.as_bytes(), group) {
            return from;
        }
        let topics = hits.topics_near(group);
        let born = topics.contains(&Entity::DateOfBirth);
        if !born && !self.all {
            return from;
        }
        let named = born || topics.contains(&Entity::DateTime);
        let window = group.start.saturating_sub(BEFORE).max(from)..(group.start + AFTER).min(text.len());
        let entity =
            if born && hits.wants(&Entity::DateOfBirth) { Entity::DateOfBirth } else { Entity::DateTime };
        let mut seen = from;
        for (pattern, vague) in
            [(&self.sure, false), (&self.vague, true)].into_iter().take(1 + usize::from(named))
        {
            pattern.scan(text, window.clone(), |found| {
                let Match::At(range) = found else { return hits.give_up(&window, entity.clone()) };
                let cut = range.end == window.end && range.end < text.len();
                let day = vague || is_sure(&text[range.clone()]);
                let counts = !cut && day && !hits.is_version(range.start);
                if counts {
                    seen = seen.max(range.end);
                    let score = if vague { 0.5 } else { 0.6 };
                    // A birthday is a date as well; where both are looked for, the birthday gives the name.
                    if self.all && entity != Entity::DateTime {
                        hits.push(Finding::new(range.clone(), Entity::DateTime, score));
                    }
                    hits.push(Finding::new(range, entity.clone(), score));
                }
                counts
            });
        }
        seen
    }
}

/// A cheap look at what is beside the digits: another number, or a word that may be a month.
fn may_begin(text: &[u8], group: &Range<usize>) -> bool {
    let letter = |byte: &u8| byte.is_ascii_alphabetic() || *byte >= 0x80;
    let at = |index: usize| text.get(index);
    let after = match at(group.end) {
        Some(sign @ (b'/' | b'-' | b'.')) => {
            let next = behind(text, group.end, *sign);
            at(next).is_some_and(letter) || are_three(text, group.len(), next, *sign)
        }
        Some(b' ') => at(group.end + 1).is_some_and(letter),
        Some(byte) => letter(byte),
        None => false,
    };
    let before = group.start.checked_sub(2).and_then(at).is_some_and(|byte| letter(byte) || *byte == b'.');
    group.len() <= 4 && (after || before)
}

/// Where what is behind the `sign` at `at` begins. Behind a full stop there may be a space.
fn behind(text: &[u8], at: usize, sign: u8) -> usize {
    at + 1 + usize::from(sign == b'.' && text.get(at + 1) == Some(&b' '))
}

/// Whether behind a number of `first` digits and a `sign` stands another one at `next`, and behind the same sign a third;
/// a month and a year are two.
fn are_three(text: &[u8], first: usize, next: usize, sign: u8) -> bool {
    let digits = |at: usize| {
        text.get(at..).unwrap_or_default().iter().take(5).take_while(|byte| byte.is_ascii_digit()).count()
    };
    let second = digits(next);
    if sign == b'/' && matches!(second, 2 | 4) {
        return true;
    }
    let end = next + second;
    let fits = |third: usize| if first == 4 { matches!(third, 1 | 2) } else { matches!(third, 2 | 4) };
    (1..=2).contains(&second) && text.get(end) == Some(&sign) && fits(digits(behind(text, end, sign)))
}

/// Whether numbers are those of a day in the calendar; what has the name of a month is one by its form.
fn is_sure(written: &str) -> bool {
    let numbers: Vec<&str> =
        written.split(|c: char| !c.is_ascii_digit()).filter(|part| !part.is_empty()).collect();
    let value = |index: usize| numbers.get(index).and_then(|number| number.parse::<u32>().ok());
    if written.bytes().any(|byte| byte.is_ascii_alphabetic() && !matches!(byte, b'T' | b't' | b'Z' | b'z')) {
        return value(0).is_some_and(|day| {
            (1..=31).contains(&day) || (1000..3000).contains(&day) || numbers.len() == 1 && day < 100
        });
    }
    let (Some(first), Some(second), Some(third)) = (value(0), value(1), value(2)) else { return false };
    if numbers.first().is_some_and(|year| year.len() == 4) {
        return (1000..3000).contains(&first) && is_date(first, second, third);
    }
    // Two digits of a year between hyphens are more often something else.
    let short = numbers.get(2).is_some_and(|year| year.len() == 2);
    let year = if short { 2000 + third } else { third };
    // So are `1.2.10` and the like.
    let version = written.contains('.') && written.len() < 8 && first < 10 && second < 10;
    !(short && (written.contains('-') || version))
        && (is_date(year, second, first) || is_date(year, first, second))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_those_of_the_calendar() {
        for date in [
            "2024-12-31T23:59:59+00:00",
            "5/20/2021",
            "20/5/21",
            "21.5.21",
            "5-May-2021",
            "May-21",
            "12. 3. 1999",
        ] {
            assert!(is_sure(date), "{date}");
        }
        for other in ["2024-13-31", "31/31/2021", "5-20-21", "0/0/2020"] {
            assert!(!is_sure(other), "{other}");
        }
    }
}
