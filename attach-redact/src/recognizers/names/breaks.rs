//! The commonest reason to look no closer at a capital letter: a short word that no name goes across.

/// Words of two to eight letters, each as one number, in a table with open addressing that fits a processor's nearest
/// memory. Most capitals of prose begin one: `The`, `When`, `Returns`.
#[derive(Debug)]
pub(super) struct Breaks(Box<[u64]>);

/// A power of two, more than twice the number of words.
const SLOTS: usize = 1 << 13;
const LONGEST: usize = 8;

impl Breaks {
    /// Those of `words`, in lower case, that are short enough.
    pub(super) fn new<'w>(words: impl Iterator<Item = &'w str>) -> Self {
        let mut breaks = Self(vec![0; SLOTS].into());
        let short = |word: &&str| (2..=LONGEST).contains(&word.len());
        let letters = |word: &&str| word.bytes().all(|byte| byte.is_ascii_lowercase());
        for word in words.filter(short).filter(letters).take(SLOTS / 2) {
            let key = number(word.as_bytes());
            if let (slot, false) = breaks.find(key) {
                breaks.0[slot] = key;
            }
        }
        breaks
    }

    /// The end of the word that begins at `start`, if it is one of these and stands for itself.
    pub(super) fn word_at(&self, text: &str, start: usize) -> Option<usize> {
        let rest = text.as_bytes().get(start..)?;
        let length = rest.iter().take(LONGEST + 1).take_while(|byte| byte.is_ascii_alphabetic()).count();
        let goes_on = |byte: &u8| byte.is_ascii_alphanumeric() || !byte.is_ascii() || b"_-'".contains(byte);
        if !(2..=LONGEST).contains(&length) || rest.get(length).is_some_and(goes_on) {
            return None;
        }
        self.find(number(rest.get(..length)?)).1.then_some(start + length)
    }

    /// The slot of `key` or for it, and whether it is there.
    fn find(&self, key: u64) -> (usize, bool) {
        let mut slot = (key.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 51) as usize % SLOTS;
        loop {
            match self.0.get(slot) {
                Some(0) | None => return (slot, false),
                Some(there) if *there == key => return (slot, true),
                Some(_) => slot = (slot + 1) % SLOTS,
            }
        }
    }
}

/// Letters of ASCII in any case as one number.
fn number(word: &[u8]) -> u64 {
    word.iter().fold(0, |number, byte| number << 8 | u64::from(byte | 0x20))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_words_count() {
        let breaks = Breaks::new(["the", "returns", "a", "disconnected", "été"].into_iter());
        assert_eq!(breaks.word_at("The end", 0), Some(3));
        assert_eq!(breaks.word_at("it RETURNS.", 3), Some(10));
        for other in ["Theo", "The's", "The-x", "Thé", "A b", "Disconnected", "The_x", "The2"] {
            assert_eq!(breaks.word_at(other, 0), None, "{other}");
        }
    }
}
