use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::path::Path;
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use crate::Timestamp;

/// The file that says so, in the log's directory.
const MARKER: &str = "hold";
/// What is left of it when it ends, until that is on record.
const RELEASED: &str = "hold.released";

/// A legal hold: while there is one, nothing is deleted.
///
/// It is a file `hold` in the log's directory. Its being there is what counts: one that is empty, made by hand or not
/// readable holds as well.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Hold {
    /// Why; no personal data, for it goes on record.
    #[serde(default)]
    pub reason: Box<str>,
    /// Who says so: the name of an account, nothing that was proven.
    #[serde(default)]
    pub by: Box<str>,
    /// Since when, RFC 3339.
    #[serde(default)]
    pub since: Box<str>,
}

impl Hold {
    /// Begins a hold on the log in `dir`; one that is there already is replaced.
    ///
    /// # Errors
    ///
    /// If the file cannot be written durably.
    pub fn place(dir: &Path, reason: &str, by: &str) -> io::Result<Self> {
        let since = Timestamp::from(SystemTime::now()).to_string();
        let hold = Self { reason: reason.into(), by: by.into(), since: since.into() };
        write(dir, MARKER, &hold)?;
        Ok(hold)
    }

    /// Ends the hold on the log in `dir`; `None` if there was none.
    ///
    /// # Errors
    ///
    /// If that cannot be done durably; the hold is still there then.
    pub fn release(dir: &Path, reason: &str, by: &str) -> io::Result<Option<Self>> {
        let Some(held) = Self::of(dir)? else { return Ok(None) };
        let since = Timestamp::from(SystemTime::now()).to_string();
        write(dir, RELEASED, &Self { reason: reason.into(), by: by.into(), since: since.into() })?;
        fs::remove_file(dir.join(MARKER))?;
        sync(dir)?;
        Ok(Some(held))
    }

    /// The hold on the log in `dir`, if there is one.
    ///
    /// # Errors
    ///
    /// If that cannot be found out; to be taken for a hold.
    pub fn of(dir: &Path) -> io::Result<Option<Self>> {
        read(&dir.join(MARKER))
    }

    /// The end of a hold that is not on record yet.
    pub(super) fn released(dir: &Path) -> io::Result<Option<Self>> {
        read(&dir.join(RELEASED))
    }

    /// The end is on record.
    pub(super) fn forget_release(dir: &Path) -> io::Result<()> {
        fs::remove_file(dir.join(RELEASED))
    }
}

fn read(path: &Path) -> io::Result<Option<Hold>> {
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        other => other?,
    };
    let unknown = || Hold { reason: "not readable".into(), by: "".into(), since: "".into() };
    let hold = fs::read(path).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
    Ok(Some(hold.unwrap_or_else(unknown)))
}

/// Whole or not at all.
fn write(dir: &Path, name: &str, hold: &Hold) -> io::Result<()> {
    let unfinished = dir.join(format!("{name}.new"));
    let mut file = File::create(&unfinished)?;
    file.write_all(&serde_json::to_vec(hold)?)?;
    file.sync_all()?;
    fs::rename(unfinished, dir.join(name))?;
    sync(dir)
}

/// Makes the directory's names durable.
pub(super) fn sync(dir: &Path) -> io::Result<()> {
    #[cfg(unix)]
    File::open(dir)?.sync_all()?;
    let _ = dir;
    Ok(())
}
