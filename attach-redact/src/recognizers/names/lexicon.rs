//! The word lists: who is called so, which capitalised words are no names, and which words tell of people.

use std::sync::OnceLock;

use super::breaks::Breaks;
use super::fold::{Folded, LONGEST, fold};

const LISTS: [(&str, u32, u32); 14] = [
    (include_str!("given.txt"), Word::GIVEN, Word::WEAK_GIVEN),
    (include_str!("family.txt"), Word::FAMILY, Word::WEAK_FAMILY),
    (include_str!("stop.txt"), Word::STOP, Word::STOP),
    (super::words::ORGANISATION, Word::ORGANISATION, Word::ORGANISATION),
    (super::words::PLACE, Word::PLACE, Word::PLACE),
    (super::words::TITLE, Word::TITLE | Word::STOP, Word::TITLE),
    (super::words::INTRODUCTION, Word::INTRODUCTION, Word::INTRODUCTION),
    (super::words::PERSON, Word::PERSON, Word::PERSON),
    (super::words::SPEECH, Word::SPEECH, Word::SPEECH),
    (super::words::WEAK, Word::WEAK, Word::WEAK),
    (super::words::LABEL, Word::LABEL, Word::LABEL),
    (super::words::HUMAN, Word::HUMAN, Word::HUMAN),
    (super::words::OWNED, Word::OWNED, Word::OWNED),
    (super::words::PLURAL, Word::PLURAL, Word::PLURAL),
];

/// What is known of a word.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Word(u32);

impl Word {
    const GIVEN: u32 = 1;
    const FAMILY: u32 = 1 << 1;
    const WEAK_GIVEN: u32 = 1 << 2;
    const WEAK_FAMILY: u32 = 1 << 3;
    const STOP: u32 = 1 << 4;
    const ORGANISATION: u32 = 1 << 5;
    const PLACE: u32 = 1 << 6;
    /// Before a name and of it: `Mrs`.
    pub(super) const TITLE: u32 = 1 << 7;
    /// Only before a name: `Dear`.
    pub(super) const INTRODUCTION: u32 = 1 << 8;
    /// People are called so: `wife`, `founders`.
    pub(super) const PERSON: u32 = 1 << 9;
    /// `said`
    pub(super) const SPEECH: u32 = 1 << 10;
    /// Before names more often than before other things: `by`.
    pub(super) const WEAK: u32 = 1 << 11;
    /// The label of a field with a name in it: `Vorname`.
    pub(super) const LABEL: u32 = 1 << 12;
    /// What only people do: `married`.
    pub(super) const HUMAN: u32 = 1 << 13;
    /// What only people have: `daughter`, `birthday`.
    pub(super) const OWNED: u32 = 1 << 14;
    /// What several people do or are: `were`.
    pub(super) const PLURAL: u32 = 1 << 15;
    const KNOWN: u32 = Self::GIVEN | Self::FAMILY | Self::WEAK_GIVEN | Self::WEAK_FAMILY;
    /// What is said of a name of two parts.
    const OF_PARTS: u32 = Self::KNOWN;

    pub(super) const NONE: Self = Self(0);

    pub(super) fn is(self, flags: u32) -> bool {
        self.0 & flags != 0
    }

    /// A given name and nothing else.
    pub(super) fn is_given(self) -> bool {
        self.is(Self::GIVEN) && !self.is(Self::STOP)
    }

    /// A family name and nothing else.
    pub(super) fn is_family(self) -> bool {
        self.is(Self::FAMILY) && !self.is(Self::STOP)
    }

    /// A given name, possibly something else as well.
    pub(super) fn may_be_given(self) -> bool {
        self.is(Self::GIVEN | Self::WEAK_GIVEN)
    }

    /// A family name, possibly something else as well.
    pub(super) fn may_be_family(self) -> bool {
        self.is(Self::FAMILY | Self::WEAK_FAMILY)
    }

    pub(super) fn is_stop(self) -> bool {
        self.is(Self::STOP)
    }

    /// In a list of names, however weakly.
    pub(super) fn is_known(self) -> bool {
        self.is(Self::KNOWN)
    }

    pub(super) fn makes_organisation(self) -> bool {
        self.is(Self::ORGANISATION)
    }

    /// Leads the name of a place: `San`, `rue`.
    pub(super) fn leads_place(self) -> bool {
        self.is(Self::PLACE)
    }

    /// No name goes across it.
    pub(super) fn is_break(self) -> bool {
        self.is(Self::STOP | Self::ORGANISATION | Self::PLACE) && !self.is_known()
    }
}

/// A table with open addressing: a slot holds half a hash and the number of an entry.
#[derive(Debug)]
pub(super) struct Lexicon {
    slots: Box<[u32]>,
    entries: Vec<(u32, u8, Word)>,
    letters: String,
    breaks: Breaks,
}

static LEXICON: OnceLock<Lexicon> = OnceLock::new();

/// A power of two, more than twice the number of words.
const SLOTS: usize = 1 << 16;

impl Lexicon {
    /// The one there is.
    pub(super) fn shared() -> &'static Self {
        LEXICON.get_or_init(Self::load)
    }

    fn load() -> Self {
        let mut lexicon = Self {
            slots: vec![0; SLOTS].into(),
            entries: Vec::new(),
            letters: String::new(),
            breaks: Breaks::new(std::iter::empty()),
        };
        for (list, strong, weak) in LISTS {
            let lines = list.lines().filter(|line| !line.starts_with('#'));
            for word in lines.flat_map(str::split_whitespace) {
                let (word, flags) = word.strip_suffix('?').map_or((word, strong), |word| (word, weak));
                lexicon.add(word, flags);
            }
        }
        let breaking = (0..lexicon.entries.len())
            .filter(|entry| lexicon.entries.get(*entry).is_some_and(|(.., word)| word.is_break()));
        lexicon.breaks = Breaks::new(breaking.filter_map(|entry| lexicon.letters_of(entry)));
        lexicon
    }

    /// Short words that no name goes across.
    pub(super) fn breaks(&self) -> &Breaks {
        &self.breaks
    }

    fn add(&mut self, word: &str, flags: u32) {
        let mut buffer = [0; LONGEST];
        let Some(word) = fold(word, &mut buffer) else { return };
        match self.find(word) {
            Ok(entry) => {
                if let Some(entry) = self.entries.get_mut(entry) {
                    entry.2.0 |= flags;
                }
            }
            Err(slot) => {
                self.entries.push((self.letters.len() as u32, word.text.len() as u8, Word(flags)));
                self.letters.push_str(word.text);
                if let Some(slot) = self.slots.get_mut(slot) {
                    *slot = mark(word.hash) | self.entries.len() as u32;
                }
            }
        }
    }

    /// The number of the entry of `word`, or else the slot for it.
    fn find(&self, word: Folded<'_>) -> Result<usize, usize> {
        let mut at = word.hash as usize % SLOTS;
        loop {
            let slot = self.slots.get(at).copied().unwrap_or_default();
            let Some(entry) = (slot as u16 as usize).checked_sub(1) else { return Err(at) };
            if mark(slot) == mark(word.hash) && self.letters_of(entry) == Some(word.text) {
                return Ok(entry);
            }
            at = (at + 1) % SLOTS;
        }
    }

    fn letters_of(&self, entry: usize) -> Option<&str> {
        let (start, length, _) = *self.entries.get(entry)?;
        self.letters.get(start as usize..start as usize + usize::from(length))
    }

    /// What is known of `word`, whatever its case and accents; of its parts if it is hyphenated.
    pub(super) fn look_up(&self, word: &str) -> Word {
        let mut buffer = [0; LONGEST];
        let Some(folded) = fold(word, &mut buffer) else { return Word::default() };
        if let Ok(entry) = self.find(folded) {
            return self.entries.get(entry).map(|entry| entry.2).unwrap_or_default();
        }
        if !folded.text.contains('-') {
            return Word::default();
        }
        word.split('-').fold(Word::default(), |all, part| {
            let part = fold(part, &mut buffer).and_then(|part| self.find(part).ok());
            let part = part.and_then(|part| self.entries.get(part)).map(|entry| entry.2).unwrap_or_default();
            Word((all.0 | part.0) & Word::OF_PARTS)
        })
    }
}

/// The half of a hash that a slot keeps.
const fn mark(hash: u32) -> u32 {
    hash & 0xFFFF_0000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_known_in_any_case_and_without_its_accents() {
        let lexicon = Lexicon::shared();
        assert!(lexicon.look_up("Peter").is_given());
        assert!(lexicon.look_up("MÜLLER").is_family());
        assert!(lexicon.look_up("Sjoberg").is_family() && lexicon.look_up("Sjöberg").is_family());
        assert!(lexicon.look_up("Anna-Lena").is_given());
        assert!(lexicon.look_up("Müller-Lüdenscheidt").is_family());
        assert!(!lexicon.look_up("Will").is_given() && lexicon.look_up("Will").may_be_given());
        assert!(lexicon.look_up("The").is_stop());
        assert!(!lexicon.look_up("Kubernetes").is_known());
    }

    #[test]
    fn the_lists_fit_the_table_and_their_bound() {
        let lexicon = Lexicon::shared();
        assert!(lexicon.entries.len() * 2 < SLOTS, "{} words", lexicon.entries.len());
        assert!(LISTS.iter().map(|(list, ..)| list.len()).sum::<usize>() < 250_000);
    }
}
