use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use super::ballast;
use crate::private::private;

/// Where a [`Log`](crate::Log) keeps its segments: a directory, or whatever a test puts in its place.
pub trait Storage: Send + 'static {
    /// The names of all files.
    ///
    /// # Errors
    ///
    /// If they cannot be listed.
    fn list(&self) -> io::Result<Vec<String>>;

    /// Reads a file from its beginning. What is read has been made durable before.
    ///
    /// # Errors
    ///
    /// If it cannot be read.
    fn read(&self, name: &str) -> io::Result<Box<dyn Read>>;

    /// Creates a file that must not exist, and makes its name durable.
    ///
    /// # Errors
    ///
    /// If it cannot be created.
    fn create(&self, name: &str) -> io::Result<Box<dyn Segment>>;

    /// Removes a file, if that is possible.
    fn remove(&self, name: &str);

    /// Keeps `bytes` of space for [`release`](Self::release); nothing to do if they are kept already. Storage that
    /// cannot be full by itself need not do this.
    ///
    /// # Errors
    ///
    /// If there is no such space.
    fn reserve(&self, bytes: u64) -> io::Result<()> {
        let _ = bytes;
        Ok(())
    }

    /// Gives the space back that was kept; false if there was none.
    fn release(&self) -> bool {
        false
    }
}

/// A file being written.
pub trait Segment: Send + 'static {
    /// Appends all of `bytes`.
    ///
    /// # Errors
    ///
    /// If they could not all be written; the file is not used again then.
    fn append(&mut self, bytes: &[u8]) -> io::Result<()>;

    /// Makes durable what was appended.
    ///
    /// # Errors
    ///
    /// If it could not be; the file is not used again then.
    fn sync(&mut self) -> io::Result<()>;
}

/// A directory on a disk, locked against a second writer.
#[derive(Debug)]
pub struct Disk {
    dir: PathBuf,
    _lock: File,
}

impl Disk {
    /// Locks `dir`, which is created (mode 0700) if need be.
    ///
    /// # Errors
    ///
    /// If it cannot be created or locked; [`io::ErrorKind::WouldBlock`] if another process writes there.
    pub fn open(dir: &Path) -> io::Result<Self> {
        let mut builder = DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(dir)?;
        let lock = private().create(true).truncate(false).open(dir.join("audit.lock"))?;
        lock.try_lock().map_err(|error| match error {
            fs::TryLockError::WouldBlock => {
                io::Error::new(io::ErrorKind::WouldBlock, format!("{} has a writer already", dir.display()))
            }
            fs::TryLockError::Error(error) => error,
        })?;
        Ok(Self { dir: dir.to_owned(), _lock: lock })
    }
}

impl Storage for Disk {
    fn list(&self) -> io::Result<Vec<String>> {
        let names =
            fs::read_dir(&self.dir)?.map(|entry| Ok(entry?.file_name().into_string().unwrap_or_default()));
        names.collect()
    }

    fn read(&self, name: &str) -> io::Result<Box<dyn Read>> {
        // Opened for writing too, because some platforms only sync such a file.
        let file = OpenOptions::new().read(true).write(true).open(self.dir.join(name))?;
        file.sync_data()?;
        Ok(Box::new(file))
    }

    fn create(&self, name: &str) -> io::Result<Box<dyn Segment>> {
        let file = private().create_new(true).open(self.dir.join(name))?;
        #[cfg(unix)]
        File::open(&self.dir)?.sync_all()?;
        Ok(Box::new(file))
    }

    fn remove(&self, name: &str) {
        // It stays, then: its successor says that it does not count.
        let _ = fs::remove_file(self.dir.join(name));
    }

    fn reserve(&self, bytes: u64) -> io::Result<()> {
        ballast::reserve(&self.dir, bytes)
    }

    fn release(&self) -> bool {
        ballast::release(&self.dir)
    }
}

impl Segment for File {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.write_all(bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.sync_data()
    }
}
