use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use crate::ConfigError;

mod catalogue;
mod set;

pub use self::catalogue::Entity;
pub(crate) use self::set::EntitySet;

/// Whether an entity is looked for when nothing is said about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Detection {
    /// It is looked for.
    On,
    /// It is looked for once it is given an action: too often something else has its form.
    OptIn,
}

/// The name of an entity that is not built in; made by [`Entity::custom`].
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Custom(Arc<str>);

impl Entity {
    /// The entity called `name`; the built-in one if there is one of that name.
    ///
    /// # Errors
    ///
    /// A name that is not `[A-Z][A-Z0-9_]*`, has more than 32 characters or contains `PII`.
    pub fn custom(name: &str) -> Result<Self, ConfigError> {
        if let Some(known) = Self::BUILT_IN.iter().find(|entity| entity.name() == name) {
            return Ok(known.clone());
        }
        let allowed = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
        let valid = name.len() <= 32
            && name.starts_with(|c: char| c.is_ascii_uppercase())
            && name.bytes().all(allowed)
            && !name.contains("PII")
            && !name.ends_with('_')
            && name != LITERAL;
        if valid { Ok(Self::Custom(Custom(name.into()))) } else { Err(ConfigError::EntityName(name.into())) }
    }

    /// The stable name.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Custom(custom) => &custom.0,
            built_in => built_in.row().map_or("", |row| row.name),
        }
    }

    /// What placeholders call it.
    #[must_use]
    pub fn label(&self) -> &str {
        match self {
            Self::Custom(custom) => &custom.0,
            built_in => built_in.row().map_or("", |row| row.label),
        }
    }

    /// Whether it is looked for when nothing is said about it.
    #[must_use]
    pub fn detection(&self) -> Detection {
        self.row().map_or(Detection::On, |row| row.detection)
    }

    /// Which of two otherwise equal findings names the union: the higher.
    pub(crate) fn priority(&self) -> u8 {
        self.row().map_or(3, |row| row.priority)
    }
}

/// The label of a caller's own text that would be taken for a placeholder.
pub(crate) const LITERAL: &str = "LITERAL";

impl fmt::Display for Entity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Entity {
    type Err = ConfigError;

    fn from_str(name: &str) -> Result<Self, ConfigError> {
        Self::custom(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_labels_are_distinct() {
        let distinct = |of: fn(&Entity) -> &str| {
            let mut seen: Vec<_> = Entity::BUILT_IN.iter().map(|entity| of(entity).to_owned()).collect();
            seen.sort_unstable();
            seen.dedup();
            assert_eq!(seen.len(), Entity::BUILT_IN.len());
        };
        distinct(Entity::name);
        distinct(Entity::label);
    }

    #[test]
    fn the_catalogue_is_in_the_order_of_its_numbers() {
        for (number, entity) in Entity::BUILT_IN.iter().enumerate() {
            assert_eq!(entity.index(), Some(number));
            assert!(entity.label().len() <= 32 && !entity.label().contains("PII"), "{entity}");
        }
    }

    #[test]
    fn a_name_that_could_confuse_placeholders_is_refused() {
        for name in ["", "person", "A B", "9A", "MY_PII_TYPE", "LITERAL", "A_", &"A".repeat(33)] {
            assert!(Entity::custom(name).is_err(), "{name:?}");
        }
    }
}
