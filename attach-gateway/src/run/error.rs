use std::fmt;
use std::io;

use crate::config::ConfigError;

/// Why a gateway does not start.
#[derive(Debug)]
#[non_exhaustive]
pub enum StartError {
    /// A setting makes no sense.
    Config(ConfigError),
    /// The machine said no; the text says to what.
    Io(&'static str, io::Error),
    /// The state store cannot be relied on; the text says why.
    State(Box<str>),
    /// The counts of quotas cannot be relied on; the text says why.
    Counts(Box<str>),
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Config(error) => error.fmt(f),
            Self::Io(what, error) => write!(f, "{what}: {error}"),
            Self::State(why) => write!(f, "state store: {why}"),
            Self::Counts(why) => write!(f, "counts of quotas: {why}"),
        }
    }
}

impl std::error::Error for StartError {}

impl From<ConfigError> for StartError {
    fn from(error: ConfigError) -> Self {
        Self::Config(error)
    }
}

pub(super) fn config_error(error: impl fmt::Display) -> StartError {
    StartError::Config(ConfigError::new(error.to_string()))
}
