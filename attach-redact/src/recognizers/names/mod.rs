//! Names of people: by the words before them, and by lists of given and family names.
//!
//! Best effort: a name that is in no list and follows no cue is not found. Not looked for in code.

use std::ops::Range;

use crate::engine::Hits;
use crate::{Entity, Finding};

mod cue;
mod lexicon;
mod token;

use self::cue::Cue;
use self::lexicon::Lexicon;
use self::token::{Shape, Token};

/// Words of one name, at most.
const LONGEST: usize = 4;

#[derive(Debug)]
pub(crate) struct Names {
    lexicon: &'static Lexicon,
    /// Whether being in a list is enough, without a cue.
    listed: bool,
}

impl Names {
    pub(crate) fn new(listed: bool) -> Self {
        Self { lexicon: Lexicon::shared(), listed }
    }

    pub(crate) fn scan(&self, hits: &mut Hits<'_>) {
        let text = hits.text;
        token::runs(text, self.lexicon, |run| {
            if run.first().is_some_and(|first| !hits.is_code(first.range.start)) {
                self.row(hits, text, run);
            }
        });
    }

    /// Splits a row at words that are no names, and judges each piece.
    fn row(&self, hits: &mut Hits<'_>, text: &str, run: &[Token]) {
        let mut start = 0;
        while start < run.len() {
            if is_break(&run[start]) {
                start += 1;
                continue;
            }
            let length = run[start..].iter().take_while(|token| !is_break(token)).count();
            let mut piece = &run[start..start + length];
            while piece.last().is_some_and(|last| matches!(last.shape, Shape::Particle)) {
                piece = &piece[..piece.len() - 1];
            }
            if let Some((range, score)) = self.piece(text, piece, run.get(start + length)) {
                hits.push(Finding::new(range, Entity::Person, score));
            }
            start += length;
        }
    }

    fn piece(&self, text: &str, piece: &[Token], next: Option<&Token>) -> Option<(Range<usize>, f32)> {
        let (first, last) = (piece.first()?, piece.last()?);
        if is_identifier(text, first.range.start, last.range.end) {
            return None;
        }
        let cue = cue::before(text, first.range.start);
        let known = piece.iter().any(|token| token.word.is_known());
        let organisation = cue::is_organisation(text, first.range.start, last.range.end, next);
        let trusted = match cue {
            Some(Cue::Strong) => true,
            Some(Cue::Weak) => known && !organisation,
            None => false,
        };
        if trusted && piece.iter().any(|token| matches!(token.shape, Shape::Name | Shape::Capitals)) {
            return Some((span(&piece[..piece.len().min(LONGEST)]), 0.85));
        }
        if !self.listed || organisation {
            return None;
        }
        listed(piece)
    }

    /// A name in lower case after "name is" at `start`: only if it is in a list.
    pub(crate) fn scan_lower(&self, hits: &mut Hits<'_>, start: usize) {
        let text = hits.text;
        let end_of = |from: usize| {
            from + text[from..].chars().take_while(|c| c.is_alphabetic()).map(char::len_utf8).sum::<usize>()
        };
        let mut end = end_of(start);
        let word = self.lexicon.look_up(&text[start..end]);
        if end == start || !(word.is_given() || word.is_family()) {
            return;
        }
        if text[end..].starts_with(' ') {
            let next = end_of(end + 1);
            if self.lexicon.look_up(&text[end + 1..next]).is_family() {
                end = next;
            }
        }
        hits.push(Finding::new(start..end, Entity::Person, 0.6));
    }

    /// Whether `word` may be taken for the same person elsewhere.
    pub(crate) fn is_telling(&self, word: &str) -> bool {
        let known = self.lexicon.look_up(word);
        let weak = known.is_known() && !known.is_given() && !known.is_family();
        word.chars().count() >= 3 && word.starts_with(char::is_uppercase) && !known.is_stop() && !weak
    }
}

/// The name in a piece of a row that no cue precedes, by the lists alone.
fn listed(piece: &[Token]) -> Option<(Range<usize>, f32)> {
    let named = |token: &Token| token.shape == Shape::Name;
    let shouted = piece.iter().any(|token| token.shape == Shape::Capitals);
    if shouted {
        // SMITH may be a constant; JOHN SMITH is somebody.
        let both =
            piece.len() >= 2 && piece.iter().all(|token| token.word.is_given() || token.word.is_family());
        return both.then(|| (span(&piece[..piece.len().min(LONGEST)]), 0.6));
    }
    if let Some(at) = piece.iter().position(|token| named(token) && token.word.is_given()) {
        let from =
            piece[..at].iter().rposition(|token| token.shape != Shape::Initial).map_or(0, |other| other + 1);
        let from = if at > 0 && from == at && piece[at].word.is_family() { at - 1 } else { from };
        let name = &piece[from..piece.len().min(from + LONGEST)];
        let family = name[1..].iter().any(|token| token.word.may_be_family());
        let score = if family {
            0.85
        } else if name.len() > 1 {
            0.7
        } else {
            0.5
        };
        return Some((span(name), score));
    }
    let weak =
        |pair: &[Token]| pair[0].word.may_be_given() && pair.last().is_some_and(|last| last.word.is_family());
    if let Some(at) = piece.windows(2).position(weak) {
        return Some((span(&piece[at..piece.len().min(at + LONGEST)]), 0.7));
    }
    let last = piece.iter().rposition(|token| token.word.is_family())?;
    let from = last.saturating_sub(2);
    let unknown =
        piece[from..last].iter().rposition(|token| token.word.is_stop()).map_or(from, |stop| from + stop + 1);
    let score = if unknown < last { 0.6 } else { 0.45 };
    Some((span(&piece[unknown..=last]), score))
}

fn span(name: &[Token]) -> Range<usize> {
    let start = name.first().map_or(0, |token| token.range.start);
    let end = name.last().map_or(start, |token| token.range.end);
    start..end
}

/// Words that no name goes across.
fn is_break(token: &Token) -> bool {
    let stop = token.word.is_stop() || token.word.makes_organisation();
    token.shape == Shape::Other || (stop && !token.word.is_known())
}

/// Part of a path, a handle, an address or a piece of code.
fn is_identifier(text: &str, start: usize, end: usize) -> bool {
    let before = text[..start].chars().next_back();
    let mut after = text[end..].chars();
    let (next, second) = (after.next(), after.next());
    matches!(before, Some('@' | '#' | '/' | '\\' | '.' | '_' | '$' | '<' | '&' | '-' | '='))
        || matches!(next, Some('(' | '_' | '/' | '\\' | '@' | '=' | '[' | '{' | '<'))
        || (matches!(next, Some('.' | ':' | '-')) && second.is_some_and(|c| c.is_alphanumeric() || c == ':'))
}
