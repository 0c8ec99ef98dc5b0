//! The engine: one pass over the bytes, one over the words, bounded windows, patterns, check digits, context.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::ops::Range;

mod charset;
mod code;
mod configured;
mod context;
mod exempt;
mod hits;
mod opened;
mod pass;
mod pattern;
mod shadow;
mod window;
mod words;

pub(crate) use self::charset::CharSet;
pub(crate) use self::configured::Configured;
pub(crate) use self::context::Topics;
pub(crate) use self::exempt::Exempt;
pub(crate) use self::hits::Hits;
pub(crate) use self::opened::{Readings, Reads, find_in_all};
pub(crate) use self::pattern::{Match, Pattern, ceil, floor};
pub(crate) use self::window::{Shape, before, is_ascii_word, is_emphasis, is_word};

use self::shadow::Shadow;
use self::words::{Lead, Words, topics};
use crate::budget::{Deadline, SEARCH};
use crate::entity::EntitySet;
use crate::recognizers::extras::Extras;
use crate::recognizers::ids::Ids;
use crate::recognizers::ip::Addresses;
use crate::recognizers::names::Names;
use crate::recognizers::phone::Phones;
use crate::recognizers::secrets::{self, Secrets};
use crate::recognizers::terms::Terms;
use crate::recognizers::{crypto, spelled, url};
use crate::{Basis, ConfigError, Detection, Entity, Fault, Finding, Recognize};

/// What the engine is made of, as configured.
#[derive(Default)]
pub(crate) struct Parts {
    /// What is not looked for.
    pub(crate) off: HashSet<Entity>,
    /// What is looked for though it is only on request.
    pub(crate) on: HashSet<Entity>,
    /// How sure a finding has to be, where it is not [`THRESHOLD`](crate::finding::THRESHOLD).
    pub(crate) thresholds: HashMap<Entity, f32>,
    /// What placeholders call what they stand for.
    pub(crate) labels: Vec<String>,
    /// Words that name an entity, besides its own.
    pub(crate) words: Vec<(Entity, String)>,
    /// Values that are no findings, whatever they look like.
    pub(crate) exempt: Exempt,
    pub(crate) lexicon: bool,
    pub(crate) private_addresses: bool,
    pub(crate) regions: Option<Vec<rlibphonenumber::Region>>,
    pub(crate) terms: Vec<Terms>,
    pub(crate) patterns: Vec<Configured>,
    pub(crate) recognizers: Vec<Box<dyn Recognize>>,
}

impl Parts {
    fn wants(&self, entity: &Entity) -> bool {
        !self.off.contains(entity) && (entity.detection() == Detection::On || self.on.contains(entity))
    }

    fn threshold(&self, entity: &Entity) -> f32 {
        self.thresholds.get(entity).copied().unwrap_or(crate::finding::THRESHOLD)
    }
}

pub(crate) struct Engine {
    parts: Parts,
    wanted: EntitySet,
    phones: Phones,
    addresses: Addresses,
    ids: Ids,
    extras: Extras,
    secrets: Secrets,
    names: Names,
    words: Words,
}

impl Engine {
    pub(crate) fn new(parts: Parts) -> Result<Self, ConfigError> {
        Self::build(parts).map_err(ConfigError::BuiltIn)
    }

    fn build(parts: Parts) -> Result<Self, Box<str>> {
        CharSet::warm_up();
        Shadow::warm_up();
        let (secrets, keywords) = Secrets::new()?;
        let ids = Ids::new(|entity| parts.wants(entity), |entity| parts.threshold(entity))?;
        let extras = Extras::new(|entity| parts.wants(entity))?;
        let generic = parts.wants(&Entity::GenericSecret);
        let words = Words::new(keywords, topics(&ids, &extras, &parts.words), generic)?;
        let mut wanted = EntitySet::default();
        Entity::BUILT_IN.iter().filter(|entity| parts.wants(entity)).for_each(|entity| wanted.insert(entity));
        let regions = parts.regions.as_deref().unwrap_or(&crate::recognizers::phone::REGIONS);
        Ok(Self {
            wanted,
            phones: Phones::new(regions)?,
            addresses: Addresses::new(parts.private_addresses),
            ids,
            extras,
            names: Names::new(parts.lexicon),
            secrets,
            words,
            parts,
        })
    }

    /// Everything found in `text`, whoever `reads` it, overlapping and in no order, unless the `deadline` passes.
    pub(crate) fn find(&self, text: &str, reads: Reads, deadline: &Deadline) -> Result<Vec<Finding>, Fault> {
        find_in_all(text, reads, |text| self.find_in(text, deadline))
    }

    /// What is found in a text that is what it looks like.
    fn find_in(&self, text: &str, deadline: &Deadline) -> Result<Vec<Finding>, Fault> {
        let mut found = match Shadow::of(text) {
            None => self.search(text, deadline),
            Some(shadow) => self.find_shadowed(text, &shadow, deadline),
        };
        found.retain(|finding| self.is_sure(finding));
        for recognizer in &self.parts.recognizers {
            for finding in recognizer.recognize_while(text, &|| deadline.check())? {
                text.get(finding.range.clone())
                    .ok_or_else(|| Fault::new("a recognizer gave an impossible range"))?;
                if self.is_sure(&finding) {
                    found.push(finding.on(Basis::Recognizer));
                }
            }
        }
        found.retain(|finding| !self.parts.off.contains(&finding.entity));
        if !self.parts.exempt.is_empty() {
            found
                .retain(|finding| text.get(finding.range.clone()).is_none_or(|value| !self.is_exempt(value)));
        }
        // What was broken off is not all that is there.
        deadline.check()?;
        Ok(found)
    }

    /// What is found in a text that reads as another: what was configured is looked for as it is written, too.
    fn find_shadowed(&self, text: &str, shadow: &Shadow, deadline: &Deadline) -> Vec<Finding> {
        let back = |shadow: &Shadow, mut found: Vec<Finding>| {
            found.iter_mut().for_each(|finding| finding.range = shadow.original(&finding.range));
            found
        };
        let mut found = back(shadow, self.search(&shadow.text, deadline));
        if let Some(hidden) = Shadow::hidden(text) {
            found.extend(back(&hidden, self.search(&hidden.text, deadline)));
        }
        if !(self.parts.terms.is_empty() && self.parts.patterns.is_empty()) {
            let mut hits = Hits { watch: deadline.watch(), ..Hits::new(self, text) };
            self.configured(&mut hits);
            found.extend(hits.found);
        }
        found
    }

    /// Whether `value` is never found.
    pub(crate) fn is_exempt(&self, value: &str) -> bool {
        self.parts.exempt.has(value)
    }

    /// How many of the engine's words `text` has.
    pub(crate) fn count_words(&self, text: &str) -> usize {
        self.words.count(text.as_bytes())
    }

    /// Whether a finding scores what its entity asks for.
    pub(crate) fn is_sure(&self, finding: &Finding) -> bool {
        finding.score >= self.parts.threshold(&finding.entity)
    }

    #[cfg(test)]
    fn find_plain(&self, text: &str) -> Vec<Finding> {
        self.search(text, &crate::budget::Budget::default().start())
    }

    /// What is found in `text`; if the `deadline` passes, what was found until then.
    fn search(&self, text: &str, deadline: &Deadline) -> Vec<Finding> {
        let mut hits = Hits { watch: deadline.watch(), ..Hits::new(self, text) };
        self.pass(&mut hits);
        self.configured(&mut hits);
        hits.found
    }

    /// Looks for what was configured.
    fn configured(&self, hits: &mut Hits<'_>) {
        self.parts.terms.iter().for_each(|terms| terms.scan(hits));
        for pattern in &self.parts.patterns {
            if hits.is_late_after(u32::MAX) {
                break;
            }
            pattern.scan(hits);
        }
    }

    /// Looks at what a word at `word` may be the beginning of.
    fn follow(&self, hits: &mut Hits<'_>, lead: &Lead, word: Range<usize>) {
        let (start, end) = (word.start, word.end);
        match lead {
            Lead::Context(topics) => hits.places.push(hits.text, word, topics),
            _ if hits.is_late_after(SEARCH) => {}
            Lead::Url if hits.wants(&Entity::UrlCredentials) => url::scan(hits, end),
            Lead::Password if hits.wants(&Entity::UrlCredentials) => url::scan_password(hits, end),
            Lead::Authorization if hits.wants(&Entity::Secret) => secrets::scan_authorization(hits, end),
            Lead::CurlUser if hits.wants(&Entity::Secret) => secrets::scan_curl_user(hits, end),
            Lead::Pem if hits.wants(&Entity::Secret) => secrets::scan_pem(hits, start),
            Lead::Bech32 if hits.wants(&Entity::Crypto) => crypto::scan_bech32(hits, start),
            Lead::Ethereum if hits.wants(&Entity::Crypto) => crypto::scan_ethereum(hits, start),
            Lead::Name if hits.wants(&Entity::Person) => self.names.scan_lower(hits, end),
            Lead::Spelled(sign) if hits.wants(&Entity::Email) => spelled::scan(hits, *sign, &word),
            Lead::GenericSecret => secrets::generic::scan(hits, word),
            Lead::Secrets(rules) if hits.wants(&Entity::Secret) => {
                rules.iter().for_each(|&rule| self.secrets.scan(hits, rule, word.clone()));
            }
            _ => {}
        }
    }

    /// Whether even a short text takes long.
    pub(crate) fn is_slow(&self) -> bool {
        self.parts.recognizers.iter().any(|recognizer| recognizer.is_slow())
    }

    /// Whether a word of a name may be taken for the same person elsewhere.
    pub(crate) fn is_telling(&self, word: &str) -> bool {
        self.names.is_telling(word)
    }
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine").field("words", &self.words.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
