//! Somebody's own pattern, and the words that make its matches likelier.

use aho_corasick::AhoCorasick;

use super::context::{REACH, is_word};
use super::{Hits, Match, Pattern, floor};
use crate::budget::SEARCH;
use crate::recognizers::ids::named;
use crate::{Basis, Entity, Finding};

/// Words of one pattern, and bytes of one.
const MOST: usize = 200;
const LONGEST: usize = 64;

/// A pattern whose matches are an entity.
#[derive(Debug)]
pub(crate) struct Configured {
    pub(crate) entity: Entity,
    pattern: Pattern,
    /// How sure a match is, without a word.
    score: f32,
    words: Option<AhoCorasick>,
}

impl Configured {
    /// A pattern whose matches score 1.
    pub(crate) fn new(entity: Entity, regex: &str) -> Result<Self, Box<str>> {
        Ok(Self { entity, pattern: Pattern::foreign(regex)?, score: 1.0, words: None })
    }

    /// The pattern with what its matches score, more with one of `words` before them.
    pub(crate) fn scored(self, score: f32, words: &[String]) -> Result<Self, Box<str>> {
        if !(0.0..=1.0).contains(&score) {
            return Err(format!("its score {score} is not from 0 to 1").into());
        }
        if words.len() > MOST {
            return Err(format!("more than {MOST} words").into());
        }
        if !words.iter().all(|word| (2..=LONGEST).contains(&word.trim().len())) {
            return Err(format!("a word has 2 to {LONGEST} bytes").into());
        }
        if words.is_empty() {
            return Ok(Self { score, ..self });
        }
        let words = AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .build(words.iter().map(|word| word.trim()))
            .map_err(|error| error.to_string())?;
        Ok(Self { score, words: Some(words), ..self })
    }

    pub(super) fn scan(&self, hits: &mut Hits<'_>) {
        let text = hits.text;
        self.pattern.search(text, |found| {
            let (range, score) = match found {
                Match::At(range) => (range, self.score),
                Match::GivenUp => (0..text.len(), 1.0),
            };
            let is_named = self.is_named(text, range.start);
            let score = if is_named { named(score) } else { score };
            let basis = if is_named { Basis::NamingWord } else { Basis::Pattern };
            hits.push(Finding::new(range, self.entity.clone(), score).on(basis));
            !hits.is_late_after(SEARCH)
        });
    }

    /// Whether one of the words stands shortly before `at`.
    fn is_named(&self, text: &str, at: usize) -> bool {
        let from = floor(text, at.saturating_sub(REACH));
        let Some((words, before)) = self.words.as_ref().zip(text.get(from..at)) else { return false };
        words
            .find_overlapping_iter(before)
            .any(|found| is_word(text, from + found.start(), from + found.end()))
    }
}

#[cfg(test)]
mod tests {
    use crate::{Basis, Entity, Finding, Redactor};

    fn found(words: &[&str], text: &str) -> Vec<Finding> {
        let badge = Entity::custom("BADGE").unwrap();
        let builder = Redactor::builder().key(b"0123456789abcdef");
        builder
            .pattern_with(badge, "[A-Z]-[0-9]{4}", 0.2, words.iter().copied())
            .unwrap()
            .build()
            .unwrap()
            .find(text)
    }

    #[test]
    fn a_weak_pattern_counts_beside_one_of_its_words_only() {
        let words = ["employee", "badge no", "Straße"];
        for text in ["employee A-1234", "Badge No.: A-1234", "employeeId=A-1234", "in der Straße A-1234"] {
            let found = found(&words, text);
            assert_eq!(found.len(), 1, "{text}");
            assert_eq!((found[0].score, found[0].basis()), (0.55, Basis::NamingWord));
        }
        let far = format!("employee {} A-1234", "x".repeat(64));
        for text in ["A-1234", "employees A-1234", "A-1234 is an employee", "ü A-1234", &far] {
            assert!(found(&words, text).is_empty(), "{text}");
        }
        assert!(found(&[], "employee A-1234").is_empty());
    }

    #[test]
    fn a_score_that_suffices_needs_no_word() {
        let badge = Entity::custom("BADGE").unwrap();
        let redactor = Redactor::builder().pattern_with(badge, "[A-Z]-[0-9]{4}", 0.5, ["badge"]);
        let redactor = redactor.unwrap().build().unwrap();
        let scores: Vec<f32> =
            redactor.find("A-1234, and badge A-1234").iter().map(|one| one.score).collect();
        assert_eq!(scores, [0.5, 0.85]);
    }

    #[test]
    fn scores_and_words_that_make_no_sense_are_refused() {
        let said = |score: f32, words: &[&str]| {
            let badge = Entity::custom("BADGE").unwrap();
            Redactor::builder()
                .pattern_with(badge, "x", score, words.iter().copied())
                .expect_err("refused")
                .to_string()
        };
        assert!(said(1.1, &[]).contains("from 0 to 1"));
        assert!(said(f32::NAN, &[]).contains("from 0 to 1"));
        assert!(said(0.2, &["a"]).contains("2 to 64 bytes"));
        assert!(said(0.2, &["ab"; 201]).contains("more than 200"));
    }
}
