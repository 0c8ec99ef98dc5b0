use attach_core::json::{Document, Kind, Value};

use super::thumbprint::thumbprint;
use crate::jws::{Compact, KeySet, decode};

/// The longest proof that is looked at, in bytes.
const MAX_PROOF: usize = 4096;

/// The longest `jti`, in bytes.
const MAX_JTI: usize = 256;

/// A proof whose signature is good; what it is for is not looked at yet.
pub(super) struct Proof {
    claims: Document,
    /// Of the key that signed it.
    pub(super) thumbprint: String,
}

impl Proof {
    /// Reads a proof and verifies it by its own key (RFC 9449 §4.3, 2 to 7).
    ///
    /// # Errors
    ///
    /// The reason, for the audit trail.
    pub(super) fn verify(text: &str) -> Result<Self, &'static str> {
        if text.len() > MAX_PROOF {
            return Err("dpop_malformed");
        }
        let mut compact = Compact::parse(text).map_err(|_| "dpop_malformed")?;
        if compact.typ.as_deref() != Some("dpop+jwt") {
            return Err("dpop_typ");
        }
        let header = text.split('.').next().and_then(decode).ok_or("dpop_malformed")?;
        let header = Document::parse(header.into()).map_err(|_| "dpop_malformed")?;
        let jwk = header.root().get("jwk").filter(|jwk| jwk.kind() == Kind::Object).ok_or("dpop_jwk")?;
        // Refuses private and symmetric keys, and weak ones.
        let key = KeySet::parse_single(jwk.raw()).map_err(|_| "dpop_jwk")?;
        // There is one key, whatever it is called.
        compact.kid = None;
        key.check(&compact).map_err(|_| "dpop_signature")?;
        let claims = Document::parse(compact.payload().map_err(|_| "dpop_malformed")?.into());
        let claims =
            claims.ok().filter(|claims| claims.root().kind() == Kind::Object).ok_or("dpop_malformed")?;
        Ok(Self { claims, thumbprint: thumbprint(jwk).ok_or("dpop_jwk")? })
    }

    /// A claim that is text.
    pub(super) fn text(&self, claim: &str) -> Option<String> {
        self.claims.root().get(claim).and_then(Value::as_str).map(Into::into)
    }

    /// When it was made, in seconds since the epoch.
    pub(super) fn iat(&self) -> Option<u64> {
        let seconds = self.claims.root().get("iat").filter(|iat| iat.kind() == Kind::Number)?.as_f64()?;
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "saturates, and is compared with now"
        )]
        (seconds >= 0.0).then_some(seconds as u64)
    }

    pub(super) fn jti(&self) -> Option<String> {
        self.text("jti").filter(|jti| (1..=MAX_JTI).contains(&jti.len()))
    }
}
