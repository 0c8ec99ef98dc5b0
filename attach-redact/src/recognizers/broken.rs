//! Numbers of cards and United States social security numbers that are broken up as numbers are not: over the end of a
//! line, digit by digit, by underscores, in bold, escaped.
//!
//! The usual forms are [`digits`]'s. What is looser has to stand alone: no more groups of digits around it.

use std::ops::Range;

use super::digits::{self, only_digits};
use crate::engine::Hits;
use crate::finding::Strength;
use crate::{Entity, Finding};

/// How sure the groups belong together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Gap {
    /// One space, hyphen or dot.
    Plain,
    /// What hardly stands between two numbers: an underscore, two spaces, the ends of bold text, escaped spaces.
    Odd,
    /// The end of a line.
    Line,
    /// What often stands between two numbers: a comma, a slash, the line of a table.
    Loose,
}

/// Signs of more than a byte that read as a space, a hyphen, or nothing.
const ESCAPED: [&[u8]; 9] =
    [b"%20", b"%2D", b"%2d", b"&nbsp;", b"&#160;", b"&#32;", b"&#45;", b"<br>", b"&shy;"];
/// Such signs between two groups, at most.
const SIGNS: usize = 6;
/// Groups of a number, at most.
const GROUPS: usize = 5;

/// Whether the first of `groups` of digits may begin a number that is broken up.
pub(crate) fn may_begin(groups: &[Range<usize>]) -> bool {
    matches!((groups.first().map(Range::len), groups.len()), (Some(1), 9..) | (Some(3 | 4), 1..=GROUPS))
}

/// Looks for a number that begins with the first of `run`'s `groups` of digits; gives where it ends.
pub(crate) fn scan(hits: &mut Hits<'_>, run: &Range<usize>, groups: &[Range<usize>]) -> Option<usize> {
    let first = groups.first()?;
    match first.len() {
        1 => one_by_one(hits, groups),
        3 | 4 if (goes_on(hits.text, run.end) || is_wide(hits.text, groups)) => {
            let number = Number::read(hits.text.as_bytes(), first.start)?;
            if first.len() == 4 { number.card(hits) } else { number.ssn(hits) }
        }
        _ => None,
    }
}

/// Whether what follows a run may be an unusual gap.
fn goes_on(text: &str, end: usize) -> bool {
    let next = text.as_bytes().get(end..).unwrap_or_default();
    matches!(
        next,
        [b' ' | b'-' | b'.' | b'\n' | b'\r' | b'\t' | b'_' | b',' | b'|' | b'*' | b'%' | b'&' | b'<', _, ..]
    )
}

/// Whether more than one sign stands between two groups, or one that often stands between two numbers.
fn is_wide(text: &str, groups: &[Range<usize>]) -> bool {
    let gap = |pair: &[Range<usize>]| match pair {
        [left, right] => text.as_bytes().get(left.end..right.start),
        _ => None,
    };
    groups.windows(2).any(|pair| !matches!(gap(pair), Some([b' ' | b'-' | b'.'])))
}

/// `4 1 1 1 …`: digits with one and the same sign between each two.
fn one_by_one(hits: &mut Hits<'_>, groups: &[Range<usize>]) -> Option<usize> {
    let text = hits.text.as_bytes();
    let (first, last) = (groups.first()?, groups.last()?);
    let sign = text.get(first.end);
    let even = groups.len() <= 19
        && groups.iter().all(|group| group.len() == 1)
        && groups.windows(2).all(
            |pair| matches!(pair, [left, right] if right.start == left.end + 1 && text.get(left.end) == sign),
        );
    let range = first.start..last.end;
    if !even || !is_alone(text, &range) {
        return None;
    }
    let digits = only_digits(hits.text.get(range.clone())?);
    let entity = if digits::is_card(&digits) {
        Entity::CreditCard
    } else if digits.len() == 9 && digits::is_ssn(&digits) && hits.is_near(&Entity::UsSsn, range.start) {
        Entity::UsSsn
    } else {
        return None;
    };
    let end = range.end;
    hits.push(if entity == Entity::CreditCard { checked(range) } else { Finding::new(range, entity, 0.75) });
    Some(end)
}

/// Groups of digits with gaps of any kind.
struct Number {
    groups: [Range<usize>; GROUPS],
    gaps: [Option<Gap>; GROUPS],
    count: usize,
}

impl Number {
    /// Reads the groups from `start` on; nothing if there are more than a number has.
    fn read(text: &[u8], start: usize) -> Option<Self> {
        let mut number = Self { groups: [const { 0..0 }; GROUPS], gaps: [None; GROUPS], count: 0 };
        let mut at = start;
        loop {
            let digits = text.get(at..)?.iter().take(7).take_while(|byte| byte.is_ascii_digit()).count();
            *number.groups.get_mut(number.count)? = at..at + digits;
            number.count += 1;
            at += digits;
            let Some((gap, length)) = gap(text.get(at..)?) else { break };
            *number.gaps.get_mut(number.count - 1)? = Some(gap);
            at += length;
        }
        Some(number)
    }

    fn sizes(&self) -> [usize; GROUPS] {
        std::array::from_fn(|index| self.groups[index].len())
    }

    fn range(&self) -> Range<usize> {
        let last = self.groups.get(self.count.saturating_sub(1));
        self.groups[0].start..last.map_or(0, |last| last.end)
    }

    /// How the groups hang together, unless as they usually do.
    fn gap(&self) -> Option<Gap> {
        let gaps = || self.gaps.iter().flatten();
        let lines = gaps().filter(|gap| **gap == Gap::Line).count();
        match gaps().max()? {
            Gap::Plain => None,
            Gap::Line if lines > 1 || gaps().any(|gap| *gap == Gap::Odd) => Some(Gap::Loose),
            gap => Some(*gap),
        }
    }

    fn card(&self, hits: &mut Hits<'_>) -> Option<usize> {
        if !matches!(self.sizes(), [4, 4, 4, 4, 0] | [4, 6, 5, 0, 0] | [4, 4, 4, 4, 3]) {
            return None;
        }
        let (range, gap) = (self.range(), self.gap()?);
        let digits = self.digits(hits.text);
        let near = || hits.is_near(&Entity::CreditCard, range.start);
        let found = is_alone(hits.text.as_bytes(), &range)
            && digits::is_card(&digits)
            && (gap != Gap::Loose || near());
        found.then(|| {
            hits.push(checked(range.clone()));
            range.end
        })
    }

    fn ssn(&self, hits: &mut Hits<'_>) -> Option<usize> {
        if !matches!(self.sizes(), [3, 2, 4, 0, 0]) {
            return None;
        }
        let range = self.range();
        self.gap()?;
        let found = is_alone(hits.text.as_bytes(), &range)
            && digits::is_ssn(&self.digits(hits.text))
            && hits.is_near(&Entity::UsSsn, range.start);
        found.then(|| {
            hits.push(Finding::new(range.clone(), Entity::UsSsn, 0.75));
            range.end
        })
    }

    fn digits(&self, text: &str) -> Vec<u8> {
        let groups = self.groups.iter().filter_map(|group| text.get(group.clone()));
        groups.flat_map(str::bytes).collect()
    }
}

fn checked(range: Range<usize>) -> Finding {
    Finding::strong(range, Entity::CreditCard, 1.0, Strength::Checksum)
}

/// The gap that `text` begins with, if digits follow, and its length.
fn gap(text: &[u8]) -> Option<(Gap, usize)> {
    let (mut at, mut kind, mut signs) = (0, Gap::Plain, 0);
    loop {
        let rest = text.get(at..)?;
        let (sign, length) = match rest {
            [digit, ..] if digit.is_ascii_digit() => break,
            [b' ' | b'-' | b'.', ..] => (Gap::Plain, 1),
            [b'_' | b'*' | b'\t' | b'~' | b'`', ..] => (Gap::Odd, 1),
            [b'\n' | b'\r', ..] => (Gap::Line, 1),
            [b',' | b'/' | b'|' | b'+' | b';', ..] => (Gap::Loose, 1),
            _ => (Gap::Odd, ESCAPED.iter().find(|escaped| rest.starts_with(escaped))?.len()),
        };
        signs += 1;
        if signs > SIGNS {
            return None;
        }
        kind = kind.max(sign);
        at += length;
    }
    (signs > 0).then(|| (if kind == Gap::Plain && signs > 1 { Gap::Odd } else { kind }, at))
}

/// Whether neither a word nor, across a gap, a number goes on at either end.
fn is_alone(text: &[u8], range: &Range<usize>) -> bool {
    let before = text.get(..range.start).unwrap_or_default();
    let signs = before.iter().rev().take(SIGNS).take_while(|byte| !byte.is_ascii_alphanumeric()).count();
    let word = |byte: Option<&u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_');
    let number = signs > 0 && before.iter().rev().nth(signs).is_some_and(u8::is_ascii_digit);
    let listed = before.get(before.len() - signs..).is_some_and(|signs| !signs.contains(&b':'));
    !(word(before.last()) || word(text.get(range.end)) || number && listed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_are_told_apart() {
        let kind = |text: &str| gap(text.as_bytes()).map(|(kind, _)| kind);
        assert_eq!(kind("-1"), Some(Gap::Plain));
        assert_eq!(kind(" - 1"), Some(Gap::Odd));
        assert_eq!(kind("** **1"), Some(Gap::Odd));
        assert_eq!(kind("%201"), Some(Gap::Odd));
        assert_eq!(kind("-\r\n1"), Some(Gap::Line));
        assert_eq!(kind(", 1"), Some(Gap::Loose));
        assert_eq!(kind("1"), None);
        assert_eq!(kind(" a 1"), None);
        assert_eq!(kind(" "), None);
    }
}
