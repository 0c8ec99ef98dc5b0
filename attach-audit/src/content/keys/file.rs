//! A person's key file.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use age::x25519::Recipient;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use crate::private::private;

/// What is on disk about a person.
#[derive(Clone, Default, Serialize, Deserialize)]
pub(in crate::content) struct PersonFile {
    v: u8,
    /// The newest is the last: what is sealed from now on is sealed to it.
    pub(super) keys: Vec<PersonKey>,
    /// Who they are, encrypted to the newest key.
    profile: String,
    pub(super) profile_hmac: String,
}

#[derive(Clone, Serialize, Deserialize)]
pub(super) struct PersonKey {
    pub(super) recipient: String,
    /// Whom the private half is encrypted to.
    pub(super) auditors: Vec<String>,
    identity: String,
}

impl PersonFile {
    pub(in crate::content) fn read(path: &Path) -> io::Result<Option<Self>> {
        match fs::read(path) {
            Ok(bytes) => Ok(Some(serde_json::from_slice(&bytes)?)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The private keys, each encrypted.
    pub(in crate::content) fn identities(&self) -> impl Iterator<Item = Vec<u8>> + '_ {
        self.keys.iter().filter_map(|key| STANDARD.decode(&key.identity).ok())
    }

    /// Who they are, encrypted.
    pub(in crate::content) fn profile(&self) -> Vec<u8> {
        STANDARD.decode(&self.profile).unwrap_or_default()
    }

    pub(super) fn add(&mut self, recipient: String, auditors: Vec<String>, identity: &[u8]) {
        self.keys.push(PersonKey { recipient, auditors, identity: STANDARD.encode(identity) });
    }

    pub(super) fn describe(&mut self, profile: &[u8], hmac: &str) {
        self.profile = STANDARD.encode(profile);
        hmac.clone_into(&mut self.profile_hmac);
    }

    /// Replaces the file, whole or not at all; durable afterwards.
    pub(super) fn write(&mut self, path: &Path) -> io::Result<()> {
        self.v = 1;
        let unfinished = unfinished(path);
        let mut file = private().create(true).truncate(true).open(&unfinished)?;
        file.write_all(&serde_json::to_vec(self)?)?;
        file.sync_all()?;
        fs::rename(&unfinished, path)?;
        path.parent().map_or(Ok(()), sync)
    }
}

pub(in crate::content) fn path(dir: &Path, name: &str) -> PathBuf {
    dir.join(format!("{name}.json"))
}

/// What is to replace the file, while it is written.
pub(super) fn unfinished(path: &Path) -> PathBuf {
    path.with_extension("new")
}

/// Makes durable what was renamed or removed in a folder.
pub(super) fn sync(dir: &Path) -> io::Result<()> {
    #[cfg(unix)]
    File::open(dir)?.sync_all()?;
    Ok(())
}

pub(super) fn encrypt(recipients: &[Recipient], text: &[u8]) -> io::Result<Vec<u8>> {
    let recipients = recipients.iter().map(|recipient| recipient as &dyn age::Recipient);
    let encryptor = age::Encryptor::with_recipients(recipients).map_err(io::Error::other)?;
    let mut sealed = Vec::new();
    let mut writer = encryptor.wrap_output(&mut sealed)?;
    writer.write_all(text)?;
    writer.finish()?;
    Ok(sealed)
}
