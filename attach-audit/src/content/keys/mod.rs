//! The key pairs of people, of which only the auditors have the private halves.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use age::secrecy::ExposeSecret;
use age::x25519::{Identity as Secret, Recipient};
use attach_core::Identity;

mod file;
mod profile;

pub(super) use self::file::{PersonFile, path};
pub use self::profile::Profile;

use super::Key;

/// More people than this are not remembered at a time; their files are read again.
const REMEMBERED: usize = 65_536;

/// A folder with one file per person: their private key, encrypted to the auditors, and who they are, encrypted to
/// them. A file's name does not show whose it is.
pub struct PeopleKeys {
    dir: PathBuf,
    key: Key,
    auditors: Vec<Recipient>,
    known: Mutex<HashMap<String, Known>>,
}

struct Known {
    recipient: Recipient,
    /// A digest of what the file says about them.
    profile: String,
}

impl PeopleKeys {
    /// The folder `dir`, which is created (mode 0700) if need be. Nothing can be sealed before there are
    /// [`auditors`](Self::auditors), and anybody's key can be destroyed.
    ///
    /// # Errors
    ///
    /// If the folder cannot be made.
    pub fn open(dir: &Path, key: Key) -> io::Result<Self> {
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(dir)?;
        Ok(Self { dir: dir.to_owned(), key, auditors: Vec::new(), known: Mutex::default() })
    }

    /// Sets who can read: the public keys, `age1…`. People whose keys were made for others get a new key each; what
    /// was sealed to the old one can be read by those it was made for.
    ///
    /// # Errors
    ///
    /// If one is no X25519 recipient of age.
    pub fn auditors<'a>(mut self, keys: impl IntoIterator<Item = &'a str>) -> io::Result<Self> {
        let parse = |key: &str| {
            key.parse().map_err(|why: &str| {
                io::Error::new(io::ErrorKind::InvalidInput, format!("{key:?} is no age recipient: {why}"))
            })
        };
        self.auditors = keys.into_iter().map(parse).collect::<io::Result<_>>()?;
        Ok(self)
    }

    pub(super) fn can_seal(&self) -> bool {
        !self.auditors.is_empty()
    }

    /// Encrypts `texts` to the person's key, which is made if there is none; of nobody, to the auditors themselves.
    /// The name of the key's file comes with it.
    pub(super) fn seal(
        &self,
        whose: Option<&Identity>,
        texts: [&[u8]; 2],
    ) -> io::Result<(Option<String>, [Vec<u8>; 2])> {
        let Some(identity) = whose else {
            return Ok((None, [self.to_auditors(texts[0])?, self.to_auditors(texts[1])?]));
        };
        let (name, recipient) = self.recipient(identity)?;
        let seal = |text| age::encrypt(&recipient, text).map_err(io::Error::other);
        Ok((Some(name), [seal(texts[0])?, seal(texts[1])?]))
    }

    /// Destroys somebody's key. False if there was none.
    pub(super) fn erase(&self, directory: &str, id: &str) -> io::Result<bool> {
        let mut known = self.lock();
        let name = self.key.name(directory, id);
        known.remove(&name);
        // A crash may have left the keys in a file that was to replace this one.
        let unfinished = remove(&file::unfinished(&self.path(&name)))?;
        let erased = remove(&self.path(&name))?;
        file::sync(&self.dir)?;
        Ok(erased || unfinished)
    }

    fn recipient(&self, identity: &Identity) -> io::Result<(String, Recipient)> {
        let name = self.key.name(&identity.directory, &identity.id);
        let about = serde_json::to_vec(&Profile::of(identity))?;
        let profile = self.key.digest(&about);
        let path = self.path(&name);
        let mut known = self.lock();
        if known.len() >= REMEMBERED {
            known.clear();
        }
        match known.entry(name.clone()) {
            // The file may have been deleted by hand: a key that nobody has must not be used on.
            Entry::Occupied(known) if known.get().profile == profile && path.exists() => {
                Ok((name, known.get().recipient.clone()))
            }
            entry => {
                let recipient = self.prepare(&path, &about, &profile)?;
                entry.insert_entry(Known { recipient: recipient.clone(), profile });
                Ok((name, recipient))
            }
        }
    }

    /// Brings the file up to date: it has a key for these auditors, and says who the person is today.
    fn prepare(&self, path: &Path, about: &[u8], profile: &str) -> io::Result<Recipient> {
        let found = PersonFile::read(path)?;
        let mut file = found.clone().unwrap_or_default();
        let auditors: Vec<_> = self.auditors.iter().map(ToString::to_string).collect();
        let current = file.keys.last().filter(|key| key.auditors == auditors);
        let recipient = match current.and_then(|key| key.recipient.parse().ok()) {
            Some(recipient) => recipient,
            None => {
                let secret = Secret::generate();
                let wrapped = self.to_auditors(secret.to_string().expose_secret().as_bytes())?;
                file.add(secret.to_public().to_string(), auditors, &wrapped);
                secret.to_public()
            }
        };
        let (keys_before, profile_before) =
            found.as_ref().map_or((0, ""), |found| (found.keys.len(), found.profile_hmac.as_str()));
        if file.keys.len() != keys_before || profile_before != profile {
            let about = age::encrypt(&recipient, about).map_err(io::Error::other)?;
            file.describe(&about, profile);
            file.write(path)?;
        }
        Ok(recipient)
    }

    fn to_auditors(&self, text: &[u8]) -> io::Result<Vec<u8>> {
        file::encrypt(&self.auditors, text)
    }

    fn path(&self, name: &str) -> PathBuf {
        path(&self.dir, name)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// False if there is no such file.
fn remove(path: &Path) -> io::Result<bool> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        removed => removed.map(|()| true),
    }
}

/// Whether `key` is one that can be sealed to: an X25519 recipient of age, `age1…`.
#[must_use]
pub fn is_recipient(key: &str) -> bool {
    key.parse::<Recipient>().is_ok()
}

/// A new key pair for an auditor: the public key, and the private one as `age-keygen` would write it to a file.
#[must_use]
pub fn keygen() -> (String, String) {
    let secret = Secret::generate();
    let public = secret.to_public().to_string();
    let file = format!("# public key: {public}\n{}\n", secret.to_string().expose_secret());
    (public, file)
}

impl fmt::Debug for PeopleKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PeopleKeys").field("auditors", &self.auditors.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn erasing_leaves_no_copy_of_a_key_that_a_crash_left_behind() {
        let dir = std::env::temp_dir().join(format!("attach-people-{}", uuid::Uuid::now_v7()));
        let (auditor, _) = keygen();
        let people = PeopleKeys::open(&dir, Key::new(&[7; 32])).expect("a folder");
        let people = people.auditors([&*auditor]).expect("a key");
        let path = people.path(&people.key.name("d", "u"));
        people.prepare(&path, b"{}", "x").expect("made");
        // What is left of a crash between writing and renaming.
        fs::copy(&path, path.with_extension("new")).expect("copied");
        assert!(people.erase("d", "u").expect("erased"));
        assert_eq!(fs::read_dir(&dir).expect("there").count(), 0, "no copy of the key");
        assert!(!people.erase("d", "u").expect("nothing there"));
        fs::remove_dir_all(dir).expect("removed");
    }
}
