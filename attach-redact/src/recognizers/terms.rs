//! Exact words and phrases that somebody configured.

use aho_corasick::{AhoCorasick, AhoCorasickBuilder, AhoCorasickKind, MatchKind};

use crate::engine::Hits;
use crate::{Basis, ConfigError, Entity, Finding};

/// Terms, and bytes of one.
const MOST: usize = 200_000;
const LONGEST: usize = 1024;

#[derive(Debug)]
pub(crate) struct Terms {
    words: AhoCorasick,
    entity: Entity,
}

impl Terms {
    /// Whole words: in any ASCII case, and with other letters as written, in small letters, in capitals, or with a
    /// capital at the beginning of each word.
    pub(crate) fn new(entity: Entity, terms: &[String]) -> Result<Self, ConfigError> {
        let fault = |reason: &str| ConfigError::Terms(format!("{entity}: {reason}").into());
        if terms.len() > MOST {
            return Err(fault("more than 200000"));
        }
        if terms.iter().any(|term| term.trim().is_empty() || term.len() > LONGEST) {
            return Err(fault("a term is empty or longer than 1024 bytes"));
        }
        let mut builder = AhoCorasickBuilder::new();
        builder.ascii_case_insensitive(true).match_kind(MatchKind::Standard);
        if terms.len() > 2000 {
            builder.kind(Some(AhoCorasickKind::ContiguousNFA));
        }
        let terms = terms.iter().flat_map(|term| spellings(term));
        let words = builder.build(terms).map_err(|error| fault(&error.to_string()))?;
        Ok(Self { words, entity })
    }

    pub(crate) fn scan(&self, hits: &mut Hits<'_>) {
        let text = hits.text;
        for found in self.words.find_overlapping_iter(text) {
            if is_whole(text, found.start(), found.end()) {
                hits.push(Finding::new(found.range(), self.entity.clone(), 1.0).on(Basis::Term));
            }
            if hits.is_late_after(1) {
                return;
            }
        }
    }
}

/// The automaton knows the case of ASCII letters alone.
fn spellings(term: &str) -> Vec<String> {
    let mut all = vec![term.to_owned()];
    if !term.is_ascii() {
        for spelling in [term.to_lowercase(), term.to_uppercase(), capitalised(term)] {
            if !all.contains(&spelling) {
                all.push(spelling);
            }
        }
    }
    all
}

/// Every word with a capital at its beginning, the rest in small letters.
fn capitalised(term: &str) -> String {
    let mut inside = false;
    let mut out = String::with_capacity(term.len());
    for c in term.chars() {
        if inside {
            out.extend(c.to_lowercase());
        } else {
            out.extend(c.to_uppercase());
        }
        inside = c.is_alphanumeric();
    }
    out
}

/// Whether no word goes on across either end.
pub(crate) fn is_whole(text: &str, start: usize, end: usize) -> bool {
    let inner = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    let (before, after) = (text[..start].chars().next_back(), text[end..].chars().next());
    let (first, last) = (text[start..].chars().next(), text[..end].chars().next_back());
    !(inner(before) && inner(first) || inner(after) && inner(last))
}
