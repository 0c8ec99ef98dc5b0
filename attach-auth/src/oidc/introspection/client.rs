use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::HeaderValue;

use super::super::url;
use crate::ConfigError;

/// How a provider is asked about tokens that cannot be verified here (RFC 7662): opaque ones, and those of an
/// issuer whose keys are not for us.
///
/// ```
/// use attach_auth::oidc::Introspection;
/// use attach_auth::{IssuerConfig, Preset};
///
/// let issuer = IssuerConfig::new(Preset::Generic, "https://idp.example", ["api://llm".to_owned()])?
///     .introspection(Introspection::new("gateway", "a secret from somewhere safe"));
/// # let _ = issuer;
/// # Ok::<(), attach_auth::ConfigError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct Introspection {
    client_id: Box<str>,
    secret: ClientSecret,
    pub(super) endpoint: Option<Box<str>>,
    pub(in super::super) every_token: bool,
    pub(super) missing_audience: bool,
    pub(super) missing_type: bool,
}

impl Introspection {
    /// By this client of the provider, which authenticates with `client_secret_basic` (RFC 6749 §2.3.1).
    pub fn new(client_id: impl Into<Box<str>>, secret: impl Into<ClientSecret>) -> Self {
        Self {
            client_id: client_id.into(),
            secret: secret.into(),
            endpoint: None,
            every_token: false,
            missing_audience: false,
            missing_type: false,
        }
    }

    /// Where to ask, instead of where the discovery document says (`introspection_endpoint`, RFC 8414 §2).
    ///
    /// # Errors
    ///
    /// When it is not an `https` URL (`http` on loopback).
    pub fn endpoint(mut self, url: &str) -> Result<Self, ConfigError> {
        url::checked("introspection endpoint", url)?;
        self.endpoint = Some(url.into());
        Ok(self)
    }

    /// Whether the provider is asked about the issuer's JWTs as well, instead of verifying them by its keys: a round
    /// trip each half minute, for a revocation at the provider that counts within it.
    pub fn every_token(mut self, every: bool) -> Self {
        self.every_token = every;
        self
    }

    /// Whether an answer without `aud`, which RFC 7662 leaves to the provider, is good. Only where the provider
    /// answers this client about tokens for this service and no other.
    pub fn accept_missing_audience(mut self, accept: bool) -> Self {
        self.missing_audience = accept;
        self
    }

    /// Whether an answer that does not say what kind of token it is about is good. Only where the provider answers
    /// `active` about no refresh token.
    pub fn accept_missing_type(mut self, accept: bool) -> Self {
        self.missing_type = accept;
        self
    }

    /// The client the provider knows us as.
    #[must_use]
    pub fn client_id(&self) -> &str {
        &self.client_id
    }

    /// What works, but hardly is meant.
    pub(in super::super) fn warning(&self) -> Option<&'static str> {
        if self.missing_type {
            return Some(
                "answers that do not say what kind of token they are about are accepted, refresh tokens too",
            );
        }
        let warning =
            "answers without `aud` are accepted: a token for another service of the provider is good here";
        self.missing_audience.then_some(warning)
    }

    /// `client_secret_basic`: both parts form-urlencoded, then base64 (RFC 6749 §2.3.1).
    pub(super) fn authorization(&self) -> Option<HeaderValue> {
        let pair = format!("{}:{}", form_value(&self.client_id), form_value(&self.secret.0));
        let mut value = HeaderValue::try_from(format!("Basic {}", STANDARD.encode(pair))).ok()?;
        value.set_sensitive(true);
        Some(value)
    }
}

impl fmt::Display for Introspection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = self.endpoint.as_deref().unwrap_or("the endpoint of the discovery document");
        write!(f, "introspection at {at} as client {}, its secret hidden", self.client_id)?;
        for (on, what) in [
            (self.every_token, "of JWTs as well"),
            (self.missing_audience, "answers without aud accepted"),
            (self.missing_type, "answers without token_type accepted"),
        ] {
            if on {
                write!(f, ", {what}")?;
            }
        }
        Ok(())
    }
}

/// A client's secret. It has no `Display`, and its `Debug` shows nothing.
#[derive(Clone, PartialEq, Eq)]
pub struct ClientSecret(Box<str>);

impl From<&str> for ClientSecret {
    fn from(secret: &str) -> Self {
        Self(secret.into())
    }
}

impl From<String> for ClientSecret {
    fn from(secret: String) -> Self {
        Self(secret.into())
    }
}

impl fmt::Debug for ClientSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClientSecret")
    }
}

/// A value of `application/x-www-form-urlencoded` (RFC 6749, appendix B).
pub(super) fn form_value(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_escaped_before_they_are_joined() {
        // RFC 6749, appendix B.
        assert_eq!(form_value(" %&+£€"), "+%25%26%2B%C2%A3%E2%82%AC");
        let client = Introspection::new("a:b", "s/ecret+");
        let header = client.authorization().expect("a header");
        assert!(header.is_sensitive());
        let encoded = header.to_str().expect("ASCII").strip_prefix("Basic ").expect("the scheme").to_owned();
        assert_eq!(STANDARD.decode(encoded).expect("base64"), b"a%3Ab:s%2Fecret%2B");
    }

    #[test]
    fn debug_hides_the_secret() {
        assert!(!format!("{:?}", Introspection::new("gateway", "hunter2")).contains("hunter2"));
    }

    #[test]
    fn an_endpoint_is_reached_by_https() {
        assert!(Introspection::new("a", "b").endpoint("http://idp.example/introspect").is_err());
        assert!(Introspection::new("a", "b").endpoint("https://idp.example/introspect").is_ok());
    }
}
