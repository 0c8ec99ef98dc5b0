use serde::Deserialize;

use super::ConfigError;

/// What becomes of a setting for which the upstream's interface has no word. Content is always refused.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unsupported {
    /// It is left out, and the answer's `X-Attach-Dropped` names it.
    #[default]
    Drop,
    /// The call is refused with the setting's name.
    Refuse,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct File {
    unsupported: Option<String>,
}

impl Unsupported {
    pub(super) fn resolve(from: &File) -> Result<Self, ConfigError> {
        match from.unsupported.as_deref() {
            None | Some("drop") => Ok(Self::Drop),
            Some("refuse") => Ok(Self::Refuse),
            Some(text) => {
                Err(ConfigError::new(format!("translation.unsupported: {text:?} is not one of drop, refuse")))
            }
        }
    }

    /// The word in a configuration.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Drop => "drop",
            Self::Refuse => "refuse",
        }
    }
}
