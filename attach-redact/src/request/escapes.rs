//! The escapes of JSON in a text that is not JSON to us, and may be to others.

/// The text with the characters that its `\u` escapes stand for (RFC 8259, section 7); `None` if it has none. Others hide
/// nothing but the ends of lines.
pub(super) fn resolved(text: &str) -> Option<String> {
    let mut parts = text.split("\\u");
    let mut out = parts.next()?.to_owned();
    let mut found = false;
    for part in parts {
        let code = part.get(..4).filter(|code| code.bytes().all(|byte| byte.is_ascii_hexdigit()));
        let letter = code.and_then(|code| u32::from_str_radix(code, 16).ok()).and_then(char::from_u32);
        match (letter, part.get(4..)) {
            (Some(letter), Some(rest)) => {
                found = true;
                out.push(letter);
                out.push_str(rest);
            }
            _ => out.extend(["\\u", part]),
        }
    }
    found.then_some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_what_they_stand_for() {
        assert_eq!(resolved(r"jane\u0040example.com").as_deref(), Some("jane@example.com"));
        assert_eq!(resolved(r"\u006A\u0061ne \uZZZZ\u00").as_deref(), Some(r"jane \uZZZZ\u00"));
        assert_eq!(resolved(r"no\n escape \ud83d"), None);
        assert_eq!(resolved(""), None);
    }
}
