//! By which a repetition of all of a running text is known.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest, Sha256};

use crate::restore::Slot;

type Fingerprint = [u8; 32];

/// Running texts as far as they have come, by what they say.
#[derive(Default)]
pub(super) struct Wholes {
    texts: BTreeMap<Slot, Whole>,
    /// Each of them as it is now.
    now: BTreeMap<(usize, Fingerprint), BTreeSet<Slot>>,
}

#[derive(Default)]
struct Whole {
    digest: Sha256,
    length: usize,
    now: Fingerprint,
}

impl Wholes {
    pub(super) fn push(&mut self, slot: Slot, piece: &str) {
        let text = self.texts.entry(slot).or_default();
        if let Entry::Occupied(mut alike) = self.now.entry((text.length, text.now)) {
            alike.get_mut().remove(&slot);
            if alike.get().is_empty() {
                alike.remove();
            }
        }
        text.digest.update(piece);
        text.length += piece.len();
        text.now = text.digest.clone().finalize().into();
        self.now.entry((text.length, text.now)).or_default().insert(slot);
    }

    pub(super) fn has(&self, slot: Slot) -> bool {
        self.texts.contains_key(&slot)
    }

    pub(super) fn len(&self) -> usize {
        self.texts.len()
    }

    /// The running text that `text` repeats as a whole, as the last events of the Responses API do.
    pub(super) fn repeated(&self, text: &str) -> Option<Slot> {
        // Most are of no text's length, so nothing has to be computed of them.
        let longer = self.now.range((text.len(), Fingerprint::default())..).next();
        longer.filter(|((length, _), _)| *length == text.len())?;
        let digest = Sha256::digest(text).into();
        self.now.get(&(text.len(), digest))?.first().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::restore::Field;

    #[test]
    fn a_text_that_is_repeated_is_known_by_what_it_says() {
        let [one, other, third] = [0, 1, 2].map(|choice| Slot::new(choice, Field::Content, 0));
        let mut texts = Wholes::default();
        for (slot, piece) in [(one, "ab"), (other, "xyz"), (one, "c"), (third, "abc")] {
            texts.push(slot, piece);
        }
        assert_eq!((texts.repeated("abc"), texts.repeated("xyz")), (Some(one), Some(other)));
        assert_eq!((texts.repeated("abd"), texts.repeated("ab")), (None, None));
        texts.push(one, "d");
        assert_eq!(texts.repeated("abc"), Some(third), "what two said, one says still");
        assert!(texts.has(third) && texts.len() == 3);
    }
}
