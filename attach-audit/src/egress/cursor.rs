//! How far a target has come, on disk.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::log::Position;
use crate::private::private;

/// The file `egress-<name>.cursor`.
#[derive(Debug)]
pub(super) struct Cursor {
    path: PathBuf,
}

/// A place behind a record, and that record's number in its chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mark {
    pub(super) position: Position,
    /// `None` before the first record that is sent.
    pub(super) seq: Option<u64>,
}

#[derive(Serialize, Deserialize)]
struct Written {
    position: String,
    seq: Option<u64>,
}

impl Cursor {
    pub(super) fn new(dir: &Path, name: &str) -> Self {
        Self { path: dir.join(format!("egress-{name}.cursor")) }
    }

    /// What was stored last; `None` for a target that is new.
    pub(super) fn load(&self) -> io::Result<Option<Mark>> {
        let text = match fs::read(&self.path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(self.told(&error)),
        };
        let written = serde_json::from_slice::<Written>(&text).map_err(io::Error::from);
        let mark =
            written.and_then(|Written { position, seq }| Ok(Mark { position: position.parse()?, seq }));
        mark.map(Some).map_err(|error| self.told(&error))
    }

    /// Replaces what was stored: durable, or as it was before.
    pub(super) fn store(&self, mark: &Mark) -> io::Result<()> {
        let written = Written { position: mark.position.to_string(), seq: mark.seq };
        let mut text = serde_json::to_vec(&written)?;
        text.push(b'\n');
        let fresh = self.path.with_extension("cursor.new");
        let mut file = private().create(true).truncate(true).open(&fresh)?;
        file.write_all(&text)?;
        file.sync_all()?;
        fs::rename(&fresh, &self.path)?;
        #[cfg(unix)]
        if let Some(dir) = self.path.parent() {
            File::open(dir)?.sync_all()?;
        }
        Ok(())
    }

    fn told(&self, error: &io::Error) -> io::Error {
        io::Error::new(error.kind(), format!("{}: {error}", self.path.display()))
    }
}
