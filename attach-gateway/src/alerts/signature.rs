use attach_audit::egress::SigningKey;

use crate::config::Secret;

/// `v1,` and the HMAC-SHA256 of the parts, in base64, as audit records at a webhook are signed.
pub(super) fn of(key: &Secret, parts: &[&str]) -> String {
    let parts: Vec<_> = parts.iter().map(|part| part.as_bytes()).collect();
    SigningKey::new(key.expose()).sign(&parts)
}
