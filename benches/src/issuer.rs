//! The identity provider of a run: one ES256 key, made at its start, and one token.

use std::time::{SystemTime, UNIX_EPOCH};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;

use crate::Result;

/// What tokens are for.
pub const AUDIENCE: &str = "api://bench";
/// Who signs them. Nobody asks there: the keys are given, or their URL is.
pub const ISSUER: &str = "https://issuer.bench.example";
/// Where the mock server publishes the keys.
pub const KEYS_PATH: &str = "/keys";

/// A signing key.
#[derive(Debug)]
pub struct Issuer(EcdsaKeyPair);

impl Issuer {
    /// A fresh one.
    ///
    /// # Errors
    ///
    /// When there is no randomness.
    pub fn new() -> Result<Self> {
        Ok(Self(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).map_err(|_| "no key")?))
    }

    /// The public key, as a JSON Web Key Set.
    #[must_use]
    pub fn jwks(&self) -> String {
        // An uncompressed point (SEC 1 §2.3.3): a tag and the two coordinates.
        let (x, y) = self.0.public_key().as_ref()[1..].split_at(32);
        json!({"keys": [{
            "kty": "EC", "crv": "P-256", "kid": "bench", "alg": "ES256", "use": "sig", "x": b64(x), "y": b64(y),
        }]})
        .to_string()
    }

    /// An access token for an hour, as RFC 9068 has it, of the size real ones have.
    ///
    /// # Errors
    ///
    /// When the key does not sign.
    pub fn token(&self, subject: &str) -> Result<String> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
        let header = json!({"alg": "ES256", "kid": "bench", "typ": "at+jwt"});
        let claims = json!({
            "iss": ISSUER, "sub": subject, "aud": AUDIENCE, "iat": now, "nbf": now, "exp": now + 3600,
            "jti": "AT.0pcsRSoB6wGm4Rk7EhXgNn1v", "client_id": "0oa1bench", "scope": "llm openid",
            "groups": ["Everyone", "eng", "AI-Power-Users"],
        });
        let signed = format!("{}.{}", b64(header.to_string()), b64(claims.to_string()));
        let signature =
            self.0.sign(&SystemRandom::new(), signed.as_bytes()).map_err(|_| "the key does not sign")?;
        Ok(format!("{signed}.{}", b64(signature)))
    }
}

fn b64(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}
