//! Other actions toward single upstreams.

use std::collections::{HashMap, HashSet};

use attach_core::Destination;
use attach_core::destination::Candidate;

use crate::{Action, Entity};

/// What is done with each entity.
#[derive(Debug, Clone, Default)]
pub(crate) struct Actions {
    pub(crate) named: HashMap<Entity, Action>,
    pub(crate) default: Action,
    /// Whether nothing leaves the perimeter.
    pub(crate) inside: bool,
}

/// The entities that a single upstream gets otherwise than all, by its name.
pub(crate) type Exceptions = HashMap<Box<str>, HashMap<Entity, Action>>;

impl Actions {
    pub(crate) fn of(&self, entity: &Entity) -> Action {
        self.named.get(entity).copied().unwrap_or(self.default)
    }

    /// What is done with a call that may go to any candidate of `destination`: for each entity the strictest of what
    /// is done toward one. `None` if all are trusted and none is an exception.
    pub(crate) fn toward(&self, exceptions: &Exceptions, destination: &Destination) -> Option<Self> {
        let candidates = destination.candidates();
        let of = |candidate: &Candidate| exceptions.get(&*candidate.upstream);
        let inside = destination.is_trusted();
        if inside && !candidates.iter().any(|candidate| of(candidate).is_some()) {
            return None;
        }
        if candidates.is_empty() {
            return Some(self.clone());
        }
        let toward = |candidate: &Candidate, entity: &Entity| {
            let usual = if candidate.labels.trusted { Action::Allow } else { self.of(entity) };
            of(candidate).and_then(|named| named.get(entity)).copied().unwrap_or(usual)
        };
        let strictest = |entity: &Entity| {
            candidates
                .iter()
                .map(|candidate| toward(candidate, entity))
                .max_by_key(|action| strictness(*action))
        };
        let known: HashSet<&Entity> =
            self.named.keys().chain(candidates.iter().filter_map(of).flat_map(HashMap::keys)).collect();
        let named = known.into_iter().filter_map(|entity| Some((entity.clone(), strictest(entity)?)));
        let default = if inside { Action::Allow } else { self.default };
        Some(Self { named: named.collect(), default, inside })
    }
}

/// How little the other side learns.
fn strictness(action: Action) -> u8 {
    match action {
        Action::Allow => 0,
        Action::Shadow => 1,
        Action::Replace => 2,
        Action::Hash => 3,
        Action::Mask => 4,
        Action::Block => 5,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use attach_core::destination::Labels;

    use super::*;

    fn to(names: &[(&str, bool)]) -> Destination {
        let labels = |trusted| if trusted { Labels::trusted() } else { Labels::default() };
        let candidate =
            |(name, trusted): &(&str, bool)| Candidate::new(*name, "m", Arc::new(labels(*trusted)));
        Destination::new(names.iter().map(candidate).collect())
    }

    #[test]
    fn the_strictest_of_all_candidates_counts() {
        let base = Actions { named: [(Entity::UsSsn, Action::Block)].into(), ..Actions::default() };
        let azure = HashMap::from([(Entity::CreditCard, Action::Allow), (Entity::UsSsn, Action::Mask)]);
        let local = HashMap::from([(Entity::Secret, Action::Block)]);
        let exceptions = Exceptions::from([("azure".into(), azure), ("local".into(), local)]);
        let toward = |names: &[(&str, bool)]| base.toward(&exceptions, &to(names));
        let alone = toward(&[("azure", false)]).expect("leaves");
        assert_eq!((alone.of(&Entity::CreditCard), alone.of(&Entity::UsSsn)), (Action::Allow, Action::Mask));
        let mixed = toward(&[("azure", false), ("other", false)]).expect("leaves");
        assert_eq!(
            (mixed.of(&Entity::CreditCard), mixed.of(&Entity::UsSsn)),
            (Action::Replace, Action::Block)
        );
        let inside = toward(&[("local", true)]).expect("is an exception");
        assert_eq!((inside.of(&Entity::Secret), inside.of(&Entity::Email)), (Action::Block, Action::Allow));
        assert!(inside.inside && toward(&[("other", true)]).is_none());
        let both = toward(&[("local", true), ("azure", false)]).expect("leaves");
        assert_eq!((both.of(&Entity::Secret), both.of(&Entity::Email)), (Action::Block, Action::Replace));
        assert_eq!(both.of(&Entity::CreditCard), Action::Allow);
    }

    #[test]
    fn nobody_in_particular_gets_what_all_get() {
        let base = Actions { named: [(Entity::Email, Action::Mask)].into(), ..Actions::default() };
        let toward = base.toward(&Exceptions::new(), &Destination::default()).expect("leaves");
        assert_eq!(toward.of(&Entity::Email), Action::Mask);
    }
}
