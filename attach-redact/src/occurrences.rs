//! Names that were found, wherever else they stand.

use std::ops::Range;

use aho_corasick::AhoCorasick;

use crate::recognizers::terms::is_whole;
use crate::{Basis, Entity, Finding};

/// A search for names as whole words, in the case they have.
pub(crate) enum Occurrences {
    Any(AhoCorasick),
    /// More names than can be searched for at once: every text is taken for one.
    TooMany,
    None,
}

impl Occurrences {
    pub(crate) fn of<'n>(names: impl IntoIterator<Item = &'n String>) -> Self {
        let names: Vec<&String> = names.into_iter().collect();
        if names.is_empty() {
            return Self::None;
        }
        AhoCorasick::new(names).map_or(Self::TooMany, Self::Any)
    }

    /// Where the names stand in `text`.
    pub(crate) fn find(&self, text: &str) -> Vec<Finding> {
        let whole = |range: Range<usize>| {
            is_whole(text, range.start, range.end)
                .then(|| Finding::new(range, Entity::Person, 0.8).on(Basis::Occurrence))
        };
        match self {
            Self::None => Vec::new(),
            Self::TooMany => vec![Finding::new(0..text.len(), Entity::Person, 1.0)],
            Self::Any(names) => {
                names.find_overlapping_iter(text).filter_map(|found| whole(found.range())).collect()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_words_in_their_case_count() {
        let names = ["Anna".to_owned(), "Anna Berg".to_owned()];
        let found = Occurrences::of(&names).find("Anna Berg, anna, Annabel, (Anna)");
        let ranges: Vec<_> = found.into_iter().map(|finding| finding.range).collect();
        assert_eq!(ranges, [0..4, 0..9, 27..31]);
    }
}
