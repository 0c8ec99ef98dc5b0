//! Numbers that states, banks and offices give to people: one row of a table each, one file per country. Scores and naming
//! words follow Microsoft Presidio (MIT) where it knows the entity; checks follow the source that each row names.

use std::ops::Range;

use self::gate::Gate;
use crate::engine::{Hits, Match, Pattern, Topics};
use crate::finding::Strength;
use crate::{Basis, Entity, Finding};

#[macro_use]
mod ends;
pub(crate) mod check;

mod au;
mod ca;
mod de;
mod es;
mod fi;
mod gate;
mod in_;
mod it;
mod kr;
mod ng;
mod ph;
mod pl;
mod se;
mod sg;
mod th;
mod tr;
mod uk;
mod us;
mod za;

/// How an identifier is recognised.
pub(crate) struct Rule {
    pub(crate) entity: Entity,
    /// What it looks like: ASCII classes spelled out, quantifiers bounded, ends looked around. The first group is the
    /// finding if there is one.
    pub(crate) pattern: &'static str,
    /// Fewer digits it never has.
    pub(crate) digits: usize,
    /// What has to hold of the match besides.
    pub(crate) check: fn(&str) -> Verdict,
    /// How sure its form alone is, without a word that names it.
    pub(crate) form: f32,
    /// How sure a check digit that holds is, without a word that names it.
    pub(crate) checked: f32,
    /// Words that name it, in lower case. One of them shortly before makes the finding likelier.
    pub(crate) words: &'static [&'static str],
}

/// What a check says of a match.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It is none.
    No,
    /// It has the form; there is no check digit, or none that everybody uses.
    Form,
    /// Its check digit holds.
    Checked,
}

impl From<bool> for Verdict {
    /// Whether a check digit holds.
    fn from(holds: bool) -> Self {
        if holds { Self::Checked } else { Self::No }
    }
}

/// What a word beside a finding adds, and what it makes of the least likely form.
const WORD: f32 = 0.35;
const NAMED: f32 = 0.5;

/// What scores `score` alone, with a word that names it.
pub(crate) fn named(score: f32) -> f32 {
    (score + WORD).clamp(NAMED, 1.0)
}

/// All tables.
const TABLES: &[&[Rule]] = &[
    au::RULES,
    ca::RULES,
    de::HEALTH,
    de::PAPERS,
    de::TAX,
    de::TRAFFIC,
    es::RULES,
    fi::RULES,
    in_::RULES,
    it::RULES,
    kr::RULES,
    ng::RULES,
    ph::RULES,
    pl::RULES,
    se::RULES,
    sg::RULES,
    th::RULES,
    tr::RULES,
    uk::RULES,
    us::RULES,
    za::RULES,
];

/// The rules of the entities that are looked for.
pub(crate) struct Ids {
    rules: Vec<Compiled>,
    /// What words may name.
    topics: Topics,
    /// Whether any number can be found without a word that names it.
    alone: bool,
    /// Whether anything that begins with letters can.
    lettered: bool,
}

struct Compiled {
    rule: &'static Rule,
    pattern: Pattern,
    gate: Gate,
    topics: Topics,
    /// Fewer letters it never has.
    letters: usize,
    /// Whether it can be found without a word that names it.
    alone: bool,
}

impl Ids {
    /// The rules that `wants` asks for; below `threshold` nothing needs to be found.
    pub(crate) fn new(
        wants: impl Fn(&Entity) -> bool,
        threshold: impl Fn(&Entity) -> f32,
    ) -> Result<Self, Box<str>> {
        let mut rules = Vec::new();
        for rule in TABLES.iter().copied().flatten().filter(|rule| wants(&rule.entity)) {
            let pattern = Pattern::new(rule.pattern).map_err(|why| format!("{}: {why}", rule.entity))?;
            let alone = rule.form.max(rule.checked) >= threshold(&rule.entity);
            let (topics, letters) = (Topics::of([&rule.entity]), letters(&rule.entity));
            rules.push(Compiled { rule, pattern, gate: Gate::of(rule.pattern), topics, letters, alone });
        }
        let topics = Topics::of(rules.iter().map(|compiled| &compiled.rule.entity));
        let any =
            |lettered: bool| rules.iter().any(|rule: &Compiled| rule.alone && (rule.letters > 0) == lettered);
        Ok(Self { topics, alone: any(false), lettered: any(true), rules })
    }

    /// The words that name what the rules find.
    pub(crate) fn words(&self) -> impl Iterator<Item = (&'static str, &'static Entity)> {
        let words = |compiled: &Compiled| {
            let rule = compiled.rule;
            rule.words.iter().map(move |word| (*word, &rule.entity))
        };
        self.rules.iter().flat_map(words)
    }

    /// Whether it is worth looking at digits, `lettered` if several after a letter, where `topics` are talked of.
    pub(crate) fn are_expected(&self, topics: Topics, lettered: bool) -> bool {
        self.alone || (self.lettered && lettered) || self.topics.meet(topics)
    }

    /// Looks at words with digits in them, `digits` in all.
    pub(crate) fn scan(&self, hits: &mut Hits<'_>, window: &Range<usize>, digits: usize) {
        let topics = hits.topics_near(window);
        let letters_there =
            hits.text.as_bytes()[window.clone()].iter().filter(|byte| byte.is_ascii_alphabetic()).count();
        for compiled in &self.rules {
            let enough = digits >= compiled.rule.digits && letters_there >= compiled.letters;
            if enough && (compiled.alone || compiled.topics.meet(topics)) {
                compiled.scan(hits, window);
            }
        }
    }
}

/// Fewer letters an entity never has, of those that begin with a letter and can be found without a word that names
/// them. What has none need not be looked for where there are only numbers.
fn letters(entity: &Entity) -> usize {
    match entity {
        Entity::ItFiscalCode => 9,
        Entity::UkNino => 3,
        Entity::EsNie => 2,
        _ => 0,
    }
}

impl Compiled {
    fn scan(&self, hits: &mut Hits<'_>, window: &Range<usize>) {
        let (text, rule) = (hits.text, self.rule);
        if !self.gate.lets(text, window) {
            return;
        }
        // What is looked for behind the end: a separator, and a digit.
        let seen = window.start..(window.end + 2).min(text.len());
        self.pattern.scan(text, seen, |found| {
            let Match::At(range) = found else { return hits.give_up(window, rule.entity.clone()) };
            let verdict = (rule.check)(&text[range.clone()]);
            let score = match verdict {
                Verdict::No => return false,
                Verdict::Form => rule.form,
                Verdict::Checked => rule.checked,
            };
            let is_named = hits.is_near(&rule.entity, range.start);
            let score = if is_named { named(score) } else { score };
            let sure = is_named && verdict == Verdict::Checked;
            let strength = if sure { Strength::Checksum } else { Strength::Form };
            let finding = Finding::strong(range, rule.entity.clone(), score, strength);
            hits.push(if is_named && !sure { finding.on(Basis::NamingWord) } else { finding });
            true
        });
    }
}

#[cfg(test)]
mod samples;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_compiles_and_its_words_are_in_lower_case() {
        Ids::new(|_| true, |_| 0.0).expect("compiles");
        for rule in TABLES.iter().copied().flatten() {
            let fine = |word: &&str| word.len() >= 2 && **word == word.to_lowercase();
            assert!(rule.words.iter().all(fine), "{}", rule.entity);
            assert!(rule.form <= rule.checked || rule.checked == 0.0, "{}", rule.entity);
        }
    }
}
