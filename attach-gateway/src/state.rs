//! The one state directory: owned by one process, readable by its user only.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

/// A locked state directory. Another gateway on the same directory refuses to start.
#[derive(Debug)]
pub(crate) struct StateDir {
    path: PathBuf,
    /// Holds the lock for as long as the process lives.
    _lock: File,
}

impl StateDir {
    /// Opens `configured`, else the platform's place for state, creating it with mode 0700.
    pub(crate) fn open(configured: Option<&Path>) -> io::Result<Self> {
        let path = Self::place(configured);
        create_private(&path)?;
        let lock = private_file(&path.join("lock"))?;
        lock.try_lock().map_err(|_| {
            io::Error::new(
                io::ErrorKind::ResourceBusy,
                format!("{} is in use by another gateway", path.display()),
            )
        })?;
        Ok(Self { path, _lock: lock })
    }

    /// Where it is, whoever has it open.
    pub(crate) fn place(configured: Option<&Path>) -> PathBuf {
        configured.map_or_else(default_place, Path::to_path_buf)
    }

    /// The directory.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// A folder of the directory, created with mode 0700.
    pub(crate) fn folder(&self, name: &str) -> io::Result<PathBuf> {
        let path = self.path.join(name);
        create_private(&path)?;
        Ok(path)
    }

    /// A random key that stays the same as long as the directory does.
    pub(crate) fn key(&self, name: &str) -> io::Result<[u8; 32]> {
        let path = self.path.join(name);
        let mut key = [0; 32];
        match File::open(&path) {
            Ok(mut file) => file.read_exact(&mut key)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                aws_lc_rs::rand::fill(&mut key).map_err(|_| io::Error::other("no randomness"))?;
                // What was made with a key that is lost could not be found again.
                self.keep(name, &key)?;
            }
            Err(error) => return Err(error),
        }
        Ok(key)
    }

    /// Writes a file, durably; whole or not at all: one that was cut short by a crash would keep the gateway from
    /// starting.
    pub(crate) fn keep(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let unfinished = self.path.join(format!("{name}.new"));
        let mut file = private_file(&unfinished)?;
        file.set_len(0)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(unfinished, self.path.join(name))?;
        #[cfg(unix)]
        File::open(&self.path)?.sync_all()?;
        Ok(())
    }
}

fn default_place() -> PathBuf {
    let variable = |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    variable("STATE_DIRECTORY")
        .or_else(|| variable("XDG_STATE_HOME").map(|base| base.join("attach")))
        .or_else(|| variable("HOME").map(|home| home.join(".local/state/attach")))
        .unwrap_or_else(|| PathBuf::from("attach-state"))
}

#[cfg(unix)]
fn create_private(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
    DirBuilder::new().recursive(true).mode(0o700).create(path)?;
    if fs::metadata(path)?.permissions().mode() & 0o077 == 0 {
        return Ok(());
    }
    // An empty directory was made for us; one with other things in it may be somebody else's, such as /tmp.
    let ours = path.join("lock").exists() || fs::read_dir(path)?.next().is_none();
    if ours {
        return fs::set_permissions(path, fs::Permissions::from_mode(0o700));
    }
    let why = format!("{} can be read by others; chmod 700 it, or name another one", path.display());
    Err(io::Error::new(io::ErrorKind::PermissionDenied, why))
}

#[cfg(not(unix))]
fn create_private(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).create(path)
}

fn private_file(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.create(true).truncate(false).write(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    options.open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_directory_serves_one_gateway() {
        let dir = std::env::temp_dir().join(format!("attach-state-{}", std::process::id()));
        let first = StateDir::open(Some(&dir)).unwrap();
        assert!(StateDir::open(Some(&dir)).is_err());
        let key = first.key("pseudonym.key").unwrap();
        drop(first);
        assert_eq!(StateDir::open(Some(&dir)).unwrap().key("pseudonym.key").unwrap(), key);
        fs::remove_dir_all(dir).unwrap();
    }

    #[cfg(unix)]
    #[test]
    fn a_directory_that_others_can_read_is_refused() {
        use std::os::unix::fs::PermissionsExt;
        let dir = std::env::temp_dir().join(format!("attach-open-{}", std::process::id()));
        fs::create_dir_all(&dir).unwrap();
        fs::set_permissions(&dir, fs::Permissions::from_mode(0o755)).unwrap();
        fs::write(dir.join("somebody-elses"), "x").unwrap();
        assert!(StateDir::open(Some(&dir)).unwrap_err().to_string().contains("chmod 700"));
        fs::remove_dir_all(dir).unwrap();
    }
}
