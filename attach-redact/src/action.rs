use std::fmt;
use std::str::FromStr;

use crate::ConfigError;

/// What happens to a finding on its way out of the perimeter.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Action {
    /// A placeholder stands for it, and the answer gets the original back.
    #[default]
    Replace,
    /// Asterisks stand for it. Cannot be restored.
    Mask,
    /// A keyed digest stands for it: equal values look equal. Cannot be restored.
    Hash,
    /// The request is refused.
    Block,
    /// It is not looked for.
    Allow,
    /// It is counted and left as it is: for trying out a rule.
    Shadow,
}

impl Action {
    /// The name in configuration files.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Replace => "replace",
            Self::Mask => "mask",
            Self::Hash => "hash",
            Self::Block => "block",
            Self::Allow => "allow",
            Self::Shadow => "shadow",
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Action {
    type Err = ConfigError;

    fn from_str(name: &str) -> Result<Self, ConfigError> {
        [Self::Replace, Self::Mask, Self::Hash, Self::Block, Self::Allow, Self::Shadow]
            .into_iter()
            .find(|action| action.as_str() == name)
            .ok_or_else(|| ConfigError::UnknownAction(name.into()))
    }
}

/// What happens to a part of a request that cannot be inspected.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Uninspectable {
    /// The request is refused.
    #[default]
    Block,
    /// It leaves the perimeter unseen, and the exchange's coverage is partial.
    Allow,
}
