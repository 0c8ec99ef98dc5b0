use std::error::Error;
use std::fmt;
use std::path::{Path, PathBuf};

/// Why a model cannot be used: which file, and what about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoadError {
    file: PathBuf,
    reason: Box<str>,
}

impl LoadError {
    pub(super) fn new(file: &Path, reason: impl Into<Box<str>>) -> Self {
        Self { file: file.into(), reason: reason.into() }
    }

    /// The file it is about.
    #[must_use]
    pub fn file(&self) -> &Path {
        &self.file
    }
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.file.display(), self.reason)
    }
}

impl Error for LoadError {}
