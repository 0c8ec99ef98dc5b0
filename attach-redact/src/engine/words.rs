//! All words that lead somewhere, in one automaton.

use std::collections::BTreeMap;

use aho_corasick::automaton::{Automaton, StateID};
use aho_corasick::dfa::DFA;
use aho_corasick::{Anchored, MatchKind};

use super::context::{Topic, WORDS};
use crate::Entity;
use crate::recognizers::extras::Extras;
use crate::recognizers::ids::Ids;
use crate::recognizers::secrets::Keywords;
use crate::recognizers::secrets::generic::KEYWORDS;
use crate::recognizers::spelled::{self, Sign};

/// What a word may be the beginning of.
#[derive(Debug, Clone)]
pub(super) enum Lead {
    Url,
    /// The sign of an e-mail address or a dot in one, escaped or spelled out.
    Spelled(Sign),
    Password,
    Authorization,
    CurlUser,
    Pem,
    Bech32,
    Ethereum,
    Name,
    /// What may be a placeholder already.
    Placeholder,
    Secrets(Box<[usize]>),
    /// It may be the name of something that a random value is assigned to.
    GenericSecret,
    /// It says what a number after it is.
    Context(Box<[Topic]>),
}

/// The words that need no table.
const LEADS: [(&str, Lead); 17] = [
    ("pii_", Lead::Placeholder),
    ("hash_", Lead::Placeholder),
    ("://", Lead::Url),
    ("password=", Lead::Password),
    ("pwd=", Lead::Password),
    ("bearer ", Lead::Authorization),
    ("authorization: basic ", Lead::Authorization),
    ("apikey: ", Lead::Authorization),
    ("api-key: ", Lead::Authorization),
    ("-token: ", Lead::Authorization),
    (" -u ", Lead::CurlUser),
    ("--user ", Lead::CurlUser),
    ("-----begin ", Lead::Pem),
    ("bc1", Lead::Bech32),
    ("ltc1", Lead::Bech32),
    ("0x", Lead::Ethereum),
    ("name is ", Lead::Name),
];

/// Searches for all words at once, a byte at a time, so that others can look at the same byte.
pub(super) struct Words {
    automaton: DFA,
    start: StateID,
    leads: Vec<Lead>,
}

/// How far a search is.
#[derive(Clone, Copy)]
pub(super) struct Cursor(StateID);

impl Words {
    /// The words of `keywords`, those that say what a number is, those of generic secrets if `generic`, and the fixed
    /// ones.
    pub(super) fn new(
        keywords: Keywords,
        context: BTreeMap<&str, Vec<Topic>>,
        generic: bool,
    ) -> Result<Self, Box<str>> {
        let secret = keywords.into_iter().map(|(word, rules)| (word, Lead::Secrets(rules.into())));
        let context = context.into_iter().map(|(word, topics)| (word, Lead::Context(topics.into())));
        let generic = KEYWORDS.into_iter().filter(|_| generic).map(|word| (word, Lead::GenericSecret));
        let spelled = spelled::words().map(|(word, sign)| (word, Lead::Spelled(sign)));
        let all = LEADS.into_iter().chain(spelled).chain(secret).chain(generic).chain(context);
        let (words, leads): (Vec<&str>, Vec<Lead>) = all.unzip();
        let automaton = DFA::builder()
            .ascii_case_insensitive(true)
            .match_kind(MatchKind::Standard)
            .prefilter(false)
            .build(words)
            .map_err(|error| error.to_string())?;
        let start = automaton.start_state(Anchored::No).map_err(|error| error.to_string())?;
        Ok(Self { automaton, start, leads })
    }

    pub(super) fn start(&self) -> Cursor {
        Cursor(self.start)
    }

    /// Reads `text` from `at` on up to the next byte that has a class or ends a word; gives where that is.
    ///
    /// This is the loop that every byte goes through, so nothing else is in it.
    #[inline(never)]
    pub(super) fn skip(&self, cursor: Cursor, text: &[u8], at: usize, class: &[u8; 256]) -> (Cursor, usize) {
        let mut state = cursor.0;
        let rest = text.get(at..).unwrap_or_default();
        for (read, &byte) in rest.iter().enumerate() {
            state = self.automaton.next_state(Anchored::No, state, byte);
            if class[usize::from(byte)] != 0 || self.automaton.is_special(state) {
                return (Cursor(state), at + read);
            }
        }
        (Cursor(state), text.len())
    }

    /// How many words `text` has: the search alone, to compare all the rest with.
    pub(super) fn count(&self, text: &[u8]) -> usize {
        let (mut state, mut count) = (self.start, 0);
        for &byte in text {
            state = self.automaton.next_state(Anchored::No, state, byte);
            if self.automaton.is_special(state) && self.automaton.is_match(state) {
                count += 1;
            }
        }
        count
    }

    /// The words that end here: their lengths, and what they lead to.
    pub(super) fn ending(&self, cursor: Cursor) -> impl Iterator<Item = (usize, &Lead)> {
        let words = if self.automaton.is_match(cursor.0) { self.automaton.match_len(cursor.0) } else { 0 };
        (0..words).filter_map(move |index| {
            let word = self.automaton.match_pattern(cursor.0, index);
            Some((self.automaton.pattern_len(word), self.leads.get(word.as_usize())?))
        })
    }

    pub(super) fn len(&self) -> usize {
        self.leads.len()
    }
}

/// Every word that says what a number is, with all it may say.
pub(super) fn topics<'w>(
    ids: &Ids,
    extras: &Extras,
    more: &'w [(Entity, String)],
) -> BTreeMap<&'w str, Vec<Topic>> {
    let fixed = WORDS.iter().flat_map(|(entity, words)| {
        let topic = entity.as_ref().map_or(Some(Topic::VERSION), Topic::of);
        words.iter().filter_map(move |word| Some((*word, topic?)))
    });
    let tables = ids.words().chain(extras.words());
    let tables = tables.filter_map(|(word, entity)| Some((word, Topic::of(entity)?)));
    let more = more.iter().filter_map(|(entity, word)| Some((word.as_str(), Topic::of(entity)?)));
    let named = tables.chain(more);
    let mut all: BTreeMap<&str, Vec<Topic>> = BTreeMap::new();
    for (word, topic) in fixed.chain(named) {
        let topics = all.entry(word).or_default();
        if !topics.contains(&topic) {
            topics.push(topic);
        }
    }
    all
}
