//! Telephone numbers: runs of digits with separators, judged by libphonenumber's rules or by the words before them.

use std::ops::Range;

use rlibphonenumber::Region;

use crate::budget::SEARCH;
use crate::engine::{Hits, is_emphasis, is_word};
use crate::{Entity, Finding};

mod plans;

use self::plans::Plans;
pub(crate) use self::plans::region;

/// Whose national numbers are known besides those written with `+`.
pub(crate) const REGIONS: [Region; 4] = [Region::US, Region::GB, Region::DE, Region::FR];

/// Digits that a number has (E.164 allows 15).
const FEWEST: usize = 7;
const MOST: usize = 15;
/// Groups that one number is written in, at most.
const GROUPS: usize = 7;

#[derive(Debug)]
pub(crate) struct Phones {
    plans: Plans,
}

/// One number as it is written, or a part of the run that might be one.
struct Candidate<'t> {
    text: &'t str,
    groups: &'t [Range<usize>],
    /// With `+` or `(` in front.
    range: Range<usize>,
    digits: usize,
}

impl Phones {
    pub(crate) fn new(regions: &[Region]) -> Result<Self, Box<str>> {
        Ok(Self { plans: Plans::new(regions)? })
    }

    /// Numbers among `groups` of digits.
    pub(crate) fn scan(&self, hits: &mut Hits<'_>, groups: &[Range<usize>]) {
        let text = hits.text;
        let mut first = 0;
        while first < groups.len() {
            first += self.one(hits, text, &groups[first..]).max(1);
        }
    }

    /// Looks for the longest number that begins with the first group; gives how many groups it has.
    fn one(&self, hits: &mut Hits<'_>, text: &str, groups: &[Range<usize>]) -> usize {
        if hits.is_late_after(SEARCH) {
            return groups.len();
        }
        let Some(start) = beginning(text, groups) else { return 0 };
        for length in (1..=GROUPS.min(groups.len())).rev() {
            let Some(candidate) = Candidate::new(text, &groups[..length], start) else { continue };
            if let Some(score) = self.judge(hits, &candidate) {
                let end = with_extension(text, candidate.range.end);
                hits.push(Finding::new(start..end, Entity::Phone, score));
                return length;
            }
        }
        0
    }

    fn judge(&self, hits: &mut Hits<'_>, candidate: &Candidate<'_>) -> Option<f32> {
        let form = candidate.form();
        if form == Form::Date {
            return None;
        }
        let named = hits.is_about(&Entity::Phone, candidate.range.start);
        let (written, may_check) = (candidate.written(), || hits.may_check());
        let valid = match form {
            Form::International => self.plans.has_international(written, may_check),
            Form::National => self.plans.has_national(written, may_check),
            Form::Unbroken if named => self.plans.has_national(written, may_check),
            Form::Unbroken | Form::Other | Form::Date => return named.then_some(0.55),
        };
        match (valid, named) {
            (true, true) => Some(0.95),
            (true, false) => Some(0.6),
            (false, true) => Some(0.55),
            (false, false) => None,
        }
    }
}

/// Where a number that begins with the first of `groups` starts, if one can start there.
fn beginning(text: &str, groups: &[Range<usize>]) -> Option<usize> {
    let first = groups.first()?.start;
    let bytes = text.as_bytes();
    let before = |at: usize| at.checked_sub(1).and_then(|at| bytes.get(at)).copied().unwrap_or(b' ');
    let mut start = first;
    for sign in [b'(', b'+', b'('] {
        if before(start) == sign {
            start -= 1;
        }
    }
    let previous = before(start);
    let part_of_number =
        matches!(previous, b'.' | b'-' | b'/' | b':' | b',') && before(start - 1).is_ascii_digit();
    // "is415-555-0132": a letter in front is believed only before the most distinctive shape.
    let after_letter = previous.is_ascii_lowercase() && start == first && sizes(groups) == [3, 3, 4];
    let inside = is_word(previous) && !is_emphasis(bytes[..start].iter().rev());
    ((!inside && previous != b'$' && previous != b'#' && !part_of_number) || after_letter).then_some(start)
}

fn sizes(groups: &[Range<usize>]) -> Vec<usize> {
    groups.iter().take(3).map(Range::len).collect()
}

/// What a candidate looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// `+` and a country code.
    International,
    /// Separators where national numbers have them.
    National,
    /// As long as a national number, without separators.
    Unbroken,
    /// A date, however it is meant.
    Date,
    /// Anything else: a number only if something says so.
    Other,
}

impl<'t> Candidate<'t> {
    fn new(text: &'t str, groups: &'t [Range<usize>], start: usize) -> Option<Self> {
        let end = groups.last()?.end;
        let digits = groups.iter().map(Range::len).sum();
        let candidate = Self { text, groups, range: start..end, digits };
        let fits = (FEWEST..=MOST).contains(&digits) && candidate.ends() && candidate.is_written_as_one();
        fits.then_some(candidate)
    }

    fn written(&self) -> &'t str {
        &self.text[self.range.clone()]
    }

    fn ends(&self) -> bool {
        let rest = self.text.as_bytes().get(self.range.end..).unwrap_or_default();
        match rest {
            [b'.' | b',' | b'-' | b'/' | b':', digit, ..] if digit.is_ascii_digit() => false,
            [byte, ..] => !is_word(*byte) || extension(rest) > 0 || is_emphasis(rest.iter()),
            [] => true,
        }
    }

    fn separator(&self, index: usize) -> &'t str {
        self.groups.get(index + 1).map_or("", |next| &self.text[self.groups[index].end..next.start])
    }

    fn is_written_as_one(&self) -> bool {
        (0..self.groups.len() - 1).all(|index| {
            matches!(
                self.separator(index),
                " " | "-" | "." | "/" | ") " | ")-" | ")" | " (" | "(" | ".(" | "-(" | ")/" | ")."
            )
        })
    }

    fn size(&self, index: usize) -> usize {
        self.groups.get(index).map_or(0, Range::len)
    }

    fn form(&self) -> Form {
        let written = self.written();
        let bytes = self.text.as_bytes();
        let leads_with =
            |digit: u8| self.groups.first().and_then(|group| bytes.get(group.start)) == Some(&digit);
        let sizes: Vec<usize> = self.groups.iter().map(Range::len).collect();
        match &sizes[..] {
            _ if written.contains('+') => Form::International,
            [4, 2, 2] | [1 | 2, 1 | 2, 4] | [2, 2, 2] if self.separator(0) == self.separator(1) => Form::Date,
            [4, 2, 2, ..] if self.separator(0) == "-" && self.separator(1) == "-" => Form::Date,
            [10 | 11] => Form::Unbroken,
            [3, 3, 4] => Form::National,
            [1, 3, 3, 4] if leads_with(b'1') => Form::National,
            [_, ..] if written.starts_with("(+") => Form::International,
            [3, 3, ..] if written.starts_with('(') => Form::National,
            _ if written.starts_with('(') && self.digits >= 9 => Form::National,
            [_, _, ..] if leads_with(b'0') && self.digits >= 9 && self.is_grouped() => Form::National,
            _ => Form::Other,
        }
    }

    /// Not a decimal number, and not digits one by one.
    fn is_grouped(&self) -> bool {
        let decimal = self.groups.len() == 2 && self.separator(0) == ".";
        !decimal && (0..self.groups.len()).all(|index| self.size(index) >= 2)
    }
}

/// The end with an extension such as ` ext. 12` or `x4587`.
fn with_extension(text: &str, end: usize) -> usize {
    end + extension(text.as_bytes().get(end..).unwrap_or_default())
}

/// The length of an extension, 0 if there is none.
fn extension(rest: &[u8]) -> usize {
    let space = |bytes: &[u8]| usize::from(bytes.first() == Some(&b' '));
    let mut at = space(rest);
    let word = ["extension", "ext.", "ext", "x"].iter().find(|word| {
        rest.get(at..at + word.len()).is_some_and(|head| head.eq_ignore_ascii_case(word.as_bytes()))
    });
    let Some(word) = word else { return 0 };
    at += word.len();
    at += space(rest.get(at..).unwrap_or_default());
    let digits = rest.iter().skip(at).take_while(|byte| byte.is_ascii_digit()).count();
    let word_goes_on = rest.get(at + digits).is_some_and(|&byte| is_word(byte));
    if (1..=6).contains(&digits) && !word_goes_on { at + digits } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_extension_belongs_to_the_number() {
        assert_eq!(extension(b"x4587,"), 5);
        assert_eq!(extension(b" ext. 12"), 8);
        assert_eq!(extension(b"xyz"), 0);
        assert_eq!(extension(b"x12345678"), 0);
    }
}
