//! Numbers: RFC 8259 §6, within the range of a double.

use super::error::JsonErrorKind;
use super::string::Fault;

/// Longer than any number a program writes; the bound keeps the range check cheap.
const MAX_LENGTH: usize = 1024;
/// A number this short and without an exponent is below the largest double.
const SAFE_LENGTH: usize = 300;

/// One past the last byte of the number at `start`.
pub(super) fn find_end(bytes: &[u8], start: usize) -> Result<usize, Fault> {
    let mut at = start + usize::from(bytes.get(start) == Some(&b'-'));
    at = match bytes.get(at) {
        Some(b'0') => at + 1,
        _ => digits(bytes, at)?,
    };
    if bytes.get(at) == Some(&b'.') {
        at = digits(bytes, at + 1)?;
    }
    let exponent = matches!(bytes.get(at), Some(b'e' | b'E'));
    if exponent {
        at += 1 + usize::from(matches!(bytes.get(at + 1), Some(b'+' | b'-')));
        at = digits(bytes, at)?;
    }
    let number = bytes.get(start..at).unwrap_or_default();
    if (exponent || number.len() > SAFE_LENGTH) && !is_finite(number) {
        return Err((JsonErrorKind::NumberOutOfRange, start));
    }
    Ok(at)
}

/// One past the last of at least one digit.
fn digits(bytes: &[u8], start: usize) -> Result<usize, Fault> {
    let mut at = start;
    while bytes.get(at).is_some_and(u8::is_ascii_digit) {
        at += 1;
    }
    if at == start { Err((JsonErrorKind::InvalidNumber, at)) } else { Ok(at) }
}

fn is_finite(number: &[u8]) -> bool {
    number.len() <= MAX_LENGTH && as_f64(number).is_some_and(f64::is_finite)
}

/// The nearest double.
pub(super) fn as_f64(number: &[u8]) -> Option<f64> {
    std::str::from_utf8(number).ok()?.parse().ok()
}
