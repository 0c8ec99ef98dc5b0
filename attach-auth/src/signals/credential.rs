use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{SHA256, digest};

use crate::ConfigError;
use crate::throttle::Throttle;

/// The shortest secret, in characters.
const MIN_LENGTH: usize = 32;
/// The least surprise in a secret, in bits: what thirty-two random hexadecimal digits have, with room.
const MIN_BITS: f64 = 96.0;
/// Requests by one credential at once, and the time until there may be one more.
const RATE: (u32, Duration) = (500, Duration::from_millis(10));

/// What a directory shows when it sends signals: a bearer secret that is good for that directory only.
///
/// Two secrets may be good at a time, so that one can take the other's place without a gap. Only their hashes are
/// held.
///
/// ```
/// use attach_auth::signals::{SignalCredential, SignalSecret};
///
/// let old = SignalSecret::of_text("4f0c2a7be91d58360f6d7a1bc03e9285")?;
/// let new = SignalSecret::of_text("b7315d0e8c6a94f2215e7fd09a3b86c4")?;
/// let credential = SignalCredential::new("okta-scim", "acme", old).and(new)?;
/// assert_eq!(&**credential.directory(), "acme");
/// # Ok::<(), attach_auth::ConfigError>(())
/// ```
#[must_use]
pub struct SignalCredential {
    name: Arc<str>,
    directory: Arc<str>,
    secrets: Vec<SignalSecret>,
    throttle: Throttle,
}

/// The hash of one secret, and how long it is good.
#[derive(Clone, PartialEq, Eq)]
#[must_use]
pub struct SignalSecret {
    hash: [u8; 32],
    expires_at: Option<SystemTime>,
}

impl SignalCredential {
    /// The credential called `name` in the audit trail, good for `directory`.
    pub fn new(name: impl Into<Arc<str>>, directory: impl Into<Arc<str>>, secret: SignalSecret) -> Self {
        let throttle = Throttle::new(RATE.0, RATE.1);
        Self { name: name.into(), directory: directory.into(), secrets: vec![secret], throttle }
    }

    /// With another secret, which is to take the first one's place.
    ///
    /// # Errors
    ///
    /// When it is the third, or the first one again.
    pub fn and(mut self, secret: SignalSecret) -> Result<Self, ConfigError> {
        let name = &self.name;
        if self.secrets.len() == 2 {
            return Err(ConfigError::new(format!("`{name}` has three secrets: remove the oldest first")));
        }
        if self.secrets.iter().any(|other| other.hash == secret.hash) {
            return Err(ConfigError::new(format!("`{name}` has the same secret twice")));
        }
        self.secrets.push(secret);
        Ok(self)
    }

    /// What the audit trail calls it.
    #[must_use]
    pub fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// The one directory it is good for.
    #[must_use]
    pub fn directory(&self) -> &Arc<str> {
        &self.directory
    }

    /// Takes one of the requests it may make; the time until there is one if there is none.
    pub(super) fn take(&self) -> Result<(), Duration> {
        self.throttle.take()
    }

    /// The credential of `all` that `secret` is of. Looks at every one, whichever it is.
    pub(super) fn find<'c>(all: &'c [Self], secret: &str, now: SystemTime) -> Option<&'c Self> {
        let hash = digest(&SHA256, secret.as_bytes());
        let mut found = None;
        for credential in all {
            for secret in &credential.secrets {
                let same = verify_slices_are_equal(&secret.hash, hash.as_ref()).is_ok();
                if same && secret.expires_at.is_none_or(|expires_at| now < expires_at) {
                    found = Some(credential);
                }
            }
        }
        found
    }
}

impl SignalSecret {
    /// The secret itself, as it was given to the directory.
    ///
    /// # Errors
    ///
    /// When it is short, could be guessed, or cannot be sent as a bearer token (RFC 6750 §2.1).
    pub fn of_text(secret: &str) -> Result<Self, ConfigError> {
        let wrong = |why: &str| {
            let hint = "make one with `openssl rand -hex 32`";
            Err(ConfigError::new(format!("the secret of a signal's credential {why}: {hint}")))
        };
        if !secret.bytes().all(|byte| byte.is_ascii_graphic()) {
            return wrong("has characters that no bearer token has");
        }
        if secret.len() < MIN_LENGTH {
            return wrong("is shorter than 32 characters");
        }
        if surprise(secret) < MIN_BITS {
            return wrong("repeats itself so much that it could be guessed");
        }
        let mut hash = [0; 32];
        hash.copy_from_slice(digest(&SHA256, secret.as_bytes()).as_ref());
        Ok(Self { hash, expires_at: None })
    }

    /// The SHA-256 of the secret, in hexadecimal, where the configuration does not hold the secret itself.
    ///
    /// # Errors
    ///
    /// When it is not 64 hexadecimal digits.
    pub fn of_sha256(hex: &str) -> Result<Self, ConfigError> {
        let wrong = || ConfigError::new("the hash of a signal's secret is not 64 hexadecimal digits");
        let digits: Vec<u32> =
            hex.chars().map(|digit| digit.to_digit(16)).collect::<Option<_>>().ok_or_else(wrong)?;
        let bytes = digits.chunks_exact(2).map(|pair| pair.iter().fold(0, |byte, digit| byte * 16 + digit));
        let bytes: Vec<u8> = bytes.filter_map(|byte| u8::try_from(byte).ok()).collect();
        let hash = <[u8; 32]>::try_from(bytes).ok().filter(|_| digits.len() == 64).ok_or_else(wrong)?;
        Ok(Self { hash, expires_at: None })
    }

    /// The same secret, refused from `expires_at` on.
    pub fn until(mut self, expires_at: SystemTime) -> Self {
        self.expires_at = Some(expires_at);
        self
    }
}

/// Shannon's measure of the characters, in bits.
#[allow(clippy::cast_precision_loss, reason = "lengths of secrets are small")]
fn surprise(text: &str) -> f64 {
    let length = text.len() as f64;
    let mut counts = [0_usize; 256];
    text.bytes().for_each(|byte| counts[usize::from(byte)] += 1);
    let of = |count: usize| count as f64 * (length / count as f64).log2();
    counts.into_iter().filter(|count| *count > 0).map(of).sum()
}

impl fmt::Debug for SignalCredential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignalCredential")
            .field("name", &self.name)
            .field("directory", &self.directory)
            .field("secrets", &self.secrets.len())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for SignalSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignalSecret").field("expires_at", &self.expires_at).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "4f0c2a7be91d58360f6d7a1bc03e9285";
    const OTHER: &str = "b7315d0e8c6a94f2215e7fd09a3b86c4";

    fn credential(name: &str, secret: &str) -> SignalCredential {
        SignalCredential::new(name, name, SignalSecret::of_text(secret).expect("a good secret"))
    }

    #[test]
    fn secrets_that_could_be_guessed_are_refused_with_a_way_out() {
        for bad in ["", "tiny", "0123456789abcdef0123456789abcde", &"a".repeat(64), &format!("{GOOD} {GOOD}")]
        {
            let error = SignalSecret::of_text(bad).expect_err(bad).to_string();
            assert!(error.contains("openssl") && (bad.is_empty() || !error.contains(bad)), "{error}");
        }
        assert!(SignalSecret::of_text(GOOD).is_ok());
    }

    #[test]
    fn a_hash_finds_the_secret_it_is_of() {
        let hex: String =
            digest(&SHA256, GOOD.as_bytes()).as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
        let hashed = SignalSecret::of_sha256(&hex).expect("a hash");
        assert!(hashed == SignalSecret::of_text(GOOD).expect("a secret"));
        for bad in ["", "zz", &hex[1..], &format!("{hex}0"), &format!("{hex}00")] {
            assert!(SignalSecret::of_sha256(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn two_secrets_are_good_at_once_and_a_third_is_refused() {
        let second = SignalSecret::of_text(OTHER).expect("a secret");
        let all = [credential("acme", GOOD).and(second.clone()).expect("two")];
        let now = SystemTime::now();
        assert!(SignalCredential::find(&all, GOOD, now).is_some());
        assert!(SignalCredential::find(&all, OTHER, now).is_some());
        assert!(SignalCredential::find(&all, "else", now).is_none());
        let [both] = all;
        assert!(both.and(SignalSecret::of_text(&format!("{OTHER}x")).expect("a secret")).is_err());
        assert!(credential("acme", OTHER).and(second).is_err());
    }

    #[test]
    fn a_secret_that_is_over_finds_nobody() {
        let now = SystemTime::now();
        let secret = SignalSecret::of_text(GOOD).expect("a secret").until(now);
        let all = [SignalCredential::new("acme", "acme", secret)];
        assert!(SignalCredential::find(&all, GOOD, now).is_none());
        assert!(SignalCredential::find(&all, GOOD, now - Duration::from_secs(1)).is_some());
    }

    #[test]
    fn debug_shows_no_hash() {
        let shown = format!("{:?}", credential("acme", GOOD));
        assert!(!shown.contains(GOOD) && !shown.contains("hash"), "{shown}");
    }
}
