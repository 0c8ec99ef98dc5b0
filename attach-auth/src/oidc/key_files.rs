//! The last good key set of each issuer, on disk: a service that restarts while its provider is away goes on.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_lc_rs::digest::{SHA256, digest};
use bytes::Bytes;

use crate::clock::since_epoch;
use crate::hex::hex;

/// First word of a file's first line; what follows is when the set was fetched, in seconds since the epoch, and the
/// issuer. The set itself comes after the line, byte for byte.
const MARK: &str = "attach-jwks-1";
/// More than a key set that is read from a provider may have.
const MAX_FILE: u64 = (1 << 20) + 4096;
/// How far in the future a set may have been fetched, for a clock that was set back.
const MAX_AHEAD: Duration = Duration::from_secs(5 * 60);

/// A folder in which key sets outlive the process.
///
/// Whoever can write there can sign in as anybody: it belongs to the service's own user, with mode 0700. A file that
/// others can write is not read.
///
/// ```
/// use attach_auth::oidc::KeyFiles;
///
/// # fn example(verifier: attach_auth::OidcVerifier) -> attach_auth::OidcVerifier {
/// let verifier = verifier.key_files(KeyFiles::new("/var/lib/service/jwks"));
/// # verifier
/// # }
/// ```
#[derive(Debug, Clone)]
#[must_use]
pub struct KeyFiles {
    folder: Arc<Path>,
}

impl KeyFiles {
    /// Files in `folder`, which exists. One per issuer, named by the hexadecimal SHA-256 of the issuer, mode 0600.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into().into() }
    }

    pub(super) fn of(&self, issuer: &Arc<str>) -> KeyFile {
        let name = digest(&SHA256, issuer.as_bytes());
        let path = self.folder.join(hex(name.as_ref())).with_extension("jwks");
        KeyFile { path, issuer: Arc::clone(issuer), busy: Arc::default() }
    }
}

/// One issuer's file.
#[derive(Debug)]
pub(super) struct KeyFile {
    path: PathBuf,
    issuer: Arc<str>,
    /// A write is under way. A disk that hangs holds up one thread, not one more each time.
    busy: Arc<AtomicBool>,
}

/// A key set as it was kept.
pub(super) struct Kept {
    pub(super) bytes: Bytes,
    /// How long ago it was fetched.
    pub(super) age: Duration,
}

impl KeyFile {
    /// The set, if there is one that can be read. Blocks: for the start of a service.
    pub(super) fn read(&self, now: SystemTime) -> Option<Kept> {
        match self.try_read(now) {
            Ok(kept) => Some(kept),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => {
                tracing::warn!(issuer = %self.issuer, %error, "the kept key set is not used");
                None
            }
        }
    }

    fn try_read(&self, now: SystemTime) -> io::Result<Kept> {
        let file = File::open(&self.path)?;
        only_ours(&file)?;
        let mut content = Vec::new();
        file.take(MAX_FILE).read_to_end(&mut content)?;
        let wrong = |what| io::Error::new(io::ErrorKind::InvalidData, what);
        let end = content.iter().position(|byte| *byte == b'\n').ok_or_else(|| wrong("no first line"))?;
        let bytes = Bytes::from(content.split_off(end + 1));
        let line = String::from_utf8(content).map_err(|_| wrong("the first line is not text"))?;
        let mut words = line.trim_end().splitn(3, ' ');
        if words.next() != Some(MARK) {
            return Err(wrong("of another version"));
        }
        let fetched = words.next().and_then(|word| word.parse().ok()).ok_or_else(|| wrong("no time"))?;
        if words.next() != Some(&*self.issuer) {
            return Err(wrong("of another issuer"));
        }
        let fetched = UNIX_EPOCH.checked_add(Duration::from_secs(fetched)).ok_or_else(|| wrong("no time"))?;
        match now.duration_since(fetched) {
            Ok(age) => Ok(Kept { bytes, age }),
            Err(ahead) if ahead.duration() <= MAX_AHEAD => Ok(Kept { bytes, age: Duration::ZERO }),
            Err(_) => Err(wrong("fetched in the future")),
        }
    }

    /// Writes the set beside the caller, in a thread of its own: a key set is fetched by a request.
    pub(super) fn write(&self, bytes: Bytes, now: SystemTime) {
        if self.busy.swap(true, Ordering::AcqRel) {
            return;
        }
        let (path, issuer, busy) = (self.path.clone(), Arc::clone(&self.issuer), Arc::clone(&self.busy));
        let work = move || {
            if let Err(error) = replace(&path, &head(now, &issuer), &bytes) {
                tracing::warn!(%issuer, %error, "the key set cannot be kept for the next start");
            }
            busy.store(false, Ordering::Release);
        };
        if std::thread::Builder::new().name("attach-jwks".to_owned()).spawn(work).is_err() {
            self.busy.store(false, Ordering::Release);
        }
    }
}

fn head(now: SystemTime, issuer: &str) -> String {
    format!("{MARK} {} {issuer}\n", since_epoch(now))
}

/// Whole or not at all: written beside it, then renamed.
fn replace(path: &Path, head: &str, bytes: &[u8]) -> io::Result<()> {
    let unfinished = path.with_extension("new");
    let mut options = OpenOptions::new();
    options.create(true).truncate(true).write(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    let mut file = options.open(&unfinished)?;
    file.write_all(head.as_bytes())?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(unfinished, path)
}

#[cfg(unix)]
fn only_ours(file: &File) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    if file.metadata()?.permissions().mode() & 0o022 == 0 {
        return Ok(());
    }
    Err(io::Error::new(io::ErrorKind::PermissionDenied, "others can write the file"))
}

#[cfg(not(unix))]
fn only_ours(_: &File) -> io::Result<()> {
    Ok(())
}
