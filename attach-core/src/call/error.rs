use std::error::Error;
use std::fmt;

use super::model::ModelNameError;
use crate::json::Value;

/// Why a JSON document is not a call.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct CallError {
    /// Where: `$.messages[0].role`. Holds keys, never values; bounded.
    pub path: String,
    /// What is wrong there.
    pub kind: CallErrorKind,
}

impl CallError {
    pub(super) fn at(value: Value<'_>, kind: CallErrorKind) -> Self {
        Self { path: value.path(), kind }
    }

    pub(super) fn missing(field: &'static str) -> Self {
        Self { path: format!("$.{field}"), kind: CallErrorKind::Missing }
    }

    /// A stable code for programs.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self.kind {
            CallErrorKind::Missing => "missing_field",
            CallErrorKind::WrongType { .. } => "wrong_type",
            CallErrorKind::LookAlike { .. } => "ambiguous_key",
            CallErrorKind::Model(_) => "invalid_model",
            CallErrorKind::OutOfRange => "out_of_range",
        }
    }
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = &self.path;
        match &self.kind {
            CallErrorKind::Missing => write!(f, "missing field {path}"),
            CallErrorKind::WrongType { expected } => write!(f, "wrong type at {path}: expected {expected}"),
            CallErrorKind::LookAlike { known } => {
                write!(f, "ambiguous key at {path}: some servers would read it as {known:?}")
            }
            CallErrorKind::Model(error) => write!(f, "{error} at {path}"),
            CallErrorKind::OutOfRange => write!(f, "number out of range at {path}"),
        }
    }
}

impl Error for CallError {}

/// What is wrong with a call.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum CallErrorKind {
    /// A field that must be there is not, or is null.
    Missing,
    /// A known field has a value of another type.
    WrongType {
        /// What it may be.
        expected: String,
    },
    /// A key that equals a known one only after trimming and case folding.
    LookAlike {
        /// The known one.
        known: &'static str,
    },
    /// Not the name of a model.
    Model(ModelNameError),
    /// A count that makes no sense.
    OutOfRange,
}
