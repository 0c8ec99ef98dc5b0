use std::fmt;

use zeroize::Zeroizing;

use crate::Fault;

/// An access key of AWS, with the session token of a temporary one.
#[derive(Clone)]
#[must_use]
pub struct AccessKey {
    pub(super) id: Box<str>,
    pub(super) secret: Zeroizing<String>,
    pub(super) token: Option<Zeroizing<String>>,
}

impl AccessKey {
    /// The key `id` with its `secret`.
    pub fn new(id: impl Into<Box<str>>, secret: impl Into<String>) -> Self {
        Self { id: id.into(), secret: Zeroizing::new(secret.into()), token: None }
    }

    /// The token that a temporary key comes with.
    pub fn session_token(self, token: impl Into<String>) -> Self {
        Self { token: Some(Zeroizing::new(token.into())), ..self }
    }
}

impl fmt::Debug for AccessKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AccessKey")
    }
}

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

impl<F: Fn() -> Result<AccessKey, Fault> + Send + Sync + 'static> Credentials for F {
    fn access_key(&self) -> Result<AccessKey, Fault> {
        self()
    }
}
