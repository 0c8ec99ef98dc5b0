use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use openidconnect::core::CoreTokenResponse;
use openidconnect::{NonceVerifier, OAuth2TokenResponse as _, TokenResponse as _};
use serde::{Deserialize, Serialize};

use super::error::{LoginError, printable};
use super::provider::{Provider, Verified};
use super::registration::Registration;

/// How long a token is taken to be good that does not say.
const UNKNOWN_LIFETIME: Duration = Duration::from_secs(300);

/// What a file of the cache holds.
#[derive(Serialize, Deserialize)]
pub(super) struct Session {
    #[serde(flatten)]
    pub(super) registration: Registration,
    /// Who is logged in, as the provider calls them.
    pub(super) subject: Option<String>,
    /// What `token` prints.
    pub(super) token: String,
    /// When it ends, in seconds since 1970.
    pub(super) expires_at: u64,
    pub(super) refresh_token: Option<String>,
}

/// What a provider gave: verified, not yet kept.
pub(super) struct Grant {
    access_token: String,
    id_token: Option<String>,
    refresh_token: Option<String>,
    expires_in: Option<Duration>,
    verified: Option<Verified>,
}

impl Grant {
    /// Takes what is in `response`, after verifying the ID token in it.
    pub(super) fn new(
        provider: &Provider,
        response: &CoreTokenResponse,
        nonce: impl NonceVerifier,
    ) -> Result<Self, LoginError> {
        let access = response.access_token();
        let id_token = response.id_token();
        let verified = id_token.map(|token| provider.verify(token, nonce, access)).transpose()?;
        Ok(Self {
            access_token: access.secret().clone(),
            id_token: id_token.map(ToString::to_string),
            refresh_token: response.refresh_token().map(|token| token.secret().clone()),
            expires_in: response.expires_in(),
            verified,
        })
    }

    /// Whether there was an ID token.
    pub(super) fn is_verified(&self) -> bool {
        self.verified.is_some()
    }

    /// What is to be kept.
    pub(super) fn into_session(self, provider: &Provider) -> Result<Session, LoginError> {
        let registration = provider.registration().clone();
        let (token, expires_at) = match (registration.id_token, self.id_token, &self.verified) {
            (false, ..) => {
                let end = expiry(&self.access_token, self.expires_in);
                (self.access_token, end)
            }
            (true, Some(token), Some(verified)) => (token, verified.expires_at),
            (true, ..) => return Err(LoginError::Refused("the provider gave no ID token".into())),
        };
        // It goes into a header and onto a terminal.
        if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(LoginError::Refused("the provider's token has characters that no token has".into()));
        }
        let subject = self.verified.map(|verified| verified.subject);
        Ok(Session { registration, subject, token, expires_at, refresh_token: self.refresh_token })
    }

    /// What is to be kept in the place of `old`, which was refreshed: of the same person (Core §12.2), with the old
    /// refresh token if there is no new one (RFC 6749 §6).
    pub(super) fn renew(self, provider: &Provider, old: &Session) -> Result<Session, LoginError> {
        let mut new = self.into_session(provider)?;
        if new.subject.is_some() && old.subject.is_some() && new.subject != old.subject {
            return Err(LoginError::Again("the provider refreshed the token with somebody else's".into()));
        }
        new.subject = new.subject.or_else(|| old.subject.clone());
        new.refresh_token = new.refresh_token.or_else(|| old.refresh_token.clone());
        Ok(new)
    }
}

impl Session {
    /// How long the token is still good.
    pub(super) fn left(&self) -> Duration {
        Duration::from_secs(self.expires_at.saturating_sub(now()))
    }

    /// What the person is told.
    pub(super) fn greeting(&self) -> String {
        let who =
            self.subject.as_deref().map_or(String::new(), |subject| format!(" as {}", printable(subject)));
        let minutes = self.left().as_secs().div_ceil(60);
        let after = match self.refresh_token {
            Some(_) => "and is refreshed when needed",
            None => {
                "and cannot be refreshed: the provider gave no refresh token (ask for offline_access, allow it to the \
                 client there, or try --prompt consent)"
            }
        };
        format!("logged in{who}; the token is good for {minutes} min {after}")
    }
}

/// Seconds since 1970.
pub(super) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

/// The earlier of what the provider says and what the token says, if it can be looked into.
fn expiry(token: &str, expires_in: Option<Duration>) -> u64 {
    #[derive(Deserialize)]
    struct Claims {
        exp: u64,
    }
    let claims = token.split('.').nth(1).and_then(|part| URL_SAFE_NO_PAD.decode(part).ok());
    let inside =
        claims.and_then(|json| serde_json::from_slice::<Claims>(&json).ok()).map(|claims| claims.exp);
    let said = expires_in.map(|lifetime| now().saturating_add(lifetime.as_secs()));
    let unknown = || now() + UNKNOWN_LIFETIME.as_secs();
    said.into_iter().chain(inside).min().unwrap_or_else(unknown)
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("registration", &self.registration)
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Grant").field("expires_in", &self.expires_in).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn jwt(claims: &str) -> String {
        format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(claims))
    }

    #[test]
    fn a_token_ends_when_the_provider_or_the_token_says_whichever_is_earlier() {
        let soon = now() + 30;
        let token = jwt(&format!(r#"{{"exp":{soon}}}"#));
        assert_eq!(expiry(&token, Some(Duration::from_secs(3600))), soon);
        assert!(expiry(&token, Some(Duration::from_secs(5))) < soon);
        assert!(expiry("opaque", None) <= now() + 300);
        assert!(expiry(&jwt("[]"), Some(Duration::from_secs(60))) >= now() + 59);
        assert!(expiry("opaque", Some(Duration::MAX)) > soon);
    }
}
