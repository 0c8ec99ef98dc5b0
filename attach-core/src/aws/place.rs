use std::fmt::Write as _;

/// Whether `text` may be the name of a region, such as `eu-central-1`: what is not must not become part of a host.
#[must_use]
pub fn is_region(text: &str) -> bool {
    let known = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=32).contains(&text.len()) && text.bytes().all(known)
}

/// The domain that `region`'s public endpoints are under.
#[must_use]
pub fn public_domain(region: &str) -> &'static str {
    if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" }
}

/// `text` as one segment of a path: all but RFC 3986's unreserved characters percent-encoded, the slashes and colons of
/// an ARN too.
#[must_use]
pub fn path_segment(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_arn_is_one_segment() {
        assert_eq!(path_segment("arn:aws:x/y é"), "arn%3Aaws%3Ax%2Fy%20%C3%A9");
    }

    #[test]
    fn a_region_cannot_name_another_host() {
        assert!(is_region("eu-central-1"));
        for wrong in ["", "eu central", "eu.evil.example/", "EU", &"e".repeat(33)] {
            assert!(!is_region(wrong), "{wrong:?}");
        }
    }
}
