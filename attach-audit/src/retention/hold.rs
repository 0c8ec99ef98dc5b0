use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::path::Path;
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use crate::Timestamp;

/// The file that says so, in the log's directory; of a hold with a name, with `-` and the name behind it.
const MARKER: &str = "hold";
/// Behind a marker's name: what is left of it when the hold ends, until that is on record.
const RELEASED: &str = ".released";
/// A marker that is being written.
const UNFINISHED: &str = ".new";

/// A legal hold: while there is one, nothing is deleted. There may be several, each with a name.
///
/// It is a file `hold` or `hold-<name>` in the log's directory. Its being there is what counts: one that is empty, made
/// by hand or not readable holds as well.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Hold {
    /// Which one; empty for the one without a name.
    #[serde(skip)]
    pub name: Box<str>,
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
    /// Begins the hold `name` on the log in `dir`, or the one without a name if that is empty; one of this name that is
    /// there already is replaced.
    ///
    /// # Errors
    ///
    /// If the file cannot be written durably, or the name has anything but ASCII letters, digits, `-` and `_` in it.
    pub fn place(dir: &Path, name: &str, reason: &str, by: &str) -> io::Result<Self> {
        if name.len() > 64 || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
        {
            let why = format!("{name:?} is no name: up to 64 ASCII letters, digits, - and _");
            return Err(io::Error::new(ErrorKind::InvalidInput, why));
        }
        let hold = Self::now(name, reason, by);
        write(dir, &marker(name), &hold)?;
        Ok(hold)
    }

    /// Ends the hold `name` on the log in `dir`; `None` if there was none of this name.
    ///
    /// # Errors
    ///
    /// If that cannot be done durably; the hold is still there then.
    pub fn release(dir: &Path, name: &str, reason: &str, by: &str) -> io::Result<Option<Self>> {
        let Some(held) = Self::all(dir)?.into_iter().find(|hold| *hold.name == *name) else {
            return Ok(None);
        };
        let marker = marker(name);
        write(dir, &format!("{marker}{RELEASED}"), &Self::now(name, reason, by))?;
        fs::remove_file(dir.join(marker))?;
        sync(dir)?;
        Ok(Some(held))
    }

    /// The holds on the log in `dir`, by name.
    ///
    /// # Errors
    ///
    /// If that cannot be found out; to be taken for a hold.
    pub fn all(dir: &Path) -> io::Result<Vec<Self>> {
        files(dir, |file| name(file).filter(|name| !is_unfinished(name)))
    }

    /// The ends of holds that are not on record yet.
    pub(super) fn released(dir: &Path) -> io::Result<Vec<Self>> {
        files(dir, |file| name(file.strip_suffix(RELEASED)?).filter(|name| !is_unfinished(name)))
    }

    /// The end is on record.
    pub(super) fn forget_release(&self, dir: &Path) -> io::Result<()> {
        fs::remove_file(dir.join(format!("{}{RELEASED}", marker(&self.name))))
    }

    fn now(name: &str, reason: &str, by: &str) -> Self {
        let since = Timestamp::from(SystemTime::now()).to_string();
        Self { name: name.into(), reason: reason.into(), by: by.into(), since: since.into() }
    }
}

fn marker(name: &str) -> String {
    if name.is_empty() { MARKER.to_owned() } else { format!("{MARKER}-{name}") }
}

/// The name of the hold that a file is the marker of.
fn name(file: &str) -> Option<&str> {
    let rest = file.strip_prefix(MARKER)?;
    if rest.is_empty() { Some(rest) } else { rest.strip_prefix('-').filter(|name| !name.is_empty()) }
}

/// A file made by hand may be called anything else.
fn is_unfinished(name: &str) -> bool {
    name.ends_with(RELEASED) || name.ends_with(UNFINISHED)
}

/// What is said in those files of which `name_of` knows a name.
fn files(dir: &Path, name_of: impl Fn(&str) -> Option<&str>) -> io::Result<Vec<Hold>> {
    let mut holds = Vec::new();
    for entry in fs::read_dir(dir)? {
        let file = entry?.file_name();
        let file = file.to_string_lossy();
        if let Some(name) = name_of(&file) {
            holds.push(Hold { name: name.into(), ..read(&dir.join(&*file)) });
        }
    }
    holds.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(holds)
}

fn read(path: &Path) -> Hold {
    let hold = fs::read(path).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
    hold.unwrap_or_else(|| Hold {
        name: "".into(),
        reason: "not readable".into(),
        by: "".into(),
        since: "".into(),
    })
}

/// Whole or not at all.
fn write(dir: &Path, name: &str, hold: &Hold) -> io::Result<()> {
    let unfinished = dir.join(format!("{name}{UNFINISHED}"));
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
