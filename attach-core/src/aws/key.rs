use std::fmt;

use aws_credential_types::Credentials;

/// An access key of AWS, with the session token of a temporary one. Its memory is overwritten when the last clone goes.
#[derive(Clone)]
#[must_use]
pub struct AccessKey(Credentials);

impl AccessKey {
    /// The key `id` with its `secret`.
    pub fn new(id: impl Into<String>, secret: impl Into<String>) -> Self {
        Self(Credentials::new(id, secret, None, None, "attach"))
    }

    /// The token that a temporary key comes with.
    pub fn session_token(self, token: impl Into<String>) -> Self {
        let key = self.0;
        let token = Some(token.into());
        Self(Credentials::new(key.access_key_id(), key.secret_access_key(), token, None, "attach"))
    }

    /// Whether `text` repeats its secret or its token.
    #[must_use]
    pub fn is_in(&self, text: &[u8]) -> bool {
        let secrets = [Some(self.0.secret_access_key()), self.0.session_token()];
        let mut known = secrets.into_iter().flatten().filter(|secret| !secret.is_empty());
        known.any(|secret| memchr::memmem::find(text, secret.as_bytes()).is_some())
    }

    pub(super) fn credentials(&self) -> Credentials {
        self.0.clone()
    }
}

/// Not even the id.
impl fmt::Debug for AccessKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AccessKey")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_nothing_of_a_key() {
        let key = AccessKey::new("AKIDEXAMPLE", "hunter2").session_token("token");
        assert_eq!(format!("{key:?}"), "AccessKey");
    }
}
