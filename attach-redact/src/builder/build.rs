//! From what was set up to a redactor.

use std::collections::{HashMap, HashSet};

use super::Builder;
use crate::engine::{Engine, Parts};
use crate::recognizers::terms::Terms;
use crate::redactor::Inner;
use crate::restore::External;
use crate::scope::Key;
use crate::toward::Actions;
use crate::{Action, ConfigError, Entity, Redactor};

impl Builder {
    /// The redactor. Compiles every pattern; takes some tenths of a second, so do it once, at start.
    ///
    /// # Errors
    ///
    /// A key that is too short, terms that are too many or too long, no random bytes for a key.
    pub fn build(self) -> Result<Redactor, ConfigError> {
        let key = match &self.key {
            Some(key) if key.len() < 16 => return Err(ConfigError::KeyTooShort),
            Some(key) => Key::new(key),
            None => random_key()?,
        };
        let terms = self.terms.iter().map(|(entity, terms)| Terms::new(entity.clone(), terms));
        let terms = terms.collect::<Result<Vec<_>, _>>()?;
        let (labels, off) = (self.labels(), self.off());
        let parts = Parts {
            off,
            on: self.actions.keys().cloned().collect(),
            thresholds: self.thresholds,
            labels: labels.clone(),
            words: self.words,
            exempt: self.exempt,
            lexicon: self.lexicon,
            private_addresses: self.private_addresses,
            regions: self.regions,
            terms,
            patterns: self.patterns,
            recognizers: self.recognizers,
        };
        let engine = Engine::new(parts)?;
        let usual = Actions { named: self.actions, default: self.default, inside: false };
        Ok(Redactor::new(Inner {
            engine,
            key,
            usual,
            exceptions: self.exceptions,
            uninspectable: self.uninspectable,
            labels,
            inspectors: self.inspectors,
            answer_inspectors: self.answer_inspectors,
            external: External::new(self.external),
            restore_system: self.restore_system,
            budget: self.budget,
            inspect_signed: self.inspect_signed,
            ruleset: self.ruleset,
        }))
    }

    /// What placeholders may call anything that is found.
    fn labels(&self) -> Vec<String> {
        let custom =
            self.terms.iter().map(|(entity, _)| entity).chain(self.patterns.iter().map(|p| &p.entity));
        let custom =
            custom.chain(self.actions.keys()).chain(self.exceptions.values().flat_map(HashMap::keys));
        let recognized: Vec<_> =
            self.recognizers.iter().flat_map(|recognizer| recognizer.entities()).collect();
        let all = Entity::BUILT_IN.iter().chain(custom).chain(&recognized);
        let mut labels: Vec<String> = all.map(|entity| entity.label().to_owned()).collect();
        labels.push(crate::entity::LITERAL.to_owned());
        labels.sort_unstable();
        labels.dedup();
        labels
    }

    /// What is left alone toward everybody.
    fn off(&self) -> HashSet<Entity> {
        let is_left = |entity: &&Entity| {
            let usual = self.actions.get(entity).copied().unwrap_or(self.default);
            let mut others = self.exceptions.values().filter_map(|named| named.get(entity));
            usual == Action::Allow && others.all(|action| *action == Action::Allow)
        };
        Entity::BUILT_IN.iter().chain(self.actions.keys()).filter(is_left).cloned().collect()
    }
}

fn random_key() -> Result<Key, ConfigError> {
    let mut random = zeroize::Zeroizing::new([0; 32]);
    getrandom::fill(&mut *random).map_err(|_| ConfigError::NoRandomness)?;
    tracing::warn!(
        "no redaction key is set: placeholders will change with the next start, and differ between nodes"
    );
    Ok(Key::new(&*random))
}
