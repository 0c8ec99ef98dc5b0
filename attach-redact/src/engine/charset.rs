//! Sets of characters, asked without decoding any.

use std::sync::OnceLock;

/// A set of characters of two and three bytes in UTF-8: a bit for each, in words of 64 that differ in their last byte
/// only. Of the longer ones, which are few in texts, some are in it or none.
pub(crate) struct CharSet {
    bits: Box<[u64; 1024]>,
    long: fn(char) -> bool,
}

impl CharSet {
    pub(crate) fn new(has: fn(char) -> bool) -> Self {
        let mut bits = Box::new([0; 1024]);
        for (block, bits) in bits.iter_mut().enumerate() {
            for low in 0..64 {
                *bits |= u64::from(char::from_u32(block as u32 * 64 + low).is_some_and(has)) << low;
            }
        }
        Self { bits, long: has }
    }

    /// Letters that are capitals.
    pub(crate) fn capitals() -> &'static Self {
        static CAPITALS: OnceLock<CharSet> = OnceLock::new();
        CAPITALS.get_or_init(|| Self::new(char::is_uppercase))
    }

    /// Letters and numbers of any kind.
    pub(crate) fn alphanumeric() -> &'static Self {
        static ALPHANUMERIC: OnceLock<CharSet> = OnceLock::new();
        ALPHANUMERIC.get_or_init(|| Self::new(char::is_alphanumeric))
    }

    /// Digits and other signs for numbers.
    pub(crate) fn numeric() -> &'static Self {
        static NUMERIC: OnceLock<CharSet> = OnceLock::new();
        NUMERIC.get_or_init(|| Self::new(char::is_numeric))
    }

    /// Makes the tables, so that nobody's request has to.
    pub(crate) fn warm_up() {
        Self::capitals();
        Self::alphanumeric();
        Self::numeric();
    }

    /// Whether the character that begins at `at`, which is not ASCII, is in the set.
    pub(crate) fn has(&self, text: &[u8], at: usize) -> bool {
        self.next(text, at).0
    }

    /// Whether the character that ends at `end`, which is not ASCII, is in the set.
    pub(crate) fn has_before(&self, text: &[u8], end: usize) -> bool {
        let tail = text.get(..end).unwrap_or_default().iter().rev().take(4);
        let length = tail.take_while(|byte| **byte & 0xC0 == 0x80).count() + 1;
        end.checked_sub(length).is_some_and(|start| self.has(text, start))
    }

    /// The same, and the character's length.
    pub(crate) fn next(&self, text: &[u8], at: usize) -> (bool, usize) {
        let byte = |offset: usize| text.get(at + offset).map_or(0, |byte| usize::from(*byte));
        let (width, block) = match byte(0) {
            0xF0.. => return (decode(text, at).is_some_and(self.long), 4),
            lead @ 0xE0.. => (3, (lead & 0xF) << 6 | byte(1) & 0x3F),
            lead => (2, lead & 0x1F),
        };
        let bits = self.bits.get(block).copied().unwrap_or_default();
        (bits >> (byte(width - 1) & 0x3F) & 1 == 1, width)
    }
}

/// The character of four bytes at `at`.
fn decode(text: &[u8], at: usize) -> Option<char> {
    std::str::from_utf8(text.get(at..at + 4)?).ok()?.chars().next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_character_is_in_its_sets_and_nothing_else_is() {
        for c in '\u{80}'..=char::MAX {
            let text = c.to_string();
            let (capital, length) = CharSet::capitals().next(text.as_bytes(), 0);
            assert_eq!(CharSet::alphanumeric().has_before(text.as_bytes(), text.len()), c.is_alphanumeric());
            assert_eq!((capital, length), (c.is_uppercase(), c.len_utf8()), "{:x}", c as u32);
        }
    }
}
