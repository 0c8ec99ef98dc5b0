use std::time::SystemTime;

use attach_core::aws::{AccessKey, Keys};

use crate::Fault;

/// Where access keys come from. Closures are such places: for keys that somebody renews.
///
/// ```
/// use std::sync::{Arc, RwLock};
///
/// use attach_redact::Fault;
/// use attach_redact::remote::bedrock::{AccessKey, Credentials};
///
/// let current = Arc::new(RwLock::new(AccessKey::new("ASIAEXAMPLE", "secret").session_token("token")));
/// let renewed = Arc::clone(&current);
/// let credentials = move || current.read().map(|key| key.clone()).map_err(|_| Fault::new("no key"));
/// # fn takes(_: impl Credentials) {}
/// # takes(credentials);
/// # drop(renewed);
/// ```
pub trait Credentials: Send + Sync + 'static {
    /// The key in force now; asked for each signature, so it must not block.
    ///
    /// # Errors
    ///
    /// When there is none: the engine counts as down.
    fn access_key(&self) -> Result<AccessKey, Fault>;
}

impl Credentials for AccessKey {
    fn access_key(&self) -> Result<AccessKey, Fault> {
        Ok(self.clone())
    }
}

/// Keys that somebody renews.
impl Credentials for Keys {
    fn access_key(&self) -> Result<AccessKey, Fault> {
        self.at(SystemTime::now()).map_err(|none| Fault::new(none.to_string()))
    }
}

impl<F: Fn() -> Result<AccessKey, Fault> + Send + Sync + 'static> Credentials for F {
    fn access_key(&self) -> Result<AccessKey, Fault> {
        self()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_key_the_engine_is_down() {
        let keys = Keys::none();
        assert!(keys.access_key().is_err());
        keys.set(AccessKey::new("ASIAEXAMPLE", "secret"), Some(SystemTime::UNIX_EPOCH));
        assert!(keys.access_key().is_err(), "it has expired");
        keys.set(AccessKey::new("ASIAEXAMPLE", "secret"), None);
        assert!(keys.access_key().is_ok());
    }
}
