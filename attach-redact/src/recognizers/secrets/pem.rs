//! Private keys in files of their own forms.

use std::ops::Range;

use crate::engine::{Hits, floor};
use crate::finding::Strength;
use crate::{Entity, Finding};

/// The longest private key that is looked for an end of.
const LONGEST: usize = 32 << 10;

const DASHES: &str = "-----";

/// A private key in PEM whose `-----BEGIN` starts at `start` (RFC 7468, OpenPGP armour, OpenSSH), its lines broken or
/// with the escapes of a string.
pub(crate) fn scan(hits: &mut Hits<'_>, start: usize) {
    if hits.is_secret(start) {
        return;
    }
    if let Some(end) = pem(hits.text, start) {
        push(hits, start..end);
    }
}

/// The private lines of a PuTTY key file whose `Private-Lines:` is at `word` (PuTTY manual, appendix C).
pub(super) fn scan_putty(hits: &mut Hits<'_>, word: Range<usize>) {
    let Some(rest) = hits.text.get(word.end..) else { return };
    let count = rest.trim_start().bytes().take_while(u8::is_ascii_digit).count();
    let from = rest.len() - rest.trim_start().len() + count;
    let body = rest.get(from..).map(base64).unwrap_or_default();
    if count > 0 && body > 64 {
        push(hits, word.end + from..word.end + from + body);
    }
}

fn push(hits: &mut Hits<'_>, range: Range<usize>) {
    hits.push_secret(Finding::strong(range, Entity::Secret, 1.0, Strength::Checksum));
}

fn pem(text: &str, start: usize) -> Option<usize> {
    let rest = text.get(start..floor(text, start.saturating_add(LONGEST)))?;
    let label = rest.get(10..floor(rest, 120))?;
    let label = label.get(..label.find(DASHES)?)?;
    if !label.to_ascii_uppercase().contains("PRIVATE KEY") {
        return None;
    }
    let head = 10 + label.len() + DASHES.len();
    let body = rest.get(head..)?;
    // Another beginning ends it as well, so that no byte is looked at for two keys.
    let end = body.find(DASHES).unwrap_or(body.len());
    let tail = foot(body.get(end..)?);
    // Cut off: as far as it goes on looking like one.
    let end = if tail == 0 { base64(body).min(end) } else { end };
    if end < 24 {
        return None;
    }
    Some(start + head + end + tail)
}

/// How long the `-----END …-----` is that `text` begins with.
fn foot(text: &str) -> usize {
    let ended = text.get(5..8).is_some_and(|word| word.eq_ignore_ascii_case("END"));
    let rest = text.get(5..floor(text, 120)).filter(|_| ended);
    rest.and_then(|rest| rest.find(DASHES)).map_or(0, |label| 5 + label + DASHES.len())
}

/// How much of `text` goes on looking like base64 in lines.
fn base64(text: &str) -> usize {
    text.bytes()
        .take(LONGEST)
        .take_while(|b| b.is_ascii_alphanumeric() || b.is_ascii_whitespace() || b"+/=\\".contains(b))
        .count()
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &str = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASC";

    #[test]
    fn private_keys_of_every_label_are_found_whole() {
        for label in ["PRIVATE KEY", "RSA PRIVATE KEY", "OPENSSH PRIVATE KEY", "PGP PRIVATE KEY BLOCK"] {
            for line in ["\n", "\\n", "\\\\n", "\r\n"] {
                let key = format!("-----BEGIN {label}-----{line}{BODY}{line}-----END {label}-----");
                let text = format!("{key}{line}and more");
                assert_eq!(pem(&text, 0), Some(key.len()), "{text}");
            }
        }
    }

    #[test]
    fn one_that_is_cut_off_is_found_as_far_as_it_goes() {
        let key = format!("-----BEGIN EC PRIVATE KEY-----\n{BODY}\n{BODY}");
        assert_eq!(pem(&key, 0), Some(key.len()));
    }

    #[test]
    fn a_beginning_in_code_is_no_key() {
        assert_eq!(
            pem("-----BEGIN PRIVATE KEY-----\";\nlet next = \"-----BEGIN PRIVATE KEY-----\"", 0),
            None
        );
    }

    #[test]
    fn what_is_public_or_empty_is_left() {
        assert_eq!(pem(&format!("-----BEGIN PUBLIC KEY-----\n{BODY}\n-----END PUBLIC KEY-----"), 0), None);
        assert_eq!(pem("-----BEGIN OPENSSH PRIVATE KEY----------END OPENSSH PRIVATE KEY-----", 0), None);
    }
}
