use std::fmt;

use aws_lc_rs::hmac;
use aws_lc_rs::signature::{ED25519, ParsedPublicKey};

use crate::ConfigError;
use crate::jws::is_small_order;

/// The shortest secret that is accepted, in bytes: as long as what it computes (RFC 2104 §3).
const MIN_SECRET: usize = 32;

/// A key by which a front end signs, and its name. `Debug` hides the key.
#[derive(Clone)]
pub struct SigningKey {
    id: Box<str>,
    key: Key,
}

#[derive(Clone)]
enum Key {
    Hmac(Box<hmac::Key>),
    Ed25519(ParsedPublicKey),
}

impl SigningKey {
    /// A secret that both sides know, for `hmac-sha256` (RFC 9421 §3.3.3).
    ///
    /// # Errors
    ///
    /// When it has fewer than 32 bytes, or `id` cannot be a `keyid`.
    pub fn hmac_sha256(id: &str, secret: &[u8]) -> Result<Self, ConfigError> {
        if secret.len() < MIN_SECRET {
            return Err(ConfigError::new(format!(
                "the secret of key `{id}` has fewer than {MIN_SECRET} bytes"
            )));
        }
        Self::new(id, Key::Hmac(Box::new(hmac::Key::new(hmac::HMAC_SHA256, secret))))
    }

    /// The 32 bytes of a public key, for `ed25519` (RFC 9421 §3.3.6).
    ///
    /// # Errors
    ///
    /// When it is no such key, or one that proves nothing, or `id` cannot be a `keyid`.
    pub fn ed25519(id: &str, public_key: &[u8]) -> Result<Self, ConfigError> {
        let wrong = || ConfigError::new(format!("key `{id}` is no public Ed25519 key"));
        if is_small_order(public_key) {
            return Err(wrong());
        }
        Self::new(id, Key::Ed25519(ParsedPublicKey::new(&ED25519, public_key).map_err(|_| wrong())?))
    }

    fn new(id: &str, key: Key) -> Result<Self, ConfigError> {
        let plain = |byte: u8| matches!(byte, b' '..=b'~') && !matches!(byte, b'"' | b'\\');
        if id.is_empty() || id.len() > 128 || !id.bytes().all(plain) {
            return Err(ConfigError::new(format!("`{}` cannot be the id of a key", id.escape_debug())));
        }
        Ok(Self { id: id.into(), key })
    }

    /// The key's name, as in the signature's `keyid`.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The algorithm, as in the signature's `alg` (RFC 9421 §6.2).
    #[must_use]
    pub fn algorithm(&self) -> &'static str {
        match self.key {
            Key::Hmac(_) => "hmac-sha256",
            Key::Ed25519(_) => "ed25519",
        }
    }

    /// Whether `signature` is by this key over `base`. Takes the same time however wrong an HMAC is.
    pub(super) fn verifies(&self, base: &[u8], signature: &[u8]) -> bool {
        match &self.key {
            Key::Hmac(key) => hmac::verify(key, base, signature).is_ok(),
            Key::Ed25519(key) => key.verify_sig(base, signature).is_ok(),
        }
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey")
            .field("id", &self.id)
            .field("algorithm", &self.algorithm())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_that_prove_nothing_are_refused() {
        assert!(SigningKey::hmac_sha256("k", &[7; 31]).is_err());
        assert!(SigningKey::hmac_sha256("k", &[7; 32]).is_ok());
        let mut identity = [0; 32];
        identity[0] = 1;
        assert!(SigningKey::ed25519("k", &identity).is_err());
        assert!(SigningKey::ed25519("k", &[7; 31]).is_err());
        for id in ["", "a\"b", "a\\b", "é", "a\nb"] {
            assert!(SigningKey::hmac_sha256(id, &[7; 32]).is_err(), "{id}");
        }
    }

    #[test]
    fn debug_hides_the_secret() {
        let key = SigningKey::hmac_sha256("k-1", b"hunter2hunter2hunter2hunter2hunter2").unwrap();
        let shown = format!("{key:?}");
        assert!(shown.contains("k-1") && !shown.contains("hunter") && !shown.contains("104"), "{shown}");
    }
}
