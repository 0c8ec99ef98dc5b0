//! The classes of characters that BERT's tokenizers ask for.

use std::cmp::Ordering;

use regex_syntax::hir::{Class as HirClass, HirKind};

/// General categories of the Unicode Standard (§4.5), by their ranges.
#[derive(Debug)]
pub(super) struct Classes {
    other: Ranges,
    punctuation: Ranges,
    nonspacing: Ranges,
}

type Ranges = Box<[(char, char)]>;

impl Classes {
    pub(super) fn new() -> Option<Self> {
        Some(Self {
            other: ranges(r"\p{C}")?,
            punctuation: ranges(r"\p{P}")?,
            nonspacing: ranges(r"\p{Mn}")?,
        })
    }

    /// Control and format characters, private and unassigned ones.
    pub(super) fn is_other(&self, c: char) -> bool {
        has(&self.other, c)
    }

    /// What always is a word of its own: punctuation, and every sign of ASCII.
    pub(super) fn is_punctuation(&self, c: char) -> bool {
        c.is_ascii_punctuation() || (!c.is_ascii() && has(&self.punctuation, c))
    }

    /// Accents and other marks that take no room.
    pub(super) fn is_nonspacing(&self, c: char) -> bool {
        !c.is_ascii() && has(&self.nonspacing, c)
    }
}

/// Ideographs, each of which is a word; the blocks that BERT's own code lists.
pub(super) fn is_ideograph(c: char) -> bool {
    matches!(
        c,
        '\u{3400}'..='\u{4DBF}'
            | '\u{4E00}'..='\u{9FFF}'
            | '\u{F900}'..='\u{FAFF}'
            | '\u{20000}'..='\u{2A6DF}'
            | '\u{2A700}'..='\u{2CEAF}'
            | '\u{2F800}'..='\u{2FA1F}'
    )
}

fn ranges(class: &str) -> Option<Ranges> {
    match regex_syntax::parse(class).ok()?.into_kind() {
        HirKind::Class(HirClass::Unicode(class)) => {
            Some(class.iter().map(|range| (range.start(), range.end())).collect())
        }
        _ => None,
    }
}

fn has(ranges: &[(char, char)], c: char) -> bool {
    let place = |(start, end): &(char, char)| {
        if *end < c {
            Ordering::Less
        } else if *start > c {
            Ordering::Greater
        } else {
            Ordering::Equal
        }
    };
    ranges.binary_search_by(place).is_ok()
}
