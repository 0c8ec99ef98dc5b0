use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::SystemTime;

use super::AccessKey;

/// The access key in force, for all who sign with it: one that lasts, or one that somebody renews.
///
/// Clones share it. A key that has expired is no key.
#[derive(Clone)]
#[must_use]
pub struct Keys(Arc<RwLock<Option<Held>>>);

struct Held {
    key: AccessKey,
    until: Option<SystemTime>,
}

/// There is no key: none has come yet, or the last has expired.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct NoKey;

impl Keys {
    /// None yet, until [`set`](Self::set) brings one.
    pub fn none() -> Self {
        Self(Arc::default())
    }

    /// Puts `key` in force, `until` it expires.
    pub fn set(&self, key: AccessKey, until: Option<SystemTime>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Some(Held { key, until });
    }

    /// The key in force at `time`.
    ///
    /// # Errors
    ///
    /// When there is none.
    pub fn at(&self, time: SystemTime) -> Result<AccessKey, NoKey> {
        let held = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let good = held.as_ref().filter(|held| held.until.is_none_or(|until| time < until));
        good.map(|held| held.key.clone()).ok_or(NoKey)
    }

    /// Whether somebody else holds it as well.
    #[must_use]
    pub fn is_shared(&self) -> bool {
        Arc::strong_count(&self.0) > 1
    }

    /// Whether `text` repeats the secret, or the token of a temporary key.
    #[must_use]
    pub fn is_in(&self, text: &[u8]) -> bool {
        let held = self.0.read().unwrap_or_else(PoisonError::into_inner);
        held.as_ref().is_some_and(|held| held.key.is_in(text))
    }
}

impl From<AccessKey> for Keys {
    fn from(key: AccessKey) -> Self {
        Self(Arc::new(RwLock::new(Some(Held { key, until: None }))))
    }
}

/// Nothing of a key.
impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keys")
    }
}

impl fmt::Display for NoKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("there is no access key of AWS that is still good")
    }
}

impl std::error::Error for NoKey {}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_key_is_in_force_until_it_expires_and_everybody_sees_the_next() {
        let (keys, now) = (Keys::none(), SystemTime::now());
        let others = keys.clone();
        assert_eq!(others.at(now).err(), Some(NoKey));
        keys.set(AccessKey::new("AKIDEXAMPLE", "first-secret"), Some(now + Duration::from_secs(60)));
        assert!(others.at(now).is_ok() && others.is_in(b"... first-secret ..."));
        assert_eq!(others.at(now + Duration::from_secs(60)).err(), Some(NoKey));
        keys.set(AccessKey::new("AKIDEXAMPLE", "second-secret"), None);
        assert!(others.at(now + Duration::from_secs(60)).is_ok() && !others.is_in(b"first-secret"));
    }
}
