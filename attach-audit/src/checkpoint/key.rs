use std::fmt;
use std::str::FromStr;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use ed25519_dalek::{Signature, VerifyingKey};
use sha2::{Digest, Sha256};

use super::NoteError;

/// The signature type of plain Ed25519.
pub(super) const ED25519: u8 = 1;

/// Who may sign checkpoints: a public key and its name.
///
/// Its text form is the one that [C2SP](https://c2sp.org/signed-note) tools share, `<name>+<key id>+<base64>`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifierKey {
    name: Box<str>,
    id: [u8; 4],
    key: VerifyingKey,
}

impl VerifierKey {
    pub(super) fn new(name: &str, key: VerifyingKey) -> Self {
        Self { name: name.into(), id: id(name, &key), key }
    }

    /// The key's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The key's id: the first four bytes of SHA-256 over the name, a newline, the signature type, the key.
    pub(super) fn id(&self) -> [u8; 4] {
        self.id
    }

    pub(super) fn verifies(&self, text: &str, signature: &[u8]) -> bool {
        let signature = Signature::from_slice(signature);
        signature.is_ok_and(|signature| self.key.verify_strict(text.as_bytes(), &signature).is_ok())
    }
}

fn id(name: &str, key: &VerifyingKey) -> [u8; 4] {
    let digest = Sha256::new().chain_update(name).chain_update([b'\n', ED25519]).chain_update(key).finalize();
    [digest[0], digest[1], digest[2], digest[3]]
}

/// A name that a note can carry.
pub(super) fn is_name(name: &str) -> bool {
    !name.is_empty() && !name.contains(|c: char| c == '+' || c.is_whitespace() || c.is_control())
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = [&[ED25519], self.key.as_bytes().as_slice()].concat();
        write!(f, "{}+{:08x}+{}", self.name, u32::from_be_bytes(self.id), BASE64_STANDARD.encode(key))
    }
}

impl FromStr for VerifierKey {
    type Err = NoteError;

    /// Reads the text form.
    fn from_str(text: &str) -> Result<Self, NoteError> {
        let read = || {
            // The base64 may have a plus, the name may not.
            let (name, rest) = text.trim().split_once('+').filter(|(name, _)| is_name(name))?;
            let (hex, key) = rest.split_once('+')?;
            let key: [u8; 33] = BASE64_STANDARD.decode(key).ok()?.try_into().ok()?;
            let [ED25519, key @ ..] = key else { return None };
            let key = VerifyingKey::from_bytes(&key).ok().filter(|key| !key.is_weak())?;
            let read = Self::new(name, key);
            (hex.len() == 8 && u32::from_str_radix(hex, 16) == Ok(u32::from_be_bytes(read.id)))
                .then_some(read)
        };
        read().ok_or(NoteError::Key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_of_gos_checksum_database_reads_back() {
        let text = "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8";
        let key: VerifierKey = text.parse().expect("a key");
        assert_eq!((key.name(), key.to_string().as_str()), ("sum.golang.org", text));
        for bad in ["sum.golang.org", "a b+033de0ae+AA==", &text.replace("033de0ae", "033de0af"), &text[..60]]
        {
            assert_eq!(bad.parse::<VerifierKey>(), Err(NoteError::Key), "{bad}");
        }
    }
}
