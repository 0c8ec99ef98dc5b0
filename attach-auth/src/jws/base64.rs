use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// Decodes base64url as RFC 7515 §2 has it: no padding, no white space, no bits that mean nothing.
pub(crate) fn decode(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_but_one_is_refused() {
        assert_eq!(decode("Zg").as_deref(), Some(b"f".as_slice()));
        for other in ["Zg==", "Zg=", "Zh", "Z", "Zg\n", " Zg", "+_8", "/_8"] {
            assert_eq!(decode(other), None, "{other}");
        }
    }
}
