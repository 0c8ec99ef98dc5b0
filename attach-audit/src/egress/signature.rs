use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// A key for signing what goes to a webhook; [Standard Webhooks](https://www.standardwebhooks.com), "Signature scheme".
#[derive(Clone)]
pub struct SigningKey(Hmac<Sha256>);

impl SigningKey {
    /// A key that begins with `whsec_` is base64 behind it; any other is used as it is.
    #[must_use]
    pub fn new(text: &str) -> Self {
        let decoded = text.strip_prefix("whsec_").and_then(|encoded| STANDARD.decode(encoded).ok());
        let key = decoded.as_deref().unwrap_or(text.as_bytes());
        // HMAC takes a key of any length (RFC 2104 section 2), so the other arm cannot be reached.
        let Ok(mac) = Hmac::new_from_slice(key) else { unreachable!("HMAC takes any key") };
        Self(mac)
    }

    /// `v1,` and the HMAC-SHA256 of the parts, one after another, in base64.
    #[must_use]
    pub fn sign(&self, parts: &[&[u8]]) -> String {
        let mut mac = self.0.clone();
        parts.iter().for_each(|part| mac.update(part));
        format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKey(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the specification.
    #[test]
    fn the_specifications_example_is_signed_alike() {
        let key = SigningKey::new("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
        let parts = ["msg_p5jXN8AQM9LWM0D4loKWxJek", ".", "1614265330", ".", r#"{"test": 2432232314}"#];
        let signed = key.sign(&parts.map(str::as_bytes));
        assert_eq!(signed, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
        assert_eq!(format!("{key:?}"), "SigningKey(…)");
    }
}
