//! Words before a finding that make it likelier.

use std::ops::Range;

use crate::Entity;

/// How far back a word counts, in bytes.
pub(super) const REACH: usize = 64;

/// What a word says about a number after it: that it is an entity, or the version of a program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Topic(u8);

/// Several topics.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Topics(u128);

// The last bit is for versions.
const _: () = assert!(Entity::BUILT_IN.len() < 128);

impl Topic {
    pub(crate) const VERSION: Self = Self(127);

    /// The topic of a built-in entity.
    pub(crate) fn of(entity: &Entity) -> Option<Self> {
        entity.index().and_then(|index| u8::try_from(index).ok()).map(Self)
    }
}

impl Topics {
    fn insert(&mut self, topic: Topic) {
        self.0 |= 1 << topic.0;
    }

    /// The topics of `entities`, as far as they are built in.
    pub(crate) fn of<'e>(entities: impl IntoIterator<Item = &'e Entity>) -> Self {
        let mut topics = Self::default();
        entities.into_iter().filter_map(Topic::of).for_each(|topic| topics.insert(topic));
        topics
    }

    pub(crate) fn contains(self, entity: &Entity) -> bool {
        Topic::of(entity).is_some_and(|topic| self.0 >> topic.0 & 1 == 1)
    }

    pub(crate) fn meet(self, others: Self) -> bool {
        self.0 & others.0 != 0
    }
}

/// The words that the recognizers without tables have.
pub(super) const WORDS: [(Option<Entity>, &[&str]); 5] = [
    (
        Some(Entity::Phone),
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
        Some(Entity::CreditCard),
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
    (Some(Entity::UsSsn), &["ssn", "ssns", "social security", "social sec", "ss#", "ssid"]),
    (
        Some(Entity::Crypto),
        &["wallet", "wallets", "ethereum", "eth", "ether", "erc20", "erc-20", "usdt", "usdc", "crypto"],
    ),
    (None, &["version", "versions", "release", "build", "v"]),
];

/// Where the words stand in one text, in order of their ends.
#[derive(Debug, Default)]
pub(crate) struct Places(Vec<(usize, usize, Topic)>);

impl Places {
    /// Takes down a word at `range`, if it is one.
    pub(super) fn push(&mut self, text: &str, range: Range<usize>, topics: &[Topic]) {
        if is_word(text, range.start, range.end) {
            self.0.extend(topics.iter().map(|topic| (range.start, range.end, *topic)));
        }
    }

    /// Whether a word of `topic` stands shortly before `at`, in the same clause.
    pub(crate) fn precede(&self, text: &str, at: usize, topic: Topic) -> bool {
        self.before(at).any(|(_, end, found)| found == topic && text.get(end..at).is_some_and(is_one_clause))
    }

    /// Whether a word of `topic` stands shortly before `at`, be it in the sentence before.
    pub(crate) fn are_near(&self, at: usize, topic: Topic) -> bool {
        self.before(at).any(|(.., found)| found == topic)
    }

    /// What is talked of in `window` and shortly before it.
    pub(crate) fn topics(&self, window: &Range<usize>) -> Topics {
        let mut topics = Topics::default();
        let near = self.0.iter().rev().skip_while(|(_, end, _)| *end > window.end);
        let near = near.take_while(|(_, end, _)| end + REACH >= window.start);
        near.for_each(|(.., topic)| topics.insert(*topic));
        topics
    }

    /// The words shortly before `at`, the nearest first.
    fn before(&self, at: usize) -> impl Iterator<Item = (usize, usize, Topic)> {
        let until = self.0.partition_point(|(_, end, _)| *end <= at);
        let near = self.0[..until].iter().rev().take_while(move |(_, end, _)| end + REACH >= at);
        near.filter(move |(start, ..)| start + REACH >= at).copied()
    }
}

/// Whether a word stands for itself: no letter goes on before or after, and no digit before. A capital letter begins
/// a word of its own, as in `phoneNumber`.
pub(super) fn is_word(text: &str, start: usize, end: usize) -> bool {
    let (before, after) = (text[..start].chars().next_back(), text[end..].chars().next());
    let (first, last) = (text[start..].chars().next(), text[..end].chars().next_back());
    let humps = |left: Option<char>, right: Option<char>| {
        left.is_some_and(char::is_lowercase) && right.is_some_and(char::is_uppercase)
    };
    // Scripts without capital letters join words and particles.
    let joins =
        |end: Option<char>| end.is_some_and(|c| c > '\u{7f}' && !c.is_lowercase() && !c.is_uppercase());
    (!before.is_some_and(char::is_alphanumeric) || humps(before, first) || joins(first))
        && (!after.is_some_and(char::is_alphabetic) || humps(last, after) || joins(last))
}

fn is_one_clause(between: &str) -> bool {
    !["\n\n", ". ", "? ", "! ", "; "].iter().any(|end| between.contains(end))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(text: &str) -> bool {
        let phone = Topic::of(&Entity::Phone).expect("is built in");
        let mut places = Places::default();
        for (at, _) in text.to_lowercase().match_indices("phone") {
            places.push(text, at..at + 5, &[phone]);
        }
        places.precede(text, text.len(), phone)
    }

    #[test]
    fn a_word_counts_within_its_clause() {
        assert!(seen("my Phone: "));
        assert!(seen("phone_number="));
        assert!(seen("phoneNumber: "));
        assert!(seen("homePhone: "));
        assert!(seen("Phone:\n"));
        assert!(!seen("I have a phone. The order is "));
        assert!(!seen("the microphone is "));
        assert!(!seen("phone and then a lot of other words that say something about nothing much "));
    }
}
