use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::chain::write_hex;
use crate::record::Digest;

/// The key of a node, or of all nodes of a cluster, that digests are made under.
///
/// Who has it can show that a text is the one a record is about; who has not cannot even guess at a short text, as a
/// plain hash would let them.
#[derive(Clone)]
pub struct Key {
    digests: Hmac<Sha256>,
    names: Hmac<Sha256>,
    id: [u8; 4],
}

impl Key {
    /// A key of these 32 random bytes.
    #[must_use]
    pub fn new(secret: &[u8; 32]) -> Self {
        // Texts are other people's choice: no text may lead to a key, so the secret itself never meets one.
        let derive = |label: &[u8]| {
            let mut derived = keyed(secret);
            derived.update(label);
            <[u8; 32]>::from(derived.finalize().into_bytes())
        };
        let id = derive(b"attach-audit content key id");
        Self {
            digests: keyed(&derive(b"attach-audit content digests")),
            names: keyed(&derive(b"attach-audit people")),
            id: [id[0], id[1], id[2], id[3]],
        }
    }

    /// The digest of a text as records have it: `hmac-sha256:<key id>:<64 hex digits>`.
    #[must_use]
    pub fn digest(&self, text: &[u8]) -> String {
        String::from_utf8_lossy(&self.digested(text).text()).into_owned()
    }

    /// The same, as it is kept until it is written.
    pub(super) fn digested(&self, text: &[u8]) -> Digest {
        self.end(self.begin().chain_update(text))
    }

    pub(super) fn begin(&self) -> Hmac<Sha256> {
        self.digests.clone()
    }

    pub(super) fn end(&self, running: Hmac<Sha256>) -> Digest {
        Digest { key: self.id, mac: running.finalize().into_bytes().into() }
    }

    /// A file name for somebody, which does not show who.
    pub(super) fn name(&self, directory: &str, id: &str) -> String {
        let mut mac = self.names.clone();
        mac.update(&(directory.len() as u64).to_be_bytes());
        mac.update(directory.as_bytes());
        mac.update(id.as_bytes());
        hex(&mac.finalize().into_bytes())
    }
}

fn keyed(key: &[u8; 32]) -> Hmac<Sha256> {
    // HMAC fills a shorter key up with zeros (RFC 2104).
    let mut block = [0; 64];
    block[..32].copy_from_slice(key);
    Hmac::new(&block.into())
}

fn hex(bytes: &[u8]) -> String {
    let mut hex = vec![0; bytes.len() * 2];
    write_hex(bytes, &mut hex);
    String::from_utf8(hex).unwrap_or_default()
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key").field("id", &hex(&self.id)).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_depends_on_the_key_and_names_it() {
        let (one, other) = (Key::new(&[1; 32]), Key::new(&[2; 32]));
        assert_eq!(one.digest(b"text"), one.clone().digest(b"text"));
        assert_ne!(one.digest(b"text"), one.digest(b"Text"));
        assert_ne!(one.digest(b"text"), other.digest(b"text"));
        let digest = one.digest(b"text");
        let parts: Vec<_> = digest.split(':').collect();
        assert_eq!((parts[0], parts[1].len(), parts[2].len()), ("hmac-sha256", 8, 64));
    }

    #[test]
    fn a_name_is_of_the_pair() {
        let key = Key::new(&[1; 32]);
        assert_ne!(key.name("ab", "c"), key.name("a", "bc"));
        assert_eq!(key.name("a", "b").len(), 64);
    }
}
