//! Whether a row of capitalised words is a name, which part of it, and how sure that is.

use std::ops::Range;

use super::cue::{After, Before, Cue};
use super::lexicon::Word;
use super::token::{Row, Shape, Token};
use crate::engine::is_emphasis;

/// Words of one name, at most.
const LONGEST: usize = 5;

/// A name and its score.
pub(super) type Name = (Range<usize>, f32);

/// What was read around a row.
#[derive(Debug, Clone, Copy)]
pub(super) struct Around {
    pub(super) before: Before,
    pub(super) after: After,
}

impl Around {
    fn cue(&self) -> Option<Cue> {
        self.before.cue.max(self.after.cue)
    }
}

/// The name in `row`. With `listed`, being in the lists is enough.
pub(super) fn judge(text: &str, row: &Row, around: Around, listed: bool) -> Option<Name> {
    let piece = without_particles(row.tokens());
    let (first, last) = (piece.first()?, piece.last()?);
    if is_identifier(text, first.range.start, last.range.end) || !piece.iter().any(Token::is_name) {
        return None;
    }
    let known = piece.iter().any(|token| token.word.is_known());
    let cue = around.cue();
    if around.before.cue == Some(Cue::Strong) {
        return Some((span(shortened(piece)), if known { 0.9 } else { 0.75 }));
    }
    if around.before.place || is_organisation(text, piece, row.next) {
        return None;
    }
    let by_list = if listed { by_lists(piece, around.before.starts) } else { None };
    let by_cue = cue.and_then(|cue| by_cue(piece, cue, around.before.cue >= Some(Cue::Person)));
    let (range, score) = match (by_list, by_cue) {
        (Some(list), Some(cue)) => {
            (list.0.start.min(cue.0.start)..list.0.end.max(cue.0.end), (list.1 + 0.15).min(0.9).max(cue.1))
        }
        (list, cue) => list.or(cue)?,
    };
    // A street and its number, a product and its version.
    let score = if around.after.number { score - 0.35 } else { score };
    (score > 0.3).then_some((range, score))
}

/// By what is around it.
fn by_cue(piece: &[Token], cue: Cue, before: bool) -> Option<Name> {
    let piece = shortened(piece);
    let names = piece.iter().filter(|token| token.is_name()).count();
    let known = piece.iter().any(|token| token.word.is_known() || token.ending);
    let shouted = piece.iter().any(|token| token.shape == Shape::Capitals);
    let sure = piece.iter().any(|token| token.word.is_given() || token.word.is_family());
    let stop = piece.iter().all(|token| token.word.is_stop());
    if shouted && !sure || stop && !before {
        return None;
    }
    let score = match cue {
        Cue::Weak if known => 0.5,
        Cue::Pair if known => 0.6,
        Cue::Pair if names >= 2 => 0.5,
        Cue::Weak | Cue::Pair => return None,
        Cue::Person | Cue::Strong if known => 0.65,
        Cue::Person | Cue::Strong => 0.55,
    };
    Some((span(piece), score))
}

/// By the lists alone.
fn by_lists(piece: &[Token], starts: bool) -> Option<Name> {
    if piece.iter().any(|token| token.shape == Shape::Capitals) {
        return shouted(piece);
    }
    let Some(at) = piece.iter().position(|token| token.is_name() && token.word.is_given()) else {
        return weak_pair(piece).or_else(|| with_initial(piece)).or_else(|| family(piece, starts));
    };
    let from =
        piece[..at].iter().rposition(|token| token.shape != Shape::Initial).map_or(0, |other| other + 1);
    // A family name may come first, a second given name as well.
    let leads = |token: &Token| token.may_be_family() || token.word.may_be_given();
    let from = if at > 0 && from == at && leads(&piece[at - 1]) { at - 1 } else { from };
    let name = &piece[from..piece.len().min(from + LONGEST)];
    let family =
        name.len() > 1 && name.iter().enumerate().any(|(n, token)| n != at - from && token.may_be_family());
    let single = name.len() == 1;
    let score = match (family, single) {
        (true, _) => 0.85,
        (_, false) => 0.7,
        _ => 0.5,
    };
    Some((span(name), score))
}

/// `SMITH` may be a constant; `JOHN SMITH` and `John SMITH` are somebody.
fn shouted(piece: &[Token]) -> Option<Name> {
    let known = |token: &&Token| token.word.is_given() || token.word.is_family();
    let enough = piece.len() >= 2 && piece.iter().filter(known).count() >= 2;
    let sure = piece.iter().all(|token| known(&token) || !token.is_name());
    let mixed =
        piece.len() == 2 && piece.iter().any(|token| token.shape == Shape::Name && token.word.is_given());
    (enough && sure || mixed && piece.iter().all(|token| token.word.is_known()))
        .then(|| (span(shortened(piece)), 0.6))
}

/// A given name that may be another word, and a family name.
fn weak_pair(piece: &[Token]) -> Option<Name> {
    let weak = |at: usize| {
        let family = piece[at + 1..].iter().find(|token| token.is_name());
        piece[at].word.may_be_given()
            && family.is_some_and(|family| {
                family.word.is_family()
                    || family.ending
                    || family.word.is_known() && !family.word.is_stop() && !piece[at].word.is_stop()
            })
    };
    let at = (0..piece.len().saturating_sub(1)).find(|at| weak(*at))?;
    Some((span(&piece[at..piece.len().min(at + LONGEST)]), 0.7))
}

/// `Alvir D. Pušaver`
fn with_initial(piece: &[Token]) -> Option<Name> {
    let name = |token: &Token| token.shape == Shape::Name && !token.word.is_stop();
    let at = piece.windows(3).position(|three| {
        matches!(three, [first, initial, last] if name(first) && initial.shape == Shape::Initial && initial.range.len() == 2 && name(last))
    })?;
    Some((span(&piece[at..at + 3]), 0.5))
}

/// A family name, with up to two words before it.
fn family(piece: &[Token], starts: bool) -> Option<Name> {
    let listed = piece.iter().rposition(|token| token.word.is_family());
    let last = listed.or_else(|| piece.iter().rposition(|token| token.ending))?;
    let from = last.saturating_sub(2);
    let unknown =
        piece[from..last].iter().rposition(|token| token.word.is_stop()).map_or(from, |stop| from + stop + 1);
    let score = match (unknown < last, listed.is_some()) {
        (true, true) => 0.6,
        (true, false) => 0.5,
        // Two family names with a hyphen are a firm as often as a person.
        (false, true) if piece[last].is_double => 0.35,
        (false, true) => 0.45,
        (false, false) if starts => return None,
        (false, false) => 0.4,
    };
    Some((span(&piece[unknown..=last]), score))
}

fn without_particles(mut piece: &[Token]) -> &[Token] {
    while let [rest @ .., last] = piece
        && last.shape == Shape::Particle
    {
        piece = rest;
    }
    piece
}

fn shortened(piece: &[Token]) -> &[Token] {
    piece.get(..LONGEST).unwrap_or(piece)
}

pub(super) fn span(name: &[Token]) -> Range<usize> {
    let start = name.first().map_or(0, |token| token.range.start);
    let end = name.last().map_or(start, |token| token.range.end);
    start..end
}

/// Whether what is around makes an organisation or a place of the name.
fn is_organisation(text: &str, piece: &[Token], next: Option<Word>) -> bool {
    let Range { start, end } = span(piece);
    let after = text.get(end..).unwrap_or_default();
    next.is_some_and(Word::makes_organisation)
        || after.starts_with(" & ")
        || after.starts_with(", Inc")
        || after.starts_with(", LLC")
        || lower_street(after)
        || text.get(..start).is_some_and(|before| before.ends_with(" & "))
}

/// `utca`, `útja`, `straat` in lower case after a name.
fn lower_street(after: &str) -> bool {
    after.strip_prefix(' ').is_some_and(|rest| {
        ["utca", "út ", "útja", "tér", "u. ", "körút", "straat", "gade ", "gatan", "vej ", "ulica"]
            .iter()
            .any(|word| rest.starts_with(word))
    })
}

/// In a run of Base64 (RFC 4648) that is longer than anything people write without a space.
pub(super) fn is_data(text: &str, at: usize) -> bool {
    const LONG: usize = 64;
    let inside =
        |byte: &&u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=' | b'-' | b'_');
    let (before, after) = text.as_bytes().split_at(at.min(text.len()));
    let before = before.iter().rev().take(LONG).take_while(inside).count();
    before + after.iter().take(LONG).take_while(inside).count() >= LONG
}

/// Part of a path, a handle, an address or a piece of code.
fn is_identifier(text: &str, start: usize, end: usize) -> bool {
    let before = text.get(..start).and_then(|before| before.chars().next_back());
    let after = text.get(end..).unwrap_or_default();
    if [" = ", " => ", " -> ", " == "].iter().any(|sign| after.starts_with(sign)) {
        return true;
    }
    let emphasised =
        [is_emphasis(text.as_bytes()[..start].iter().rev()), is_emphasis(after.as_bytes().iter())];
    let mut after = after.chars();
    let (next, second) = (after.next(), after.next());
    let escaped = next == Some('\\') && matches!(second, Some('"' | '\''));
    matches!(before, Some('@' | '#' | '/' | '\\' | '.' | '$' | '<' | '&' | '-' | '='))
        || before == Some('_') && !emphasised[0]
        || next == Some('_') && !emphasised[1]
        || !escaped && matches!(next, Some('(' | '/' | '\\' | '@' | '=' | '[' | '{' | '<'))
        || (matches!(next, Some('.' | ':' | '-')) && second.is_some_and(|c| c.is_alphanumeric() || c == ':'))
}
