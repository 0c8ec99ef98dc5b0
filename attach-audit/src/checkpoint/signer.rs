use std::fmt;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::Path;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use ed25519_dalek::{Signer as _, SigningKey};
use zeroize::Zeroizing;

use super::key::{ED25519, is_name};
use super::note::signed;
use super::{Checkpoint, VerifierKey};
use crate::chain::Hash;
use crate::private::private;

/// What the text form begins with; that of Go's `golang.org/x/mod/sumdb/note`.
const PREFIX: &str = "PRIVATE+KEY+";
/// A key file is not longer than this.
const LONGEST: u64 = 4096;

/// Signs checkpoints with Ed25519 (RFC 8032). The key is wiped from memory with it.
pub struct Signer {
    key: SigningKey,
    public: VerifierKey,
}

impl Signer {
    /// The key in the file `path`; if there is none, a new one of this name is made (mode 0600). By convention the
    /// name is `attach/<node>`.
    ///
    /// The file holds `PRIVATE+KEY+<name>+<key id>+<base64>`, as Go's `note` tools write it. A key keeps the name it
    /// was made with.
    ///
    /// # Errors
    ///
    /// If the file cannot be read or made, is no key, or (on Unix) others may read it; if the name is empty or has
    /// spaces or a `+` in it.
    pub fn open(path: &Path, name: &str) -> io::Result<Self> {
        match Self::load(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Self::create(path, name),
            found => found,
        }
    }

    /// The key in the file `path`.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open), and if there is none.
    pub fn load(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        #[cfg(unix)]
        if std::os::unix::fs::PermissionsExt::mode(&file.metadata()?.permissions()) & 0o077 != 0 {
            let why = format!("{} can be read by others; chmod 600 it", path.display());
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, why));
        }
        let mut text = Zeroizing::new(String::with_capacity(256));
        file.take(LONGEST).read_to_string(&mut text)?;
        Self::read(text.trim_end()).ok_or_else(|| {
            io::Error::new(io::ErrorKind::InvalidData, format!("{} is no signing key", path.display()))
        })
    }

    fn create(path: &Path, name: &str) -> io::Result<Self> {
        if !is_name(name) {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "no name for a signing key"));
        }
        let mut seed = Zeroizing::new([0; 32]);
        getrandom::fill(&mut *seed).map_err(|error| io::Error::other(error.to_string()))?;
        let signer = Self::new(name, &seed);
        match publish(path, signer.secret().as_bytes()) {
            // Somebody else was first, and theirs is the key.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Self::load(path),
            published => published.map(|()| signer),
        }
    }

    fn new(name: &str, seed: &[u8; 32]) -> Self {
        let key = SigningKey::from_bytes(seed);
        let public = VerifierKey::new(name, key.verifying_key());
        Self { key, public }
    }

    fn read(text: &str) -> Option<Self> {
        let (name, rest) = text.strip_prefix(PREFIX)?.split_once('+').filter(|(name, _)| is_name(name))?;
        let (id, key) = rest.split_once('+')?;
        let key = Zeroizing::new(BASE64_STANDARD.decode(key).ok()?);
        let (&kind, seed) = key.split_first()?;
        let signer = Self::new(name, seed.try_into().ok()?);
        (kind == ED25519 && *id == hex(signer.public.id())).then_some(signer)
    }

    /// The text form, with a newline.
    fn secret(&self) -> Zeroizing<String> {
        let key = Zeroizing::new([&[ED25519], self.key.as_bytes().as_slice()].concat());
        let base64 = Zeroizing::new(BASE64_STANDARD.encode(&*key));
        let (name, id) = (self.public.name(), hex(self.public.id()));
        Zeroizing::new(format!("{PREFIX}{name}+{id}+{}\n", *base64))
    }

    /// What its signatures are verified with.
    #[must_use]
    pub fn verifier_key(&self) -> &VerifierKey {
        &self.public
    }

    /// The signed note for the first `size` records of a chain.
    pub(crate) fn checkpoint(&self, chain: &str, size: u64, root: Hash) -> String {
        let text = Checkpoint::new(chain, size, root).to_string();
        signed(&text, &self.public, &self.key.sign(text.as_bytes()).to_bytes())
    }
}

/// Writes a file that was not there: whole or not at all, for a key that a crash cut short would keep the program from
/// starting; and durable, for what a key that is lost has signed cannot be verified.
fn publish(path: &Path, text: &[u8]) -> io::Result<()> {
    let unfinished = path.with_extension(format!("{}.new", uuid::Uuid::now_v7()));
    let mut file = private().create_new(true).open(&unfinished)?;
    file.write_all(text)
        .and_then(|()| file.sync_all())
        .inspect_err(|_| drop(fs::remove_file(&unfinished)))?;
    // Unlike a rename, a link replaces nothing.
    match fs::hard_link(&unfinished, path) {
        Ok(()) => fs::remove_file(&unfinished)?,
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            fs::remove_file(&unfinished)?;
            return Err(error);
        }
        // Some file systems have no links.
        Err(_) => fs::rename(&unfinished, path)?,
    }
    #[cfg(unix)]
    if let Some(dir) = path.parent() {
        let dir = if dir.as_os_str().is_empty() { Path::new(".") } else { dir };
        File::open(dir)?.sync_all()?;
    }
    Ok(())
}

fn hex(id: [u8; 4]) -> String {
    format!("{:08x}", u32::from_be_bytes(id))
}

/// Shows the public key only.
impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signer").field("public", &self.public.to_string()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checkpoint::Note;

    struct Place(std::path::PathBuf);

    impl Place {
        fn new() -> Self {
            let place = std::env::temp_dir().join(format!("attach-signer-{}", uuid::Uuid::now_v7()));
            fs::create_dir_all(&place).expect("a place");
            Self(place)
        }
    }

    impl Drop for Place {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn a_key_is_made_once_and_what_it_signs_verifies() {
        let place = Place::new();
        let path = place.0.join("audit.key");
        let first = Signer::open(&path, "attach/n").expect("made");
        let again = Signer::open(&path, "attach/other").expect("read");
        assert_eq!(first.verifier_key(), again.verifier_key());
        let note = again.checkpoint("n-1", 7, Hash::of(b"x"));
        let note = Note::parse(&note).expect("a note");
        let vkey: VerifierKey = first.verifier_key().to_string().parse().expect("a key");
        assert_eq!(note.verify(std::slice::from_ref(&vkey)), Ok(&vkey));
        assert_eq!(Checkpoint::parse(note.text()).map(|c| (c.size(), c.root())), Ok((7, Hash::of(b"x"))));
        let shown = format!("{first:?}");
        let secret = first.secret();
        let (_, base64) = secret.trim_end().rsplit_once('+').expect("parts");
        assert!(!shown.contains(base64) && shown.contains("attach/n+"), "{shown}");
    }

    #[test]
    fn whoever_makes_a_key_at_the_same_time_gets_the_same_one() {
        for _ in 0..20 {
            let place = Place::new();
            let path = place.0.join("audit.key");
            let barrier = std::sync::Barrier::new(4);
            let keys: Vec<_> = std::thread::scope(|scope| {
                let open = || {
                    barrier.wait();
                    Signer::open(&path, "attach/n").expect("made or read").verifier_key().to_string()
                };
                let threads: Vec<_> = (0..4).map(|_| scope.spawn(open)).collect();
                threads.into_iter().map(|thread| thread.join().expect("no panic")).collect()
            });
            let kept = Signer::load(&path).expect("there").verifier_key().to_string();
            assert!(keys.iter().all(|key| *key == kept), "{keys:?}");
            assert_eq!(fs::read_dir(&place.0).expect("there").count(), 1, "nothing is left over");
        }
    }

    #[test]
    fn a_file_that_is_no_key_is_not_replaced() {
        let place = Place::new();
        let path = place.0.join("audit.key");
        let good = Signer::open(&path, "attach/n").expect("made").secret().to_string();
        for bad in ["", "x", &good[..40], &good.replace("attach/n", "attach/m")] {
            fs::write(&path, bad).expect("written");
            let error = Signer::open(&path, "attach/n").expect_err("it is none");
            assert_eq!(error.kind(), io::ErrorKind::InvalidData, "{bad}");
        }
        assert!(Signer::open(&place.0.join("new"), "a b").is_err());
    }

    #[cfg(unix)]
    #[test]
    fn a_key_that_others_can_read_is_refused() {
        use std::os::unix::fs::PermissionsExt;
        let place = Place::new();
        let path = place.0.join("audit.key");
        Signer::open(&path, "attach/n").expect("made");
        assert_eq!(fs::metadata(&path).expect("there").permissions().mode() & 0o777, 0o600);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).expect("set");
        assert!(Signer::load(&path).expect_err("refused").to_string().contains("chmod 600"));
    }
}
