//! Words before a finding that make it likelier.

use aho_corasick::{AhoCorasick, AhoCorasickBuilder, AhoCorasickKind, MatchKind};

/// How far back a word counts.
const REACH: usize = 64;

/// What a word says about a number after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Topic {
    Phone,
    Card,
    Ssn,
    Version,
}

const WORDS: [(Topic, &[&str]); 4] = [
    (
        Topic::Phone,
        &[
            "phone",
            "phones",
            "telephone",
            "tel",
            "mobile",
            "cell",
            "cellphone",
            "cellular",
            "fax",
            "landline",
            "hotline",
            "whatsapp",
            "sms",
            "voicemail",
            "dial",
            "call me",
            "call us",
            "call him",
            "call her",
            "call them",
            "call on",
            "call at",
            "me at",
            "me on",
            "ring",
            "text me",
            "reach me",
            "reached at",
            "contact number",
            "desk",
            "pager",
            "telefon",
            "handy",
            "mobil",
            "rufnummer",
            "téléphone",
            "portable",
            "móvil",
            "teléfono",
            "cellulare",
        ],
    ),
    (
        Topic::Card,
        &[
            "card",
            "cards",
            "credit",
            "debit",
            "cc",
            "visa",
            "mastercard",
            "amex",
            "maestro",
            "diners",
            "pan",
            "karte",
        ],
    ),
    (Topic::Ssn, &["ssn", "ssns", "social security", "social sec", "ss#"]),
    (Topic::Version, &["version", "versions", "release", "build", "v"]),
];

/// All words of all topics.
#[derive(Debug)]
pub(crate) struct Words {
    words: AhoCorasick,
    topics: Vec<Topic>,
}

/// Where the words stand in one text.
#[derive(Debug)]
pub(crate) struct Places(Vec<(usize, usize, Topic)>);

impl Words {
    pub(crate) fn new() -> Result<Self, Box<str>> {
        let all = WORDS.iter().flat_map(|(topic, words)| words.iter().map(move |word| (word, *topic)));
        let (words, topics): (Vec<&str>, Vec<_>) = all.map(|(word, topic)| (*word, topic)).unzip();
        let words = AhoCorasickBuilder::new()
            .ascii_case_insensitive(true)
            .match_kind(MatchKind::Standard)
            .kind(Some(AhoCorasickKind::DFA))
            .build(words)
            .map_err(|error| error.to_string())?;
        Ok(Self { words, topics })
    }

    pub(crate) fn places(&self, text: &str) -> Places {
        let found = self.words.find_overlapping_iter(text).filter_map(|found| {
            let topic = *self.topics.get(found.pattern().as_usize())?;
            is_word(text, found.start(), found.end()).then_some((found.start(), found.end(), topic))
        });
        Places(found.collect())
    }
}

/// Whether no letter goes on before or after, and no digit before.
fn is_word(text: &str, start: usize, end: usize) -> bool {
    let before = text[..start].chars().next_back();
    let after = text[end..].chars().next();
    !before.is_some_and(char::is_alphanumeric) && !after.is_some_and(char::is_alphabetic)
}

impl Places {
    /// Whether a word of `topic` stands shortly before `at`, in the same clause.
    pub(crate) fn precede(&self, text: &str, at: usize, topic: Topic) -> bool {
        self.before(at, topic).any(|end| text.get(end..at).is_some_and(is_one_clause))
    }

    /// Whether a word of `topic` stands shortly before `at`, be it in the sentence before.
    pub(crate) fn are_near(&self, at: usize, topic: Topic) -> bool {
        self.before(at, topic).next().is_some()
    }

    /// The ends of the words of `topic` shortly before `at`, the nearest first.
    fn before(&self, at: usize, topic: Topic) -> impl Iterator<Item = usize> {
        let until = self.0.partition_point(|(_, end, _)| *end <= at);
        let near = self.0[..until].iter().rev().take_while(move |(_, end, _)| end + REACH >= at);
        near.filter(move |(start, _, found)| *found == topic && start + REACH >= at).map(|(_, end, _)| *end)
    }
}

fn is_one_clause(between: &str) -> bool {
    !["\n\n", ". ", "? ", "! ", "; "].iter().any(|end| between.contains(end))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(text: &str) -> bool {
        Words::new().expect("builds").places(text).precede(text, text.len(), Topic::Phone)
    }

    #[test]
    fn a_word_counts_within_its_clause() {
        assert!(seen("my Phone: "));
        assert!(seen("phone_number="));
        assert!(seen("Phone:\n"));
        assert!(seen("please call me on "));
        assert!(!seen("I have a phone. The order is "));
        assert!(!seen("the microphone is "));
        assert!(!seen("phone and then a lot of other words that say something about nothing much "));
    }
}
