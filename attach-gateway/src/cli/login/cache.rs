//! Where tokens are kept: one private file for each (issuer, client, audience).

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::arguments::Which;
use super::error::LoginError;
use super::registration::Registration;
use super::session::Session;

/// How long one process waits for another one that refreshes.
const PATIENCE: Duration = Duration::from_secs(60);

/// No file of ours is longer.
const MAX_BYTES: u64 = 256 << 10;

/// The directory of logins: readable by its user only.
#[derive(Debug)]
pub(super) struct Cache {
    dir: PathBuf,
}

/// A login's place in the cache.
#[derive(Debug, Clone)]
pub(super) struct Entry(PathBuf);

impl Cache {
    /// Opens `ATTACH_LOGIN_DIR`, else the platform's place for state, and creates it with mode 0700.
    pub(super) fn open() -> Result<Self, LoginError> {
        let dir = place().ok_or_else(|| {
            LoginError::Refused("there is no home directory to keep tokens in; set ATTACH_LOGIN_DIR".into())
        })?;
        Self::at(dir)
    }

    pub(super) fn at(dir: PathBuf) -> Result<Self, LoginError> {
        create_private(&dir).map_err(|error| LoginError::Io("the directory of logins", error))?;
        let is =
            fs::symlink_metadata(&dir).map_err(|error| LoginError::Io("the directory of logins", error))?;
        if !is.is_dir() {
            return Err(LoginError::Refused(format!("{} is not a directory", dir.display())));
        }
        refuse_open(&dir, &is, "700")?;
        Ok(Self { dir })
    }

    /// Where the login of `registration` is kept.
    pub(super) fn entry(&self, registration: &Registration) -> Entry {
        Entry(self.dir.join(format!("{}.json", registration.digest())))
    }

    /// The one login that is meant.
    pub(super) fn select(&self, which: &Which) -> Result<(Entry, Session), LoginError> {
        let mut found = Vec::new();
        for file in
            fs::read_dir(&self.dir).map_err(|error| LoginError::Io("the directory of logins", error))?
        {
            let path = file.map_err(|error| LoginError::Io("the directory of logins", error))?.path();
            if path.extension().is_some_and(|extension| extension == "json") {
                let entry = Entry(path);
                let session = self.read(&entry)?;
                if which.fits(&session.registration) {
                    found.push((entry, session));
                }
            }
        }
        let several = found.len() > 1;
        match found.pop() {
            Some(one) if !several => Ok(one),
            Some(_) => Err(LoginError::Refused(
                "there are several logins; say which by --issuer, --client-id, --audience or --resource"
                    .into(),
            )),
            None => Err(LoginError::Again("nobody is logged in here; run attach-gateway login".into())),
        }
    }

    /// Reads what is kept.
    ///
    /// A link, or a file that others can read, is refused: tokens in it are somebody else's, or everybody's.
    pub(super) fn read(&self, entry: &Entry) -> Result<Session, LoginError> {
        let path = &entry.0;
        let failed = |error: io::Error| match error.kind() {
            io::ErrorKind::NotFound => {
                LoginError::Again("nobody is logged in here; run attach-gateway login".into())
            }
            _ => LoginError::Io("the login's file", error),
        };
        let is = fs::symlink_metadata(path).map_err(failed)?;
        if !is.is_file() {
            return Err(LoginError::Refused(format!(
                "{} is not a file of its own; delete it",
                path.display()
            )));
        }
        let file = File::open(path).map_err(failed)?;
        let opened = file.metadata().map_err(failed)?;
        if !same_file(&is, &opened) {
            return Err(LoginError::Refused(format!("{} changed while it was opened", path.display())));
        }
        refuse_open(path, &opened, "600")?;
        let mut json = Vec::new();
        file.take(MAX_BYTES).read_to_end(&mut json).map_err(failed)?;
        serde_json::from_slice(&json)
            .map_err(|_| LoginError::Again(format!("{} cannot be read; delete it", path.display())))
    }

    /// Replaces what is kept, whole or not at all.
    pub(super) fn write(&self, entry: &Entry, session: &Session) -> Result<(), LoginError> {
        let failed = |error| LoginError::Io("the login's file", error);
        let json = serde_json::to_vec(session).map_err(|error| failed(error.into()))?;
        // One writer at a time holds the lock, so what is in the way is of one that crashed.
        let unfinished = entry.0.with_extension("new");
        match fs::remove_file(&unfinished) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
            _ => {}
        }
        let mut file = private_file(&unfinished, true).map_err(failed)?;
        file.write_all(&json).and_then(|()| file.sync_all()).map_err(failed)?;
        fs::rename(&unfinished, &entry.0).map_err(failed)?;
        sync_dir(&self.dir).map_err(failed)
    }

    /// Forgets a login.
    pub(super) fn delete(&self, entry: &Entry) -> Result<(), LoginError> {
        fs::remove_file(&entry.0).map_err(|error| LoginError::Io("the login's file", error))
    }

    /// Keeps other processes from changing this login until the file that is returned is dropped.
    pub(super) async fn lock(&self, entry: &Entry) -> Result<File, LoginError> {
        let failed = |error| LoginError::Io("the login's lock", error);
        let file = private_file(&entry.0.with_extension("lock"), false).map_err(failed)?;
        let locked = async {
            loop {
                match file.try_lock() {
                    Ok(()) => return Ok(()),
                    Err(TryLockError::WouldBlock) => tokio::time::sleep(Duration::from_millis(20)).await,
                    Err(TryLockError::Error(error)) => return Err(failed(error)),
                }
            }
        };
        let waited = tokio::time::timeout(PATIENCE, locked).await;
        waited.map_err(|_| LoginError::Unreachable("another attach-gateway holds this login".into()))??;
        Ok(file)
    }
}

fn place() -> Option<PathBuf> {
    let variable = |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    variable("ATTACH_LOGIN_DIR")
        .or_else(|| variable("XDG_STATE_HOME").map(|base| base.join("attach/login")))
        .or_else(|| variable("HOME").map(|home| home.join(".local/state/attach/login")))
}

#[cfg(unix)]
fn create_private(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

#[cfg(not(unix))]
fn create_private(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).create(path)
}

#[cfg(unix)]
fn refuse_open(path: &Path, is: &fs::Metadata, mode: &str) -> Result<(), LoginError> {
    use std::os::unix::fs::PermissionsExt;
    if is.permissions().mode() & 0o077 == 0 {
        return Ok(());
    }
    Err(LoginError::Refused(format!("{} is open to others; chmod {mode} it", path.display())))
}

#[cfg(not(unix))]
fn refuse_open(_path: &Path, _is: &fs::Metadata, _mode: &str) -> Result<(), LoginError> {
    Ok(())
}

#[cfg(unix)]
fn same_file(one: &fs::Metadata, other: &fs::Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    (one.dev(), one.ino()) == (other.dev(), other.ino())
}

#[cfg(not(unix))]
fn same_file(one: &fs::Metadata, other: &fs::Metadata) -> bool {
    one.file_type() == other.file_type()
}

fn private_file(path: &Path, new: bool) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(new).create(true).truncate(false);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    options.open(path)
}

#[cfg(unix)]
fn sync_dir(dir: &Path) -> io::Result<()> {
    File::open(dir)?.sync_all()
}

#[cfg(not(unix))]
fn sync_dir(_dir: &Path) -> io::Result<()> {
    Ok(())
}
