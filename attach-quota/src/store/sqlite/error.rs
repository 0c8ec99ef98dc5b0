use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use rusqlite::ErrorCode;

/// Why a [`SqliteStore`](super::SqliteStore) could not be opened: the file, and what is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenError {
    path: PathBuf,
    why: Box<str>,
}

impl OpenError {
    pub(super) fn new(path: &Path, why: impl Into<Box<str>>) -> Self {
        Self { path: path.to_owned(), why: why.into() }
    }

    pub(super) fn io(path: &Path) -> impl Fn(io::Error) -> Self {
        |error| Self::new(path, error.to_string())
    }

    pub(super) fn sqlite(path: &Path) -> impl Fn(rusqlite::Error) -> Self {
        |error| match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
                Self::new(path, "another process has it open")
            }
            _ => Self::new(path, error.to_string()),
        }
    }
}

/// `/var/lib/attach/quota.db: another process has it open`.
impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path.display(), self.why)
    }
}

impl std::error::Error for OpenError {}
