use crate::Denial;
use crate::jws::{JwsError, MAX_TOKEN};

/// Whether a token is one that only its issuer can read: a bearer token (RFC 6750 §2.1) that is no compact JWS.
/// Encrypted tokens are.
pub(in super::super) fn is_opaque(token: &str) -> bool {
    token.bytes().filter(|byte| *byte == b'.').count() != 2
}

/// What no provider has issued is not asked about.
pub(super) fn check(token: &str) -> Result<(), Denial> {
    if token.len() > MAX_TOKEN {
        return Err(JwsError::TooLarge.into());
    }
    let text = token.trim_end_matches('=');
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/".contains(&byte);
    if text.is_empty() || !text.bytes().all(allowed) {
        return Err(JwsError::Malformed.into());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_bearer_token_is_refused_unasked() {
        for good in ["mF_9.B5f-4.1JqM", "abc==", "a", "a~b+c/d"] {
            assert!(check(good).is_ok(), "{good}");
        }
        for bad in ["", "=", "a b", "a=b", "a\"b", "täglich", "a,b"] {
            assert!(check(bad).is_err(), "{bad}");
        }
        assert!(check(&"a".repeat(MAX_TOKEN + 1)).is_err());
    }

    #[test]
    fn three_parts_make_a_jws() {
        assert!(!is_opaque("a.b.c") && is_opaque("abc") && is_opaque("a.b.c.d.e") && is_opaque("a.b"));
    }
}
