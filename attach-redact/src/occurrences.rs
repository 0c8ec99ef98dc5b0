//! Names that were found, wherever else they stand.

use std::convert::Infallible;
use std::ops::Range;

use aho_corasick::AhoCorasick;
use memchr::memmem::Finder;

use crate::engine::{Reads, find_in_all};
use crate::recognizers::terms::is_whole;
use crate::{Basis, Entity, Finding};

/// As many names as are looked for one by one.
const FEW: usize = 8;

/// A search for names as whole words, in the case they have.
pub(crate) enum Occurrences {
    /// So few that going through a text for each costs less than building an automaton.
    Few(Vec<Finder<'static>>),
    Many(AhoCorasick),
    /// More names than can be searched for at once: every text is taken for one.
    TooMany,
    None,
}

impl Occurrences {
    pub(crate) fn of<'n>(names: impl IntoIterator<Item = &'n String>) -> Self {
        let names: Vec<&String> = names.into_iter().collect();
        match names.len() {
            0 => Self::None,
            1..=FEW => Self::Few(names.iter().map(|name| Finder::new(name.as_str()).into_owned()).collect()),
            _ => AhoCorasick::new(names).map_or(Self::TooMany, Self::Many),
        }
    }

    /// Where the names stand in `text`, whoever `reads` it.
    pub(crate) fn find(&self, text: &str, reads: Reads) -> Vec<Finding> {
        if matches!(self, Self::None) {
            return Vec::new();
        }
        let Ok(found) = find_in_all(text, reads, |text| Ok::<_, Infallible>(self.find_in(text)));
        found
    }

    fn find_in(&self, text: &str) -> Vec<Finding> {
        let whole = |range: Range<usize>| {
            is_whole(text, range.start, range.end)
                .then(|| Finding::new(range, Entity::Person, 0.8).on(Basis::Occurrence))
        };
        match self {
            Self::None => Vec::new(),
            Self::TooMany => vec![Finding::new(0..text.len(), Entity::Person, 1.0)],
            Self::Few(names) => {
                names.iter().flat_map(|name| places(name, text.as_bytes())).filter_map(whole).collect()
            }
            Self::Many(names) => {
                names.find_overlapping_iter(text).filter_map(|found| whole(found.range())).collect()
            }
        }
    }
}

/// Everywhere that `name` stands, overlapping.
fn places(name: &Finder<'_>, text: &[u8]) -> impl Iterator<Item = Range<usize>> {
    let (mut from, length) = (0, name.needle().len());
    std::iter::from_fn(move || {
        let at = from + name.find(text.get(from..)?)?;
        from = at + 1;
        Some(at..at + length)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_words_in_their_case_count() {
        let names = ["Anna".to_owned(), "Anna Berg".to_owned()];
        let found = Occurrences::of(&names).find("Anna Berg, anna, Annabel, (Anna)", Reads::Text);
        let ranges: Vec<_> = found.into_iter().map(|finding| finding.range).collect();
        assert_eq!(ranges, [0..4, 27..31, 0..9]);
        let more: Vec<String> = names.into_iter().chain((0..FEW).map(|n| format!("Name{n}"))).collect();
        let found = Occurrences::of(&more).find("Anna Berg, anna, Annabel, (Anna)", Reads::Text);
        assert_eq!(found.len(), 3);
    }
}
