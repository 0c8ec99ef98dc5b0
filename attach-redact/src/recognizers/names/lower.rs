//! Names in lower case: after "name is", and in texts without any capital, as people type them into a chat.

use std::ops::Range;

use super::cue;
use super::lexicon::{Lexicon, Word};
use crate::engine::Hits;
use crate::engine::is_word;
use crate::{Entity, Finding};

/// Who writes more than this uses capitals; what doesn't is no chat.
const LONGEST_TEXT: usize = 4 << 10;

/// A name at `start`: only if it is in a list.
pub(super) fn introduced(hits: &mut Hits<'_>, lexicon: &Lexicon, start: usize) {
    let text = hits.text;
    let Some(first) = word_at(text, start) else { return };
    let word = look_up(text, &first, lexicon);
    let said = text.get(..start).is_some_and(ends_in_my_name) && ends_clause(text, first.end);
    if !(word.is_given() || word.is_family() || said && first.len() > 2 && !word.is_stop()) {
        return;
    }
    let second = after_space(text, first.end).and_then(|next| word_at(text, next));
    let end = second
        .filter(|second| look_up(text, second, lexicon).is_family())
        .map_or(first.end, |second| second.end);
    hits.push(Finding::new(start..end, Entity::Person, 0.6));
}

fn ends_in_my_name(before: &str) -> bool {
    let start = before.len().saturating_sub("my name is ".len());
    before.get(start..).is_some_and(|end| end.eq_ignore_ascii_case("my name is "))
}

fn ends_clause(text: &str, at: usize) -> bool {
    let rest = text.get(at..).unwrap_or_default();
    rest.is_empty() || rest.starts_with(['.', ',', '!', '\n']) || rest.starts_with(" and ")
}

/// Looks through all of a text that has no capital.
pub(super) fn scan(hits: &mut Hits<'_>, lexicon: &Lexicon) {
    let text = hits.text;
    if text.len() > LONGEST_TEXT {
        return;
    }
    let mut at = 0;
    while at < text.len() {
        let Some(first) = word_at(text, at) else {
            at += text.get(at..).and_then(|rest| rest.chars().next()).map_or(1, char::len_utf8);
            continue;
        };
        at = first.end;
        if hits.is_code(first.start) {
            continue;
        }
        if let Some((end, score)) = name_at(text, &first, lexicon) {
            hits.push(Finding::new(first.start..end, Entity::Person, score));
            at = end;
        }
    }
}

/// Where the name ends that begins with `first`, and its score.
fn name_at(text: &str, first: &Range<usize>, lexicon: &Lexicon) -> Option<(usize, f32)> {
    let word = look_up(text, first, lexicon);
    if word.is_break() || is_joined(text, first) {
        return None;
    }
    let before = cue::before(text, first.start, lexicon);
    if before.place {
        return None;
    }
    let long = first.len() > 3;
    if word.is_given() && (long || before.cue.is_some()) {
        return Some(match family_after(text, first.end, lexicon) {
            Some(end) => (end, 0.6),
            None => (first.end, 0.45),
        });
    }
    let called = before.cue.is_some_and(|cue| cue > cue::Cue::Weak);
    let weak = word.may_be_given() && !word.is_stop();
    if weak && let Some(end) = family_after(text, first.end, lexicon) {
        return Some((end, 0.5));
    }
    if called && (weak || word.is_family()) || before.cue.is_some() && word.is_family() {
        return Some((first.end, 0.45));
    }
    None
}

/// The end of a family name behind a given name, with a letter between them maybe.
fn family_after(text: &str, end: usize, lexicon: &Lexicon) -> Option<usize> {
    let mut next = word_at(text, after_space(text, end)?)?;
    if next.len() == 1 {
        let dot = usize::from(text.as_bytes().get(next.end) == Some(&b'.'));
        next = word_at(text, after_space(text, next.end + dot)?)?;
    }
    let word = look_up(text, &next, lexicon);
    let telling = !word.is_known() && super::ending::is_telling(text.get(next.clone())?);
    (telling || word.is_known() && !word.is_stop()).then_some(next.end)
}

fn look_up(text: &str, range: &Range<usize>, lexicon: &Lexicon) -> Word {
    text.get(range.clone()).filter(|word| word.len() > 1).map_or(Word::NONE, |word| lexicon.look_up(word))
}

/// Part of a path, an address or an identifier.
fn is_joined(text: &str, range: &Range<usize>) -> bool {
    let bytes = text.as_bytes();
    let before = range.start.checked_sub(1).and_then(|at| bytes.get(at));
    let after = bytes.get(range.end);
    let second = bytes.get(range.end + 1);
    before.is_some_and(|byte| b"@#/\\._$<&-=".contains(byte) || is_word(*byte))
        || after.is_some_and(|byte| b"(_/\\@=[{<-".contains(byte) || is_word(*byte))
        || (matches!(after, Some(b'.' | b':')) && second.is_some_and(|byte| is_word(*byte)))
}

fn after_space(text: &str, at: usize) -> Option<usize> {
    text.as_bytes().get(at).filter(|byte| **byte == b' ').map(|_| at + 1)
}

/// The letters at `at`, if any.
fn word_at(text: &str, at: usize) -> Option<Range<usize>> {
    let rest = text.get(at..)?;
    let letters = rest.chars().take_while(|letter| letter.is_alphabetic());
    let length: usize = letters.map(char::len_utf8).sum();
    (length > 0).then(|| at..at + length)
}
