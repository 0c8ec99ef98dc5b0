use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::config::Secret;

/// `v1,` and the HMAC-SHA256 of the parts, in base64 (Standard Webhooks, "Signature scheme"). A key that begins with
/// `whsec_` is base64 behind it; any other is used as it is.
pub(super) fn of(key: &Secret, parts: &[&str]) -> String {
    let text = key.expose();
    let decoded = text.strip_prefix("whsec_").and_then(|encoded| STANDARD.decode(encoded).ok());
    let key = decoded.unwrap_or_else(|| text.as_bytes().to_vec());
    let mut context = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, &key));
    parts.iter().for_each(|part| context.update(part.as_bytes()));
    format!("v1,{}", STANDARD.encode(context.sign()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the specification.
    #[test]
    fn the_specifications_example_is_signed_alike() {
        let key = Secret::new("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").expect("a secret");
        let body = r#"{"test": 2432232314}"#;
        let signed = of(&key, &["msg_p5jXN8AQM9LWM0D4loKWxJek", ".", "1614265330", ".", body]);
        assert_eq!(signed, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }
}
