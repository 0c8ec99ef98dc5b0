//! Whether a text can stand in JSON as it is.

/// Whether no byte of a text has to be escaped (RFC 8259, section 7: the quote, the backslash and what is below 0x20).
///
/// In blocks, of which the compiler looks at all bytes at once; the last one overlaps the one before.
#[inline]
pub(super) fn is_plain(text: &[u8]) -> bool {
    if let Some(last) = text.last_chunk::<16>() {
        let (blocks, _) = text.as_chunks::<16>();
        return blocks.iter().all(is_plain_block) && is_plain_block(last);
    }
    match (text.first_chunk::<8>(), text.last_chunk::<8>()) {
        (Some(first), Some(last)) => is_plain_block(first) && is_plain_block(last),
        _ => text.iter().all(|byte| is_plain_block(&[*byte])),
    }
}

#[inline]
fn is_plain_block<const N: usize>(bytes: &[u8; N]) -> bool {
    let mut found = 0;
    for &byte in bytes {
        found |= u8::from(byte < b' ') | u8::from(byte == b'"') | u8::from(byte == b'\\');
    }
    found == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_at_every_place_is_judged_as_serde_json_does() {
        for length in 0..40 {
            for at in 0..length {
                for byte in 0..=127 {
                    let mut text = vec![b'a'; length];
                    text[at] = byte;
                    let text = String::from_utf8(text).expect("ASCII");
                    let written = serde_json::to_string(&text).expect("a string");
                    assert_eq!(is_plain(text.as_bytes()), written.len() == length + 2, "{text:?}");
                }
            }
        }
        assert!(is_plain("äöü \u{2028} \u{7f} \u{10ffff} kept as they are".as_bytes()));
    }
}
