use crate::Entity;

/// A set of built-in entities.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct EntitySet(u128);

// More entities than bits would be silently lost.
const _: () = assert!(Entity::BUILT_IN.len() <= 128);

impl EntitySet {
    pub(crate) fn insert(&mut self, entity: &Entity) {
        self.0 |= entity.index().map_or(0, |index| 1 << index);
    }

    pub(crate) fn contains(self, entity: &Entity) -> bool {
        entity.index().is_some_and(|index| self.0 >> index & 1 == 1)
    }
}
