//! The texts of a stream that inspectors are asked about, and what they say of them.

use std::collections::BTreeMap;
use std::ops::Range;

use super::event::{Event, Of, Piece};
use super::mask::Form;
use super::queue::KEPT;
use super::running::Place;

/// Where a text that is shown comes from.
#[derive(Debug)]
pub(super) enum Source {
    /// A text that runs, from there on.
    Running {
        place: Place,
        from: usize,
    },
    /// The same with its pieces apart.
    Apart {
        place: Place,
        pieces: Vec<Part>,
    },
    Own {
        event: usize,
        piece: usize,
    },
}

/// A piece in a text that is shown.
#[derive(Debug)]
pub(super) struct Part {
    shown: Range<usize>,
    /// Where it is in the text that runs.
    at: usize,
}

/// The texts in `events` in which something is new, with what came before it, and where each comes from.
pub(super) fn shown<'e>(events: impl Iterator<Item = &'e Event>) -> (Vec<String>, Vec<Source>) {
    let (mut texts, mut sources) = (Vec::new(), Vec::new());
    let mut running: Vec<(Place, Vec<(&Piece, usize)>)> = Vec::new();
    let mut known: BTreeMap<Place, usize> = BTreeMap::new();
    for (event, of) in events.enumerate() {
        for (piece, of) in of.pieces.iter().enumerate() {
            match of.of {
                Of::Running(place, at) => {
                    let index = *known.entry(place).or_insert(running.len());
                    match running.get_mut(index) {
                        Some((_, pieces)) => pieces.push((of, at)),
                        None => running.push((place, vec![(of, at)])),
                    }
                }
                Of::Own(_) if !of.judged => {
                    texts.push(of.text.clone());
                    sources.push(Source::Own { event, piece });
                }
                Of::Own(_) => {}
            }
        }
    }
    for (place, pieces) in running {
        let Some(pieces) = with_new(&pieces) else { continue };
        texts.push(pieces.iter().map(|(piece, _)| piece.text.as_str()).collect());
        sources.push(Source::Running { place, from: pieces.first().map_or(0, |(_, at)| *at) });
        // In a member that nobody knows each may be a part of a text, or all of one.
        let is_tokens = pieces.iter().any(|(piece, _)| piece.form == Form::Tokens);
        if matches!(place, Place::Member(_)) && pieces.len() > 1 && !is_tokens {
            let (text, pieces) = apart(pieces);
            texts.push(text);
            sources.push(Source::Apart { place, pieces });
        }
    }
    (texts, sources)
}

/// From the first of `pieces` that was not shown, and some before it, to the last.
fn with_new<'p, 'e>(pieces: &'p [(&'e Piece, usize)]) -> Option<&'p [(&'e Piece, usize)]> {
    let (mut first, mut before) = (pieces.iter().position(|(piece, _)| !piece.judged)?, 0);
    while let Some((piece, _)) =
        first.checked_sub(1).and_then(|last| pieces.get(last)).filter(|_| before < KEPT)
    {
        before += piece.length;
        first -= 1;
    }
    pieces.get(first..)
}

/// Each of `pieces` on a line of its own.
fn apart(pieces: &[(&Piece, usize)]) -> (String, Vec<Part>) {
    let (mut text, mut parts) = (String::new(), Vec::with_capacity(pieces.len()));
    for (piece, at) in pieces {
        let start = text.len();
        text.push_str(&piece.text);
        parts.push(Part { shown: start..text.len(), at: *at });
        text.push('\n');
    }
    (text, parts)
}

/// Where `range` of the text that was shown is in the one that runs.
pub(super) fn of_parts(parts: &[Part], range: &Range<usize>) -> impl Iterator<Item = Range<usize>> {
    let first = parts.partition_point(|part| part.shown.end <= range.start);
    let Range { start, end } = *range;
    let within = parts.get(first..).unwrap_or_default().iter().take_while(move |part| part.shown.start < end);
    within.map(move |part| {
        let offset = |at: usize| part.at + at.clamp(part.shown.start, part.shown.end) - part.shown.start;
        offset(start)..offset(end)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_found_in_pieces_apart_is_masked_where_they_are() {
        let parts = [(0..3, 10), (4..6, 13), (7..9, 15)].map(|(shown, at)| Part { shown, at });
        let of = |range: Range<usize>| -> Vec<_> {
            of_parts(&parts, &range).map(|range| (range.start, range.end)).collect()
        };
        assert_eq!(of(1..2), [(11, 12)]);
        assert_eq!(of(2..8), [(12, 13), (13, 15), (15, 16)]);
        assert_eq!((of(3..4), of(9..10)), (vec![], vec![]));
    }
}
