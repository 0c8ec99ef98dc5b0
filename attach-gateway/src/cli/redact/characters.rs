//! From bytes to characters.

use std::ops::Range;

/// Counts characters in a text, from left to right.
#[derive(Debug)]
pub(super) struct Characters<'t> {
    text: &'t str,
    ascii: bool,
    byte: usize,
    character: usize,
}

impl<'t> Characters<'t> {
    pub(super) fn of(text: &'t str) -> Self {
        Self { text, ascii: text.is_ascii(), byte: 0, character: 0 }
    }

    /// Where the bytes `range` are in characters. Ranges come in the order of their beginnings.
    pub(super) fn of_range(&mut self, range: &Range<usize>) -> Range<usize> {
        if self.ascii {
            return range.clone();
        }
        self.character += self.count(self.byte, range.start);
        self.byte = range.start;
        self.character..self.character + self.count(range.start, range.end)
    }

    fn count(&self, from: usize, to: usize) -> usize {
        self.text.get(from..to).map_or(0, |text| text.chars().count())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_are_in_characters_also_of_ranges_that_overlap() {
        let text = "aé😀b@ü.c d";
        let mut characters = Characters::of(text);
        for (byte, range) in [(0..3, 0..2), (1..7, 1..3), (1..12, 1..7), (14..15, 9..10)] {
            assert_eq!(characters.of_range(&byte), range, "{:?}", text.get(byte));
        }
    }
}
