//! What placeholders look like: `PII_EMAIL_k7f3q2ab`.

use std::ops::Range;

/// Digits and letters of a tag: those of Crockford's base 32, none of which is taken for another.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
/// How every placeholder begins.
pub(crate) const PREFIX: &str = "PII_";
/// How every digest that stands for a value for good begins.
pub(crate) const HASH: &str = "HASH_";
/// Characters of a tag, and of one that has to differ from another in the same request.
pub(crate) const SHORT: usize = 8;
pub(crate) const LONG: usize = 16;
/// No placeholder is longer: prefix, label of up to 32 characters, underscore, tag.
pub(crate) const LONGEST: usize = PREFIX.len() + 32 + 1 + LONG;

/// A tag of `length` characters, from the code's bytes at `offset` on.
pub(crate) fn tag(code: &[u8; 32], offset: usize, length: usize) -> String {
    let mut bits = 0_u32;
    let mut have = 0;
    let mut bytes = code.iter().cycle().skip(offset);
    let mut tag = String::with_capacity(length);
    while tag.len() < length {
        if have < 5 {
            bits = bits << 8 | u32::from(bytes.next().copied().unwrap_or_default());
            have += 8;
        }
        have -= 5;
        tag.push(char::from(ALPHABET[(bits >> have & 31) as usize]));
    }
    tag
}

/// The tags a value may have, the first that is free is its own. None could be taken for a number.
pub(crate) fn tags(code: &[u8; 32]) -> impl Iterator<Item = String> {
    let short = [0, 5, 10].into_iter().map(|offset| tag(code, offset, SHORT)).find(|tag| is_lettered(tag));
    let long = [15, 22, 3].into_iter().map(|offset| tag(code, offset, LONG)).filter(|tag| is_lettered(tag));
    short.into_iter().chain(long)
}

fn is_lettered(tag: &str) -> bool {
    tag.bytes().filter(u8::is_ascii_lowercase).count() >= 2
}

/// The longest label with what may follow it in the same characters.
const LABEL: usize = 32 + 1 + LONG;

/// Where `text` holds something that has the form of a placeholder or digest with one of `labels`, which are sorted.
pub(crate) fn look_alikes<'t>(
    text: &'t str,
    labels: &'t [String],
) -> impl Iterator<Item = Range<usize>> + 't {
    memchr::memmem::find_iter(text.as_bytes(), "_").filter_map(move |at| look_alike(text, at, labels))
}

/// The one whose prefix ends with the underscore at `at`.
pub(crate) fn look_alike(text: &str, at: usize, labels: &[String]) -> Option<Range<usize>> {
    let before = &text[..=at];
    let start = [PREFIX, HASH]
        .into_iter()
        .find(|prefix| before.ends_with(prefix))
        .map(|prefix| at + 1 - prefix.len())?;
    let rest = &text[at + 1..];
    // The label is all before the last underscore: a tag has neither capitals nor underscores.
    let run =
        rest.bytes().take(LABEL).take_while(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || *b == b'_');
    let run = rest.get(..run.count())?;
    let label = run.get(..run.bytes().rposition(|byte| byte == b'_')?)?;
    labels.binary_search_by(|known| known.as_str().cmp(label)).ok()?;
    let tag = &rest.as_bytes()[label.len() + 1..];
    let length = tag.iter().take(LONG).take_while(|byte| ALPHABET.contains(byte)).count();
    let length = if length == LONG { LONG } else { SHORT.min(length) };
    let tag_is_one = std::str::from_utf8(&tag[..length]).is_ok_and(is_lettered);
    (length >= SHORT && tag_is_one).then_some(start..at + 1 + label.len() + 1 + length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_have_letters_and_the_promised_length() {
        let code = std::array::from_fn(|index| (index * 37) as u8);
        let tags: Vec<_> = tags(&code).collect();
        assert_eq!(tags[0].len(), SHORT);
        assert!(tags[1..].iter().all(|tag| tag.len() == LONG));
        assert!(tags.iter().all(|tag| is_lettered(tag) && tag.bytes().all(|byte| ALPHABET.contains(&byte))));
    }

    #[test]
    fn only_known_labels_and_lettered_tags_look_alike() {
        let labels = ["EMAIL".to_owned(), "US_SSN".to_owned()];
        let found =
            |text: &str| look_alikes(text, &labels).map(|range| text[range].to_owned()).collect::<Vec<_>>();
        assert_eq!(
            found("x PII_EMAIL_k7f3q2ab, PII_US_SSN_0000abcd."),
            ["PII_EMAIL_k7f3q2ab", "PII_US_SSN_0000abcd"]
        );
        assert!(found("PII_PHONE_k7f3q2ab PII_EMAIL_12345678 PII_EMAIL_short").is_empty());
        assert!(found("PII_EMAIL_4111111111111111").is_empty());
    }
}
