//! Offsets in characters, as Python and most engines count them, to offsets in bytes.

use std::ops::Range;

use serde::Deserialize;

use crate::{Fault, Finding};

/// A finding as engines write it.
#[derive(Deserialize)]
pub(super) struct Found {
    start: usize,
    end: usize,
    #[serde(alias = "entity_type")]
    entity: String,
    score: f32,
}

/// The findings in `text`. Linear in both, however many there are.
pub(super) fn findings(text: &str, found: Vec<Found>) -> Result<Vec<Finding>, Fault> {
    let bounds = Bounds::of(text);
    found.into_iter().map(|found| bounds.finding(&found)).collect()
}

/// Where the characters of a text begin, and where it ends.
enum Bounds {
    /// As many as bytes.
    Ascii(usize),
    At(Vec<usize>),
}

impl Bounds {
    fn of(text: &str) -> Self {
        if text.is_ascii() {
            return Self::Ascii(text.len());
        }
        Self::At(text.char_indices().map(|(at, _)| at).chain([text.len()]).collect())
    }

    fn byte(&self, character: usize) -> Option<usize> {
        match self {
            Self::Ascii(length) => (character <= *length).then_some(character),
            Self::At(bounds) => bounds.get(character).copied(),
        }
    }

    fn finding(&self, found: &Found) -> Result<Finding, Fault> {
        let range = self.range(found.start..found.end);
        let range = range.ok_or_else(|| Fault::new("a remote engine gave an impossible range"))?;
        if !(0.0..=1.0).contains(&found.score) {
            return Err(Fault::new("a remote engine gave an impossible score"));
        }
        Ok(Finding::new(range, super::entity(&found.entity), found.score))
    }

    fn range(&self, characters: Range<usize>) -> Option<Range<usize>> {
        let range = self.byte(characters.start)?..self.byte(characters.end)?;
        (range.start < range.end).then_some(range)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(text: &str, characters: Range<usize>) -> Option<Range<usize>> {
        Bounds::of(text).range(characters)
    }

    #[test]
    fn characters_are_counted_as_python_does() {
        let text = "Grüße an 😀 Zoë";
        let bytes = range(text, 11..14).unwrap();
        assert_eq!(&text[bytes], "Zoë");
        assert_eq!(&text[range(text, 2..4).unwrap()], "üß");
    }

    #[test]
    fn what_is_not_in_the_text_is_no_range() {
        for text in ["plain", "é😀plai"] {
            let end = text.chars().count();
            assert!(range(text, 0..end).is_some());
            let backwards = Range { start: 2, end: 1 };
            for impossible in [0..end + 1, backwards, 1..1, usize::MAX - 1..usize::MAX] {
                assert_eq!(range(text, impossible), None, "{text}");
            }
        }
    }
}
