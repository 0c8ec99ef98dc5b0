//! The running texts of a stream: how far they have come, and what is masked in them.

use std::collections::BTreeMap;
use std::ops::Range;

use sha2::{Digest, Sha256};

use crate::restore::Slot;

/// Running texts that are followed; in an answer with more, each piece of the others is a text of its own.
const MOST: usize = 1024;

/// What is known of every running text.
#[derive(Default)]
pub(super) struct RunningTexts(BTreeMap<Slot, Running>);

#[derive(Default)]
struct Running {
    /// Of all of it, by which a repetition is known.
    digest: Sha256,
    length: usize,
    masks: Vec<Range<usize>>,
}

impl RunningTexts {
    /// Where `piece` begins in the text of `slot`; `None` if that is not followed.
    pub(super) fn push(&mut self, slot: Slot, piece: &str) -> Option<usize> {
        if self.0.len() >= MOST && !self.0.contains_key(&slot) {
            return None;
        }
        let running = self.0.entry(slot).or_default();
        let at = running.length;
        running.length += piece.len();
        running.digest.update(piece);
        Some(at)
    }

    /// The running text that `text` repeats as a whole, as the last events of the Responses API do.
    pub(super) fn repeated(&self, text: &str) -> Option<Slot> {
        let of = |running: &&Running| running.length == text.len();
        let mut alike = self.0.iter().filter(|(_, running)| of(running)).peekable();
        alike.peek()?;
        let digest = Sha256::digest(text);
        alike.find(|(_, running)| running.digest.clone().finalize() == digest).map(|(slot, _)| *slot)
    }

    /// Masks `range` of the text of `slot`; `false` if it was.
    pub(super) fn mask(&mut self, slot: Slot, range: Range<usize>) -> bool {
        let Some(running) = self.0.get_mut(&slot) else { return false };
        let new = !running.masks.contains(&range);
        if new {
            running.masks.push(range);
        }
        new
    }

    pub(super) fn masks(&self, slot: Slot) -> &[Range<usize>] {
        self.0.get(&slot).map_or(&[], |running| &running.masks)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::restore::Field;

    #[test]
    fn a_text_that_is_repeated_is_known_by_what_it_says() {
        let (one, other) = (Slot::new(0, Field::Content, 0), Slot::new(1, Field::Content, 0));
        let mut texts = RunningTexts::default();
        assert_eq!(
            (texts.push(one, "ab"), texts.push(other, "xyz"), texts.push(one, "c")),
            (Some(0), Some(0), Some(2))
        );
        assert_eq!((texts.repeated("abc"), texts.repeated("xyz")), (Some(one), Some(other)));
        assert_eq!((texts.repeated("abd"), texts.repeated("ab")), (None, None));
        assert!(texts.mask(one, 0..2) && !texts.mask(one, 0..2));
        assert!(texts.masks(one).iter().eq([&(0..2)]));
        assert!(texts.masks(other).is_empty());
    }
}
