//! The engine: one pass over the bytes, one over the words, bounded windows, patterns, check digits, context.

use std::cell::OnceCell;
use std::collections::HashSet;
use std::fmt;
use std::ops::Range;

use aho_corasick::{AhoCorasick, AhoCorasickBuilder, AhoCorasickKind, MatchKind};

mod code;
mod context;
mod pattern;
mod scan;
mod shadow;

pub(crate) use self::context::Topic;
pub(crate) use self::pattern::{Match, Pattern, ceil, floor};
pub(crate) use self::scan::{Shape, is_word};

use self::context::{Places, Words};
use self::scan::Trigger;
use self::shadow::Shadow;
use crate::recognizers::digits::Digits;
use crate::recognizers::email::Email;
use crate::recognizers::ip::Addresses;
use crate::recognizers::names::Names;
use crate::recognizers::phone::Phones;
use crate::recognizers::secrets::{self, Secrets};
use crate::recognizers::terms::Terms;
use crate::recognizers::{crypto, iban, url};
use crate::{ConfigError, Entity, Fault, Finding, Recognize};

/// What is found in one text so far.
pub(crate) struct Hits<'t> {
    pub(crate) text: &'t str,
    found: Vec<Finding>,
    off: &'t HashSet<Entity>,
    code: Vec<Range<usize>>,
    words: &'t Words,
    places: OnceCell<Places>,
    /// How many numbers may still be checked against numbering plans.
    checks: usize,
    /// How far secrets were found: what begins before belongs to one.
    secret: usize,
}

impl<'t> Hits<'t> {
    fn new(engine: &'t Engine, text: &'t str) -> Self {
        Self {
            text,
            found: Vec::new(),
            off: &engine.parts.off,
            code: code::ranges(text),
            words: &engine.context,
            places: OnceCell::new(),
            checks: 32 + text.len() / 64,
            secret: 0,
        }
    }

    /// Whether a word of `topic` stands shortly before `at`, in the same clause.
    pub(crate) fn is_about(&self, topic: Topic, at: usize) -> bool {
        self.places().precede(self.text, at, topic)
    }

    /// Whether a word of `topic` stands shortly before `at`, be it in the sentence before.
    pub(crate) fn is_near(&self, topic: Topic, at: usize) -> bool {
        self.places().are_near(at, topic)
    }

    fn places(&self) -> &Places {
        self.places.get_or_init(|| self.words.places(self.text))
    }

    /// Whether one more costly check may be made. Who hasn't one must find.
    pub(crate) fn may_check(&mut self) -> bool {
        let may = self.checks > 0;
        self.checks = self.checks.saturating_sub(1);
        may
    }

    /// Takes a secret down.
    pub(crate) fn push_secret(&mut self, finding: Finding) {
        self.secret = self.secret.max(finding.range.end);
        self.push(finding);
    }

    /// Whether `at` lies in a secret that was found.
    pub(crate) fn is_secret(&self, at: usize) -> bool {
        at < self.secret
    }

    pub(crate) fn push(&mut self, finding: Finding) {
        self.found.push(finding);
    }

    /// Whether `entity` is looked for.
    pub(crate) fn wants(&self, entity: &Entity) -> bool {
        !self.off.contains(entity)
    }

    /// Takes all of `window` for an `entity`: what could not be searched does not leave.
    pub(crate) fn give_up(&mut self, window: &Range<usize>, entity: Entity) -> bool {
        self.push(Finding::new(window.clone(), entity, 1.0));
        true
    }

    pub(crate) fn is_code(&self, at: usize) -> bool {
        let next = self.code.partition_point(|range| range.end <= at);
        self.code.get(next).is_some_and(|range| range.start <= at)
    }
}

/// What the engine is made of, as configured.
#[derive(Default)]
pub(crate) struct Parts {
    pub(crate) off: HashSet<Entity>,
    pub(crate) lexicon: bool,
    pub(crate) private_addresses: bool,
    pub(crate) regions: Option<Vec<rlibphonenumber::Region>>,
    pub(crate) terms: Vec<Terms>,
    pub(crate) patterns: Vec<(Entity, Pattern)>,
    pub(crate) recognizers: Vec<Box<dyn Recognize>>,
}

pub(crate) struct Engine {
    parts: Parts,
    email: Email,
    digits: Digits,
    phones: Phones,
    addresses: Addresses,
    secrets: Secrets,
    names: Names,
    context: Words,
    words: AhoCorasick,
    /// What each of the words leads to.
    leads: Vec<Lead>,
}

/// What a word may be the beginning of.
#[derive(Debug, Clone)]
enum Lead {
    Url,
    Password,
    Authorization,
    CurlUser,
    Pem,
    Bech32,
    Name,
    Secrets(Box<[usize]>),
}

/// The words that need no table.
const LEADS: [(&str, Lead); 13] = [
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
    ("name is ", Lead::Name),
];

impl Engine {
    pub(crate) fn new(parts: Parts) -> Result<Self, ConfigError> {
        Self::build(parts).map_err(ConfigError::BuiltIn)
    }

    fn build(parts: Parts) -> Result<Self, Box<str>> {
        let (secrets, keywords) = Secrets::new()?;
        let secret = keywords.into_iter().map(|(word, rules)| (word, Lead::Secrets(rules.into())));
        let (words, leads): (Vec<&str>, Vec<Lead>) = LEADS.into_iter().chain(secret).unzip();
        let words = AhoCorasickBuilder::new()
            .ascii_case_insensitive(true)
            .match_kind(MatchKind::Standard)
            .kind(Some(AhoCorasickKind::DFA))
            .build(words)
            .map_err(|error| error.to_string())?;
        let regions = parts.regions.as_deref().unwrap_or(&crate::recognizers::phone::REGIONS);
        Ok(Self {
            email: Email::new()?,
            digits: Digits::new()?,
            phones: Phones::new(regions)?,
            addresses: Addresses::new(parts.private_addresses)?,
            names: Names::new(parts.lexicon),
            context: Words::new()?,
            secrets,
            words,
            leads,
            parts,
        })
    }

    /// Everything found in `text`, overlapping and in no order.
    pub(crate) fn find(&self, text: &str) -> Result<Vec<Finding>, Fault> {
        let mut found = match Shadow::of(text) {
            None => self.find_plain(text),
            Some(shadow) => {
                let mut found = self.find_plain(&shadow.text);
                found.iter_mut().for_each(|finding| finding.range = shadow.original(&finding.range));
                found
            }
        };
        for recognizer in &self.parts.recognizers {
            for finding in recognizer.recognize(text)? {
                text.get(finding.range.clone())
                    .ok_or_else(|| Fault::new("a recognizer gave an impossible range"))?;
                found.push(finding);
            }
        }
        found.retain(|finding| !self.parts.off.contains(&finding.entity));
        Ok(found)
    }

    fn find_plain(&self, text: &str) -> Vec<Finding> {
        let mut hits = Hits::new(self, text);
        scan::scan(text.as_bytes(), |trigger, range| self.look(&mut hits, trigger, range));
        self.look_at_words(&mut hits);
        if hits.wants(&Entity::Person) {
            self.names.scan(&mut hits);
        }
        self.parts.terms.iter().for_each(|terms| terms.scan(&mut hits));
        for (entity, pattern) in &self.parts.patterns {
            pattern.scan(text, 0..text.len(), |found| {
                let range = match found {
                    Match::At(range) => range,
                    Match::GivenUp => 0..text.len(),
                };
                hits.push(Finding::new(range, entity.clone(), 1.0));
                true
            });
        }
        hits.found
    }

    fn look(&self, hits: &mut Hits<'_>, trigger: Trigger, range: Range<usize>) {
        match trigger {
            Trigger::At if hits.wants(&Entity::Email) => self.email.scan(hits, range),
            Trigger::Digits(shape) => {
                if shape.dots >= 3 && hits.wants(&Entity::IpAddress) {
                    self.addresses.scan_v4(hits, range.clone());
                }
                if shape.digits >= 7 && hits.wants(&Entity::Phone) {
                    self.phones.scan(hits, &range);
                }
                self.digits.scan(hits, range, shape);
            }
            Trigger::Hex => self.addresses.scan_hex(hits, range),
            Trigger::Iban if hits.wants(&Entity::Iban) => iban::scan(hits, &range),
            Trigger::Base58 if hits.wants(&Entity::Crypto) => crypto::scan_base58(hits, range),
            Trigger::At | Trigger::Iban | Trigger::Base58 => {}
        }
    }

    fn look_at_words(&self, hits: &mut Hits<'_>) {
        let text = hits.text;
        for found in self.words.find_overlapping_iter(text) {
            let (start, end) = (found.start(), found.end());
            match self.leads.get(found.pattern().as_usize()) {
                Some(Lead::Url) if hits.wants(&Entity::UrlCredentials) => url::scan(hits, end),
                Some(Lead::Password) if hits.wants(&Entity::UrlCredentials) => url::scan_password(hits, end),
                Some(Lead::Authorization) if hits.wants(&Entity::Secret) => {
                    secrets::scan_authorization(hits, end);
                }
                Some(Lead::CurlUser) if hits.wants(&Entity::Secret) => secrets::scan_curl_user(hits, end),
                Some(Lead::Pem) if hits.wants(&Entity::Secret) => secrets::scan_pem(hits, start),
                Some(Lead::Bech32) if hits.wants(&Entity::Crypto) => crypto::scan_bech32(hits, start),
                Some(Lead::Name) if hits.wants(&Entity::Person) => self.names.scan_lower(hits, end),
                Some(Lead::Secrets(rules)) if hits.wants(&Entity::Secret) => {
                    rules.iter().for_each(|&rule| self.secrets.scan(hits, rule, start..end));
                }
                _ => {}
            }
        }
    }

    /// Whether a word of a name may be taken for the same person elsewhere.
    pub(crate) fn is_telling(&self, word: &str) -> bool {
        self.names.is_telling(word)
    }
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine").field("words", &self.leads.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
