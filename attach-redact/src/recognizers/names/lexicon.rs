//! The word lists: who is called so, and which capitalised words are no names.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::OnceLock;

const GIVEN: &str = include_str!("given.txt");
const FAMILY: &str = include_str!("family.txt");
const STOP: &str = include_str!("stop.txt");

/// Words that make an organisation or a place of the name before them.
const ORGANISATION: &str = "loop trail way mall terrace promenade highway ltd limited inc llc gmbh corp corporation co company group plc ag sa nv bv university college \
    school street st road rd avenue ave boulevard blvd drive lane square airport hospital center centre foundation \
    institute bank hotel stadium church county park bridge prize award theorem algorithm syndrome islands island city \
    valley river lake bay beach museum library station associates partners holdings industries motors brothers bros \
    sons press records studios magazine journal times act law effect code cup tower building court house hall";

/// What is known of a word.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Word(u8);

impl Word {
    const GIVEN: u8 = 1;
    const FAMILY: u8 = 2;
    const WEAK_GIVEN: u8 = 4;
    const WEAK_FAMILY: u8 = 8;
    const STOP: u8 = 16;
    const ORGANISATION: u8 = 32;

    fn has(self, flag: u8) -> bool {
        self.0 & flag != 0
    }

    /// A given name and nothing else.
    pub(super) fn is_given(self) -> bool {
        self.has(Self::GIVEN) && !self.has(Self::STOP)
    }

    /// A family name and nothing else.
    pub(super) fn is_family(self) -> bool {
        self.has(Self::FAMILY) && !self.has(Self::STOP)
    }

    /// A given name, possibly something else as well.
    pub(super) fn may_be_given(self) -> bool {
        self.has(Self::GIVEN | Self::WEAK_GIVEN)
    }

    /// A family name, possibly something else as well.
    pub(super) fn may_be_family(self) -> bool {
        self.has(Self::FAMILY | Self::WEAK_FAMILY)
    }

    pub(super) fn is_stop(self) -> bool {
        self.has(Self::STOP)
    }

    /// In a list of names, however weakly.
    pub(super) fn is_known(self) -> bool {
        self.may_be_given() || self.may_be_family()
    }

    pub(super) fn makes_organisation(self) -> bool {
        self.has(Self::ORGANISATION)
    }
}

#[derive(Debug)]
pub(super) struct Lexicon(HashMap<&'static str, Word, BuildHasherDefault<Fnv>>);

static LEXICON: OnceLock<Lexicon> = OnceLock::new();

impl Lexicon {
    /// The one there is.
    pub(super) fn shared() -> &'static Self {
        LEXICON.get_or_init(Self::load)
    }

    fn load() -> Self {
        let mut words = HashMap::<&'static str, Word, BuildHasherDefault<Fnv>>::default();
        let mut add = |list: &'static str, strong: u8, weak: u8| {
            let lines = list.lines().filter(|line| !line.starts_with('#'));
            for word in lines.flat_map(str::split_whitespace) {
                let (word, flag) = word.strip_suffix('?').map_or((word, strong), |word| (word, weak));
                words.entry(word).or_default().0 |= flag;
            }
        };
        add(GIVEN, Word::GIVEN, Word::WEAK_GIVEN);
        add(FAMILY, Word::FAMILY, Word::WEAK_FAMILY);
        add(STOP, Word::STOP, Word::STOP);
        add(ORGANISATION, Word::ORGANISATION, Word::ORGANISATION);
        Self(words)
    }

    /// What is known of `word`, whatever its case; of its strongest part if it is hyphenated.
    pub(super) fn look_up(&self, word: &str) -> Word {
        let mut buffer = [0; 32];
        let lower = lower(word, &mut buffer);
        let lower = lower.as_deref().unwrap_or_default();
        let known = self.0.get(lower).copied().unwrap_or_default();
        if known != Word::default() || !lower.contains('-') {
            return known;
        }
        lower
            .split('-')
            .map(|part| self.0.get(part).copied().unwrap_or_default())
            .fold(Word::default(), |all, part| Word((all.0 | part.0) & !(Word::STOP | Word::ORGANISATION)))
    }
}

/// In lower case; ASCII words of a usual length without an allocation.
fn lower<'a>(word: &str, buffer: &'a mut [u8; 32]) -> Option<std::borrow::Cow<'a, str>> {
    if word.is_ascii() && word.len() <= buffer.len() {
        let bytes = &mut buffer[..word.len()];
        bytes.copy_from_slice(word.as_bytes());
        bytes.make_ascii_lowercase();
        return std::str::from_utf8(bytes).ok().map(Into::into);
    }
    Some(word.to_lowercase().replace('’', "'").into())
}

/// Fowler, Noll and Vo's hash, 1a: the keys are ours, so nobody can make them collide.
struct Fnv(u64);

impl Default for Fnv {
    fn default() -> Self {
        Self(0xCBF2_9CE4_8422_2325)
    }
}

impl Hasher for Fnv {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01B3);
        }
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_known_in_any_case() {
        let lexicon = Lexicon::shared();
        assert!(lexicon.look_up("Peter").is_given());
        assert!(lexicon.look_up("MÜLLER").is_family());
        assert!(lexicon.look_up("Anna-Lena").is_given());
        assert!(lexicon.look_up("Müller-Lüdenscheidt").is_family());
        assert!(!lexicon.look_up("Will").is_given() && lexicon.look_up("Will").may_be_given());
        assert!(lexicon.look_up("The").is_stop());
        assert!(!lexicon.look_up("Kubernetes").is_known());
    }
}
