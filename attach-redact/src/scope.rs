use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

use attach_core::Identity;

/// Whose placeholders these are: the same value gets another placeholder for another caller.
///
/// ```
/// use attach_redact::{Redactor, Scope};
///
/// let redactor = Redactor::builder().key(b"a key shared by all nodes").build()?;
/// let of = |scope: &Scope| redactor.redact_text(scope, "bob@example.org").expect("no fault").text().to_owned();
/// assert_eq!(of(&Scope::new("acme", "alice")), of(&Scope::new("acme", "alice")));
/// assert_ne!(of(&Scope::new("acme", "alice")), of(&Scope::new("acme", "carol")));
/// # Ok::<(), attach_redact::ConfigError>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Scope {
    directory: Box<str>,
    id: Box<str>,
}

impl Scope {
    /// The caller `id` of `directory`.
    #[must_use]
    pub fn new(directory: impl Into<Box<str>>, id: impl Into<Box<str>>) -> Self {
        Self { directory: directory.into(), id: id.into() }
    }

    /// Nobody in particular: a service without identities.
    #[must_use]
    pub fn anonymous() -> Self {
        Self::new("", "")
    }
}

impl From<&Identity> for Scope {
    fn from(identity: &Identity) -> Self {
        Self::new(&*identity.directory, &*identity.id)
    }
}

/// Names nobody.
impl fmt::Debug for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scope").finish_non_exhaustive()
    }
}

/// A key of HMAC-SHA256, absorbed once for all codes it makes; wiped when dropped.
#[derive(Clone)]
pub(crate) struct Key(Hmac<Sha256>);

impl Key {
    pub(crate) fn new(material: &[u8]) -> Self {
        // Whatever the length given, one digest long from here on.
        Self::of(&Zeroizing::new(Self(Hmac::new(&[0; 64].into())).mac(&[b"attach-redact key", material])))
    }

    /// The key for the placeholders of one caller.
    pub(crate) fn scoped(&self, scope: &Scope) -> Self {
        let parts: [&[u8]; 3] = [b"scope", scope.directory.as_bytes(), scope.id.as_bytes()];
        Self::of(&Zeroizing::new(self.mac(&parts)))
    }

    fn of(digest: &[u8; 32]) -> Self {
        // RFC 2104: a key of a block's length is used as it is.
        let mut block = Zeroizing::new([0; 64]);
        block[..32].copy_from_slice(digest);
        Self(Hmac::new((&*block).into()))
    }

    /// The code of `parts`; each is bound with its length.
    pub(crate) fn mac(&self, parts: &[&[u8]]) -> [u8; 32] {
        let mut hmac = self.0.clone();
        for part in parts {
            hmac.update(&(part.len() as u64).to_be_bytes());
            hmac.update(part);
        }
        hmac.finalize().into_bytes().into()
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_do_not_run_into_each_other() {
        let key = Key::new(b"0123456789abcdef");
        assert_ne!(key.mac(&[b"ab", b"c"]), key.mac(&[b"a", b"bc"]));
        let code = |directory: &str, id: &str| key.scoped(&Scope::new(directory, id)).mac(&[b"x"]);
        assert_ne!(code("a", "b"), code("ab", ""));
    }

    #[test]
    fn debug_shows_no_one_and_no_key() {
        let shown = format!("{:?} {:?}", Scope::new("acme", "alice"), Key::new(b"0123456789abcdef"));
        assert_eq!(shown, "Scope { .. } Key");
    }
}
