use super::fields::{bytes, key};

/// The `sha-256` of a `Content-Digest` (RFC 9530 §2). Others beside it are not looked at.
pub(crate) fn sha256_of(text: &str) -> Option<[u8; 32]> {
    let mut found = None;
    for member in text.split(',') {
        let (algorithm, rest) = key(member.trim_matches([' ', '\t']))?;
        let (digest, rest) = bytes(rest.strip_prefix('=')?)?;
        if !rest.is_empty() {
            return None;
        }
        if algorithm == "sha-256" && found.replace(<[u8; 32]>::try_from(digest).ok()?).is_some() {
            return None;
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::digest::{SHA256, digest};

    use super::*;

    /// RFC 9530, appendix D.
    const GOOD: &str = "sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:";

    #[test]
    fn the_digest_of_rfc_9530() {
        let expected = digest(&SHA256, br#"{"hello": "world"}"#);
        assert_eq!(sha256_of(GOOD).unwrap(), expected.as_ref());
        assert!(sha256_of(&format!("unknown=:Zg==:, {GOOD}")).is_some());
    }

    #[test]
    fn what_has_no_one_sha_256_is_refused() {
        for text in [
            "",
            "sha-512=:Zg==:",
            "sha-256=:Zg==:",
            "sha-256=X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=",
            &format!("{GOOD}, {GOOD}"),
            &format!("{GOOD},"),
            &format!("{GOOD};x"),
            &GOOD.replace("sha", "SHA"),
        ] {
            assert_eq!(sha256_of(text), None, "{text}");
        }
    }
}
