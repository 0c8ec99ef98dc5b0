//! The running texts of a stream: how far they have come, and what is masked in them.

use std::collections::BTreeMap;
use std::hash::{BuildHasher, RandomState};
use std::ops::Range;

use super::mask::Escape;
use super::spans::Spans;
use super::wholes::Wholes;
use crate::restore::Slot;

/// Running texts that are followed to their end; of more of them only what is held.
const MOST: usize = 1024;

/// Where a running text stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Place {
    /// Where the dialects have one.
    Known(Slot),
    /// In some member of the events, by a digest of where that is.
    Member(u64),
}

/// What is known of every running text.
#[derive(Default)]
pub(super) struct RunningTexts {
    texts: BTreeMap<Place, Running>,
    wholes: Wholes,
    /// Nobody outside can make two places one.
    pub(super) hasher: RandomState,
}

#[derive(Default)]
struct Running {
    length: usize,
    masks: Spans,
    /// Where what has gone on ends.
    escape: Escape,
    /// Pieces that are held.
    held: usize,
    /// A letter or a digit was in it.
    said: bool,
    /// A digest of the last piece.
    last: Option<u64>,
}

impl RunningTexts {
    /// Where the text of `slot` is followed.
    pub(super) fn place(&self, slot: Slot) -> Place {
        if self.wholes.has(slot) || self.wholes.len() < MOST {
            Place::Known(slot)
        } else {
            Place::Member(self.hasher.hash_one(slot))
        }
    }

    /// Where `piece` begins in the text at `place`.
    pub(super) fn push(&mut self, place: Place, piece: &str) -> usize {
        if let Place::Known(slot) = place {
            self.wholes.push(slot, piece);
        }
        let running = self.texts.entry(place).or_default();
        let at = running.length;
        running.length += piece.len();
        running.held += 1;
        running.said |= piece.chars().any(char::is_alphanumeric);
        running.last = matches!(place, Place::Member(_)).then(|| self.hasher.hash_one(piece));
        at
    }

    /// The running text that `text` repeats as a whole.
    pub(super) fn repeated(&self, text: &str) -> Option<Slot> {
        self.wholes.repeated(text)
    }

    /// Masks `range` of the text at `place`.
    pub(super) fn mask(&mut self, place: Place, range: Range<usize>) {
        if let Some(running) = self.texts.get_mut(&place) {
            running.masks.insert(range);
        }
    }

    /// What is masked in the part `piece` of the text at `place`.
    pub(super) fn masks(&self, place: Place, piece: Range<usize>) -> impl Iterator<Item = Range<usize>> {
        self.texts.get(&place).into_iter().flat_map(move |running| running.masks.within(piece.clone()))
    }

    /// Whether anything was said in the text of `slot`: spaces are not what a sound says.
    pub(super) fn has(&self, slot: Slot) -> bool {
        self.texts.get(&self.place(slot)).is_some_and(|running| running.said)
    }

    /// Whether `piece` is what the last one at `place` was, as far as that is known.
    pub(super) fn is_again(&self, place: Place, piece: &str) -> bool {
        let last = self.texts.get(&place).and_then(|running| running.last);
        last.is_some_and(|last| last == self.hasher.hash_one(piece))
    }

    /// Whether anything is masked in the text of `slot`.
    pub(super) fn is_masked(&self, slot: Slot) -> bool {
        self.texts.get(&self.place(slot)).is_some_and(|running| !running.masks.is_empty())
    }

    /// Where what has gone on of the text at `place` ends.
    pub(super) fn escape(&mut self, place: Place) -> Option<&mut Escape> {
        self.texts.get_mut(&place).map(|running| &mut running.escape)
    }

    /// A piece of the text at `place` has gone on. Of members nothing is kept that is not needed: an event may have many.
    pub(super) fn gone(&mut self, place: Place) {
        let Some(running) = self.texts.get_mut(&place) else { return };
        running.held = running.held.saturating_sub(1);
        if running.held == 0 && matches!(place, Place::Member(_)) {
            self.texts.remove(&place);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::restore::Field;

    #[test]
    fn a_text_is_followed_from_piece_to_piece() {
        let place = Place::Known(Slot::new(0, Field::Content, 0));
        let mut texts = RunningTexts::default();
        assert_eq!(
            (texts.push(place, "abc"), texts.push(Place::Member(7), "x"), texts.push(place, "def")),
            (0, 0, 3)
        );
        texts.mask(place, 2..4);
        let masks = |piece: Range<usize>| texts.masks(place, piece).map(|mask| (mask.start, mask.end)).next();
        assert_eq!((masks(0..3), masks(3..6)), (Some((2, 3)), Some((0, 1))));
        assert!(texts.repeated("abcdef").is_some() && texts.repeated("x").is_none());
        texts.gone(place);
        texts.gone(place);
        texts.gone(Place::Member(7));
        assert_eq!((texts.push(place, "g"), texts.push(Place::Member(7), "y")), (6, 0));
    }

    #[test]
    fn spaces_are_not_what_a_sound_says() {
        let slot = Slot::new(0, Field::Transcript, 0);
        let mut texts = RunningTexts::default();
        texts.push(texts.place(slot), " ");
        assert!(!texts.has(slot));
        texts.push(texts.place(slot), "a");
        assert!(texts.has(slot));
    }

    #[test]
    fn texts_beyond_those_that_are_followed_to_their_end_run_all_the_same() {
        let mut texts = RunningTexts::default();
        for choice in 0..MOST as u64 + 2 {
            let place = texts.place(Slot::new(choice, Field::Content, 0));
            assert_eq!((texts.push(place, "a"), texts.push(place, "b")), (0, 1), "{choice}");
        }
    }
}
