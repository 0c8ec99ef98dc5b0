//! Strings: finding their end, decoding, escaping.

use std::borrow::Cow;

use super::error::JsonErrorKind;

/// A string found in the bytes.
pub(super) struct Found {
    /// One past the closing quote.
    pub(super) end: usize,
    pub(super) escaped: bool,
}

/// Something wrong at an offset.
pub(super) type Fault = (JsonErrorKind, usize);

/// Finds the end of the string whose opening quote is at `start`, checking every escape on the way.
pub(super) fn find_end(bytes: &[u8], start: usize) -> Result<Found, Fault> {
    let mut at = start + 1;
    let mut escaped = false;
    loop {
        at = skip_plain(bytes, at);
        match bytes.get(at) {
            Some(b'"') => return Ok(Found { end: at + 1, escaped }),
            Some(b'\\') => {
                escaped = true;
                at = skip_escape(bytes, at)?;
            }
            Some(_) => return Err((JsonErrorKind::ControlCharacter, at)),
            None => return Err((JsonErrorKind::UnexpectedEnd, at)),
        }
    }
}

const ONES: u64 = u64::MAX / 255;
const HIGH: u64 = ONES << 7;

/// The first offset from `at` that holds a quote, a backslash or a control character, eight bytes at a time.
fn skip_plain(bytes: &[u8], mut at: usize) -> usize {
    while let Some(chunk) = bytes.get(at..).and_then(|rest| rest.first_chunk::<8>()) {
        let word = u64::from_le_bytes(*chunk);
        let quote = word ^ (ONES * b'"' as u64);
        let backslash = word ^ (ONES * b'\\' as u64);
        // Each term sets the high bit of the bytes it looks for. A borrow can set one wrongly, but only above a
        // right one, and the lowest is the one that is used.
        let special = (word.wrapping_sub(ONES * 0x20) & !word)
            | (quote.wrapping_sub(ONES) & !quote)
            | (backslash.wrapping_sub(ONES) & !backslash);
        let special = special & HIGH;
        if special != 0 {
            return at + special.trailing_zeros() as usize / 8;
        }
        at += 8;
    }
    while bytes.get(at).is_some_and(|&byte| byte >= 0x20 && byte != b'"' && byte != b'\\') {
        at += 1;
    }
    at
}

/// The offset after the escape at `at`; both halves of a surrogate pair are one escape.
fn skip_escape(bytes: &[u8], at: usize) -> Result<usize, Fault> {
    match bytes.get(at + 1) {
        Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => Ok(at + 2),
        Some(b'u') => match hex(bytes, at + 2) {
            None => Err((JsonErrorKind::InvalidEscape, at)),
            Some(0xDC00..=0xDFFF) => Err((JsonErrorKind::LoneSurrogate, at)),
            Some(0xD800..=0xDBFF) => match low_surrogate(bytes, at + 6) {
                Some(_) => Ok(at + 12),
                None => Err((JsonErrorKind::LoneSurrogate, at)),
            },
            Some(_) => Ok(at + 6),
        },
        Some(_) => Err((JsonErrorKind::InvalidEscape, at)),
        None => Err((JsonErrorKind::UnexpectedEnd, at + 1)),
    }
}

fn low_surrogate(bytes: &[u8], at: usize) -> Option<u32> {
    if bytes.get(at..at + 2)? != b"\\u" {
        return None;
    }
    hex(bytes, at + 2).filter(|unit| (0xDC00..=0xDFFF).contains(unit))
}

fn hex(bytes: &[u8], at: usize) -> Option<u32> {
    bytes
        .get(at..at + 4)?
        .iter()
        .try_fold(0, |value, &byte| Some(value << 4 | char::from(byte).to_digit(16)?))
}

/// The text of a string that [`find_end`] accepted; borrowed unless it has escapes.
pub(super) fn decode(raw: &[u8], escaped: bool) -> Cow<'_, str> {
    if escaped { Cow::Owned(unescape(raw)) } else { Cow::Borrowed(text(raw)) }
}

/// The document was checked to be UTF-8 and strings begin and end at ASCII bytes, so this cannot fail.
fn text(raw: &[u8]) -> &str {
    std::str::from_utf8(raw).unwrap_or_default()
}

fn unescape(raw: &[u8]) -> String {
    let mut out = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(at) = memchr::memchr(b'\\', rest) {
        let (plain, escape) = rest.split_at(at);
        out.push_str(text(plain));
        let (unescaped, length) = unescape_one(escape);
        out.push(unescaped);
        rest = escape.get(length..).unwrap_or_default();
    }
    out.push_str(text(rest));
    out
}

/// The character that an escape stands for, and the escape's length.
fn unescape_one(escape: &[u8]) -> (char, usize) {
    match escape.get(1) {
        Some(b'b') => ('\u{8}', 2),
        Some(b'f') => ('\u{c}', 2),
        Some(b'n') => ('\n', 2),
        Some(b'r') => ('\r', 2),
        Some(b't') => ('\t', 2),
        Some(b'u') => {
            let unit = hex(escape, 2).unwrap_or_default();
            match low_surrogate(escape, 6).filter(|_| (0xD800..=0xDBFF).contains(&unit)) {
                Some(low) => (scalar(0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00)), 12),
                None => (scalar(unit), 6),
            }
        }
        Some(&byte) => (char::from(byte), 2),
        None => (char::REPLACEMENT_CHARACTER, 1),
    }
}

fn scalar(code: u32) -> char {
    char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER)
}

/// Appends `text` to `out` as the inside of a JSON string, without the quotes.
///
/// Escapes what must be escaped, and nothing else, in the spelling that `serde_json` uses.
pub fn escape_into(text: &str, out: &mut Vec<u8>) {
    out.reserve(text.len());
    let mut rest = text.as_bytes();
    loop {
        let (plain, tail) = rest.split_at(skip_plain(rest, 0));
        out.extend_from_slice(plain);
        let Some((&byte, tail)) = tail.split_first() else {
            return;
        };
        escape_byte(byte, out);
        rest = tail;
    }
}

fn escape_byte(byte: u8, out: &mut Vec<u8>) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let short = match byte {
        0x08 => b'b',
        0x09 => b't',
        0x0A => b'n',
        0x0C => b'f',
        0x0D => b'r',
        b'"' | b'\\' => byte,
        _ => {
            out.extend_from_slice(b"\\u00");
            out.push(DIGITS[usize::from(byte >> 4)]);
            out.push(DIGITS[usize::from(byte & 15)]);
            return;
        }
    };
    out.extend_from_slice(&[b'\\', short]);
}
