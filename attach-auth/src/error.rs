use std::borrow::Cow;
use std::fmt;

use attach_core::call::ModelGlobError;
use attach_core::identity::ClaimPathError;

/// What is wrong with a configuration, as one sentence for whoever wrote it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError(Cow<'static, str>);

impl ConfigError {
    pub(crate) fn new(message: impl Into<Cow<'static, str>>) -> Self {
        Self(message.into())
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for ConfigError {}

impl From<ModelGlobError> for ConfigError {
    fn from(error: ModelGlobError) -> Self {
        Self::new(error.to_string())
    }
}

impl From<ClaimPathError> for ConfigError {
    fn from(error: ClaimPathError) -> Self {
        Self::new(error.to_string())
    }
}
