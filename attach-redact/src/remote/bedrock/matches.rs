//! Values that were found without a place.

use std::collections::HashMap;

use aho_corasick::AhoCorasickBuilder;

use crate::recognizers::terms::is_whole;
use crate::{Entity, Fault, Finding, Inspection};

/// More values are not looked for.
const MOST: usize = 10_000;

/// More places are not taken down: values within values could have any number.
const PLACES: usize = 1_000_000;

/// Values, what each is, and how often it was mentioned.
#[derive(Default)]
pub(super) struct Matches(HashMap<(String, Entity), usize>);

/// Where a value stands in a text, and how well.
struct Place {
    text: usize,
    start: usize,
    end: usize,
    fit: Fit,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Fit {
    /// In another case.
    Loose,
    /// Within a word.
    Part,
    Whole,
}

impl Matches {
    pub(super) fn add(&mut self, value: String, entity: Entity) -> Result<(), Fault> {
        if value.is_empty() || self.0.len() >= MOST {
            return Err(Fault::new("the guardrail names nothing, or more than can be looked for"));
        }
        *self.0.entry((value, entity)).or_default() += 1;
        Ok(())
    }

    /// Puts down every place of every value in `texts`: as whole words, unless there are fewer than were mentioned.
    pub(super) fn find(self, texts: &[&str], seen: &mut Inspection) -> Result<(), Fault> {
        if self.0.is_empty() {
            return Ok(());
        }
        let values: Vec<((String, Entity), usize)> = self.0.into_iter().collect();
        for (((_, entity), mentioned), places) in values.iter().zip(places(texts, &values)?) {
            let least = [Fit::Whole, Fit::Part, Fit::Loose].into_iter().find(|fit| {
                let count = places.iter().filter(|place| place.fit >= *fit).count();
                count >= if *fit == Fit::Whole { *mentioned } else { 1 }
            });
            let least = least.ok_or_else(|| Fault::new("the guardrail found what is not in the text"))?;
            for place in places.iter().filter(|place| place.fit >= least) {
                seen.found(place.text, Finding::new(place.start..place.end, entity.clone(), 1.0));
            }
        }
        Ok(())
    }
}

/// Where each of `values` stands.
fn places(texts: &[&str], values: &[((String, Entity), usize)]) -> Result<Vec<Vec<Place>>, Fault> {
    let words = values.iter().map(|((value, _), _)| value);
    let search = AhoCorasickBuilder::new().ascii_case_insensitive(true).build(words);
    let search = search.map_err(|_| too_many())?;
    let mut places: Vec<Vec<Place>> = values.iter().map(|_| Vec::new()).collect();
    let mut left = PLACES;
    for (index, text) in texts.iter().enumerate() {
        for hit in search.find_overlapping_iter(text) {
            left = left.checked_sub(1).ok_or_else(too_many)?;
            let (start, end, which) = (hit.start(), hit.end(), hit.pattern().as_usize());
            let (Some(of), Some(((value, _), _))) = (places.get_mut(which), values.get(which)) else {
                continue;
            };
            let fit = match text.get(start..end) {
                Some(same) if same != value => Fit::Loose,
                Some(_) if is_whole(text, start, end) => Fit::Whole,
                _ => Fit::Part,
            };
            of.push(Place { text: index, start, end, fit });
        }
    }
    Ok(places)
}

fn too_many() -> Fault {
    Fault::new("the guardrail found more than can be looked for")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found<'t>(texts: &[&'t str], values: &[&str]) -> Option<Vec<(usize, &'t str)>> {
        let (mut matches, mut seen) = (Matches::default(), Inspection::new());
        values.iter().for_each(|value| matches.add((*value).to_owned(), Entity::Person).unwrap());
        matches.find(texts, &mut seen).ok()?;
        let mut found: Vec<_> = seen
            .findings()
            .iter()
            .map(|(text, finding)| (*text, &texts[*text][finding.range.clone()]))
            .collect();
        found.sort_unstable();
        Some(found)
    }

    #[test]
    fn every_whole_word_counts_in_every_text() {
        let texts = ["Zoë met Anna, Annabel and ANNA", "(Anna)"];
        assert_eq!(found(&texts, &["Anna", "Zoë"]).unwrap(), [(0, "Anna"), (0, "Zoë"), (1, "Anna")]);
    }

    #[test]
    fn a_value_that_is_only_part_of_a_word_or_in_another_case_is_found_all_the_same() {
        assert_eq!(found(&["Annas Haus"], &["Anna"]).unwrap(), [(0, "Anna")]);
        assert_eq!(found(&["Anna, Annas"], &["Anna", "Anna"]).unwrap(), [(0, "Anna"), (0, "Anna")]);
        assert_eq!(found(&["ANNA BERG"], &["Anna Berg"]).unwrap(), [(0, "ANNA BERG")]);
    }

    #[test]
    fn a_value_that_is_nowhere_or_everywhere_is_a_fault() {
        assert_eq!(found(&["Anna"], &["Berta"]), None);
        assert_eq!(found(&[&"a ".repeat(PLACES + 1)], &["a"]), None);
    }
}
