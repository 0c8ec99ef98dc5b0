//! Sets of characters, asked without decoding any.

use std::sync::OnceLock;

/// A set of characters of two and three bytes in UTF-8: a bit for each, in words of 64 that differ in their last byte
/// only. Of the longer ones, which are few in texts, some are in it or none.
pub(super) struct CharSet {
    bits: Box<[u64; 1024]>,
    long: fn(char) -> bool,
}

impl CharSet {
    pub(super) fn new(has: fn(char) -> bool) -> Self {
        let mut bits = Box::new([0; 1024]);
        for (block, bits) in bits.iter_mut().enumerate() {
            for low in 0..64 {
                *bits |= u64::from(char::from_u32(block as u32 * 64 + low).is_some_and(has)) << low;
            }
        }
        Self { bits, long: has }
    }

    /// Letters that are capitals.
    pub(super) fn capitals() -> &'static Self {
        static CAPITALS: OnceLock<CharSet> = OnceLock::new();
        CAPITALS.get_or_init(|| Self::new(char::is_uppercase))
    }

    /// Whether the character that begins at `at`, which is not ASCII, is in the set.
    pub(super) fn has(&self, text: &[u8], at: usize) -> bool {
        self.next(text, at).0
    }

    /// The same, and the character's length.
    pub(super) fn next(&self, text: &[u8], at: usize) -> (bool, usize) {
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
    fn every_capital_is_one_and_nothing_else_is() {
        for c in '\u{80}'..=char::MAX {
            let text = c.to_string();
            let (capital, length) = CharSet::capitals().next(text.as_bytes(), 0);
            assert_eq!((capital, length), (c.is_uppercase(), c.len_utf8()), "{:x}", c as u32);
        }
    }
}
