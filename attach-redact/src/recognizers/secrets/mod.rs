//! Keys and tokens by their documented shapes: most from a table, the rest by hand.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::engine::{Hits, is_ascii_word as is_key};
use crate::finding::Strength;
use crate::{Entity, Finding};

mod assigned;
mod authorization;
mod curl;
pub(crate) mod generic;
mod jwt;
mod kubernetes;
mod nuget;
mod pem;
mod random;
mod shape;
mod table;

pub(crate) use self::authorization::scan as scan_authorization;
pub(crate) use self::curl::scan as scan_curl_user;
pub(crate) use self::pem::scan as scan_pem;

#[derive(Debug)]
pub(crate) struct Secrets {
    rules: Vec<Rule>,
}

#[derive(Debug)]
enum Rule {
    Table(table::Rule),
    ByHand(Scan),
}

/// Looks at the place of a keyword.
type Scan = fn(&mut Hits<'_>, Range<usize>);

/// Which rules a keyword calls for.
pub(crate) type Keywords = BTreeMap<&'static str, Vec<usize>>;

/// What a table cannot say: the keywords, and what looks at the place of one.
const BY_HAND: [(&[&str], Scan); 6] = [
    (&[".ey"], jwt::scan),
    (&["--user="], |hits, word| curl::scan(hits, word.end)),
    (authorization::HEADERS, |hits, word| authorization::scan(hits, word.end)),
    (kubernetes::KINDS, kubernetes::scan),
    (nuget::KEYS, nuget::scan),
    (&["private-lines:"], pem::scan_putty),
];

impl Secrets {
    /// The rules, and which keyword calls for which.
    pub(crate) fn new() -> Result<(Self, Keywords), Box<str>> {
        let mut rules = Vec::new();
        let mut keywords = Keywords::new();
        for (words, rule) in table::rules()? {
            words.split(',').for_each(|word| keywords.entry(word).or_default().push(rules.len()));
            rules.push(Rule::Table(rule));
        }
        for (words, scan) in BY_HAND {
            words.iter().for_each(|word| keywords.entry(word).or_default().push(rules.len()));
            rules.push(Rule::ByHand(scan));
        }
        Ok((Self { rules }, keywords))
    }

    /// Applies rule `index` to its keyword at `word`.
    pub(crate) fn scan(&self, hits: &mut Hits<'_>, index: usize, word: Range<usize>) {
        if hits.is_secret(word.start) {
            return;
        }
        match self.rules.get(index) {
            Some(Rule::Table(rule)) => {
                if let Some(range) = rule.find(hits.text, &word) {
                    push(hits, range, 0.95);
                }
            }
            Some(Rule::ByHand(scan)) => scan(hits, word),
            None => {}
        }
    }
}

#[cfg(test)]
impl Secrets {
    /// Tries every shape that begins with its keyword at `at`, keyword or not.
    pub(crate) fn scan_everywhere(&self, hits: &mut Hits<'_>, at: usize) {
        for rule in &self.rules {
            if let Rule::Table(rule) = rule
                && rule.is_prefix()
                && let Some(range) = rule.find(hits.text, &(at..at))
            {
                push(hits, range, 0.95);
            }
        }
    }
}

/// Takes `range` down for a secret.
fn push(hits: &mut Hits<'_>, range: Range<usize>, score: f32) {
    hits.push_secret(Finding::strong(range, Entity::Secret, score, Strength::Prefix));
}

/// Whether a word may begin at `at`: no letter, digit or underscore goes before, unless it is that of an escape.
fn is_begun(text: &str, at: usize) -> bool {
    let escape = || {
        let before = text.as_bytes().get(at.saturating_sub(2)..at).unwrap_or_default();
        matches!(before, [b'\\', b'n' | b'r' | b't'])
    };
    !is_key(before(text, at)) || escape()
}

fn before(text: &str, at: usize) -> u8 {
    crate::engine::before(text.as_bytes(), at)
}

fn after(text: &str, at: usize) -> u8 {
    text.as_bytes().get(at).copied().unwrap_or(0)
}

#[cfg(test)]
mod tests;
