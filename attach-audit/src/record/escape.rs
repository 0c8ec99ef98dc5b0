//! Whether a text can stand in JSON as it is.

/// Whether no byte of a text has to be escaped (RFC 8259, section 7: the quote, the backslash and what is below 0x20).
///
/// Many bytes at a time, of which the last ones may overlap those before: most texts in a record are short.
#[inline]
pub(super) fn is_plain(text: &[u8]) -> bool {
    if let (17.., Some(last)) = (text.len(), text.last_chunk()) {
        let (blocks, _) = text.as_chunks::<16>();
        return blocks.iter().all(is_plain_block) && is_plain_block(last);
    }
    if let (Some(first), Some(last)) = (text.first_chunk(), text.last_chunk()) {
        return (special(u64::from_le_bytes(*first)) | special(u64::from_le_bytes(*last))) & HIGHS == 0;
    }
    if let (Some(first), Some(last)) = (text.first_chunk(), text.last_chunk()) {
        let (first, last) = (u32::from_le_bytes(*first), u32::from_le_bytes(*last));
        return special(u64::from(first) | u64::from(last) << 32) & HIGHS == 0;
    }
    text.iter().all(|&byte| byte >= b' ' && byte != b'"' && byte != b'\\')
}

/// Without a branch, so that the compiler looks at all of them at once.
#[allow(clippy::inline_always, reason = "fifteen instructions, if they are not called")]
#[inline(always)]
fn is_plain_block(bytes: &[u8; 16]) -> bool {
    let mut found = 0;
    for &byte in bytes {
        found |= u8::from(byte < b' ') | u8::from(byte == b'"') | u8::from(byte == b'\\');
    }
    found == 0
}

const ONES: u64 = u64::from_le_bytes([1; 8]);
const HIGHS: u64 = ONES << 7;

/// Has the highest bit of a byte set only if there is a byte that has to be escaped: "Bit Twiddling Hacks" (S. E. Anderson),
/// on finding a byte less than n, and one that is n.
#[inline]
fn special(word: u64) -> u64 {
    let below = |word: u64, limit: u8| word.wrapping_sub(ONES * u64::from(limit));
    let is = |byte: u8| below(word ^ (ONES * u64::from(byte)), 1);
    (below(word, b' ') | is(b'"') | is(b'\\')) & !word
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
