use std::fmt::Write;
use std::time::Duration;

use bytes::BytesMut;
use http::header::{HeaderMap, HeaderName, HeaderValue};

/// Appends a number; the formatter of the standard library takes several times as long.
pub(crate) fn number(buffer: &mut BytesMut, mut number: u64) {
    let mut digits = [b'0'; 20];
    let mut first = digits.len();
    for (index, digit) in digits.iter_mut().enumerate().rev() {
        *digit = b'0' + (number % 10) as u8;
        number /= 10;
        first = index;
        if number == 0 {
            break;
        }
    }
    buffer.extend_from_slice(digits.get(first..).unwrap_or_default());
}

/// Appends a string of RFC 9651 §3.3.3. It holds printable ASCII only.
pub(crate) fn quoted(buffer: &mut BytesMut, text: &str) {
    buffer.extend_from_slice(b"\"");
    for character in text.chars() {
        match character {
            '"' | '\\' => buffer.extend_from_slice(&[b'\\', character as u8]),
            ' '..='~' => buffer.extend_from_slice(&[character as u8]),
            _ => buffer.extend_from_slice(b"?"),
        }
    }
    buffer.extend_from_slice(b"\"");
}

/// Appends a duration in Go's way, which is OpenAI's: `6m0s`, `1.5s`, `12ms`.
pub(crate) fn clock_face(buffer: &mut BytesMut, duration: Duration) {
    let milliseconds = duration.as_nanos().div_ceil(1_000_000);
    let milliseconds = u64::try_from(milliseconds).unwrap_or(u64::MAX);
    let (seconds, fraction) = (milliseconds / 1000, milliseconds % 1000);
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    for (value, unit) in [(hours, "h"), (minutes, "m")] {
        if hours > 0 || (unit == "m" && minutes > 0) {
            number(buffer, value);
            buffer.extend_from_slice(unit.as_bytes());
        }
    }
    if milliseconds > 0 && milliseconds < 1000 {
        number(buffer, fraction);
        buffer.extend_from_slice(b"ms");
        return;
    }
    number(buffer, seconds);
    if fraction > 0 {
        // Writing to a buffer cannot fail.
        let _ = write!(buffer, ".{fraction:03}");
        while buffer.last() == Some(&b'0') {
            buffer.truncate(buffer.len() - 1);
        }
    }
    buffer.extend_from_slice(b"s");
}

/// Makes what is in the buffer the value of a header. All values of an answer share one allocation.
pub(crate) fn insert(headers: &mut HeaderMap, name: &'static HeaderName, buffer: &mut BytesMut) {
    if let Ok(value) = HeaderValue::from_maybe_shared(buffer.split().freeze()) {
        headers.insert(name, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(write: impl Fn(&mut BytesMut)) -> String {
        let mut buffer = BytesMut::new();
        write(&mut buffer);
        String::from_utf8(buffer.to_vec()).expect("text")
    }

    #[test]
    fn numbers_are_written_as_the_standard_library_writes_them() {
        for value in [0, 9, 10, 99, 100, 1_234_567_890, u64::MAX - 1, u64::MAX] {
            assert_eq!(written(|buffer| number(buffer, value)), value.to_string());
        }
    }

    #[test]
    fn durations_are_written_as_openai_writes_them() {
        let face = |duration| written(|buffer| clock_face(buffer, duration));
        for (milliseconds, expected) in [
            (0, "0s"),
            (12, "12ms"),
            (1000, "1s"),
            (1500, "1.5s"),
            (59_999, "59.999s"),
            (60_000, "1m0s"),
            (61_050, "1m1.05s"),
            (360_000, "6m0s"),
            (3_600_000, "1h0m0s"),
            (90_061_000, "25h1m1s"),
        ] {
            assert_eq!(face(Duration::from_millis(milliseconds)), expected);
        }
        assert_eq!(face(Duration::from_nanos(1)), "1ms");
    }

    #[test]
    fn a_name_that_no_header_can_hold_is_replaced() {
        assert_eq!(written(|buffer| quoted(buffer, "größe\n")), "\"gr??e?\"");
    }
}
