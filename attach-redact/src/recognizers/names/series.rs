//! Names in a row with commas and an "and": `Malon, Mark, Kaylee and Jennifer`.

use std::ops::Range;

use super::cue::{self, Cue};
use super::lexicon::{Lexicon, Word};
use super::token::{Row, Shape, Token, is_capital, token};
use crate::engine::Hits;
use crate::{Entity, Finding};

/// Names of one series, at most; what follows is another.
const LONGEST: usize = 12;

/// What is read of a series.
#[derive(Default)]
struct Series {
    names: [Range<usize>; LONGEST],
    length: usize,
    given: usize,
    /// Given names that are other words as well.
    weak: usize,
    family: usize,
    known: usize,
    /// Whether an "and" stood before the last one.
    closed: bool,
    /// Of one word each.
    single: bool,
}

/// A series that was read.
pub(super) struct Read {
    series: Series,
    /// Where it ends.
    pub(super) end: usize,
    /// Whether it is known what it is: people, who were taken down, or a firm.
    pub(super) settled: bool,
}

impl Read {
    /// Where each of its names begins.
    pub(super) fn starts(&self) -> impl Iterator<Item = usize> + '_ {
        self.series.names.iter().take(self.series.length).map(|name| name.start)
    }
}

/// Reads the series that `row` begins, if one does, and takes its names down if it is of people.
pub(super) fn read(hits: &mut Hits<'_>, row: &Row, lexicon: &Lexicon) -> Option<Read> {
    let (series, end) = Series::read(hits.text, row, lexicon)?;
    let before = cue::before(hits.text, series.names.first()?.start, lexicon);
    let plural = follows(hits.text, end, lexicon).is(Word::PLURAL);
    let people = !before.place && series.are_people(before.cue, plural);
    if people {
        let score = if before.cue >= Some(Cue::Person) { 0.65 } else { 0.5 };
        for range in series.names.iter().take(series.length) {
            hits.push(Finding::new(range.clone(), Entity::Person, score));
        }
    }
    let settled = people || !before.place && series.is_firm();
    Some(Read { series, end, settled })
}

impl Series {
    /// The series that `row` begins, and where it ends.
    fn read(text: &str, row: &Row, lexicon: &Lexicon) -> Option<(Self, usize)> {
        let mut series = Self { single: true, ..Self::default() };
        series.add(row)?;
        let mut end = row.tokens().last()?.reach();
        while series.length < LONGEST && !series.closed {
            let Some((start, closes)) = next(text, end) else { break };
            let first = token(text, start, lexicon);
            if first.is_break() {
                break;
            }
            let row = Row::read(text, first, lexicon);
            if series.add(&row).is_none() {
                break;
            }
            series.closed = closes;
            end = row.tokens().last()?.reach();
        }
        (series.length >= 2).then_some((series, end))
    }

    /// Takes a name of one or two words; nothing if `row` is none.
    fn add(&mut self, row: &Row) -> Option<()> {
        let tokens = row.tokens();
        let plain = tokens.len() <= 3
            && row.next.is_none()
            && tokens
                .iter()
                .all(|token| matches!(token.shape, Shape::Name | Shape::Initial) && token.owns == 0);
        let (first, last) = (tokens.first()?, tokens.last()?);
        if !plain || first.shape != Shape::Name {
            return None;
        }
        *self.names.get_mut(self.length)? = first.range.start..last.range.end;
        self.length += 1;
        self.single &= tokens.len() == 1;
        self.given += usize::from(first.word.is_given());
        self.weak += usize::from(first.word.may_be_given() && !first.word.is_given());
        self.family += usize::from(first.word.is_family() && !first.word.is_given());
        self.known += usize::from(tokens.iter().any(|token: &Token| token.word.is_known() || token.ending));
        Some(())
    }

    fn are_people(&self, cue: Option<Cue>, plural: bool) -> bool {
        let called = cue.is_some_and(|cue| matches!(cue, Cue::Person | Cue::Strong)) && self.known > 0;
        let mostly = self.length >= 3 && self.given > 0 && self.given * 2 + self.weak >= self.length;
        let given = mostly || self.given * 2 > self.length;
        let several =
            self.single && self.closed && plural && self.length == 2 && self.given + self.family > 0;
        self.single && (given || called) || several
    }

    /// `Hawkins, Richardson and Santana`
    fn is_firm(&self) -> bool {
        self.single && self.closed && self.length >= 3 && self.family + 1 >= self.length && self.given == 0
    }
}

/// Where the next name of a series begins, and whether it is the last.
fn next(text: &str, end: usize) -> Option<(usize, bool)> {
    let rest = text.get(end..)?;
    let (gap, last) = if rest.starts_with(", and ") {
        (6, true)
    } else if rest.starts_with(", ") {
        (2, false)
    } else {
        let and = [" and ", " und ", " et ", " y ", " e ", " og ", " och ", " en "];
        (and.into_iter().find(|and| rest.starts_with(and))?.len(), true)
    };
    is_capital(text, end + gap).then_some((end + gap, last))
}

/// The word after a space at `end`.
fn follows(text: &str, end: usize, lexicon: &Lexicon) -> Word {
    let rest = text.get(end..).and_then(|rest| rest.strip_prefix(' ')).unwrap_or_default();
    let length = rest.bytes().take(12).take_while(u8::is_ascii_alphabetic).count();
    rest.get(..length).filter(|word| !word.is_empty()).map_or(Word::NONE, |word| lexicon.look_up(word))
}
