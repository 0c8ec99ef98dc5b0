use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::Entry;

impl Entry<'_> {
    /// When it was written; `None` if `ts` is no time in UTC as records spell it.
    #[must_use]
    pub fn time(&self) -> Option<SystemTime> {
        instant(&self.ts)
    }
}

/// Reads what [`Timestamp`](crate::Timestamp) writes: RFC 3339 in UTC, a year from 1970, up to nine decimals.
#[must_use]
pub fn instant(text: &str) -> Option<SystemTime> {
    let bytes = text.strip_suffix('Z')?.as_bytes();
    let shape = bytes.get(..19)?;
    let separators = [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':')];
    if separators.iter().any(|&(at, separator)| shape.get(at) != Some(&separator)) {
        return None;
    }
    let (year, month, day) = (number(&shape[..4])?, number(&shape[5..7])?, number(&shape[8..10])?);
    let (hour, minute, second) = (number(&shape[11..13])?, number(&shape[14..16])?, number(&shape[17..])?);
    let valid = year >= 1970 && (1..=12).contains(&month) && (1..=31).contains(&day);
    if !valid || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let seconds = days(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second;
    Some(UNIX_EPOCH + Duration::new(seconds, nanos(&bytes[19..])?))
}

/// The decimals behind a second, with their point.
fn nanos(decimals: &[u8]) -> Option<u32> {
    let Some((point, digits)) = decimals.split_first() else { return Some(0) };
    if *point != b'.' || digits.is_empty() || digits.len() > 9 {
        return None;
    }
    let scale = 10_u64.pow(9 - u32::try_from(digits.len()).ok()?);
    u32::try_from(number(digits)? * scale).ok()
}

fn number(digits: &[u8]) -> Option<u64> {
    digits
        .iter()
        .try_fold(0_u64, |sum, digit| digit.is_ascii_digit().then(|| sum * 10 + u64::from(digit - b'0')))
}

/// Days since 1970-01-01 of a Gregorian date (Howard Hinnant, "chrono-compatible low-level date algorithms").
fn days(year: u64, month: u64, day: u64) -> u64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, year_of_era) = (year / 400, year % 400);
    let shifted = (month + 9) % 12;
    let day_of_year = (153 * shifted + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Timestamp;

    #[test]
    fn what_a_timestamp_writes_reads_back() {
        for seconds in (0..8_000_000_000_u64).step_by(86_399 * 7) {
            let time = UNIX_EPOCH + Duration::new(seconds, 123_456_789);
            assert_eq!(instant(&Timestamp::from(time).to_string()), Some(time));
        }
    }

    #[test]
    fn what_is_no_time_is_none() {
        let known = UNIX_EPOCH + Duration::from_millis(1_500);
        assert_eq!(instant("1970-01-01T00:00:01.5Z"), Some(known));
        assert_eq!(instant("1970-01-01T00:00:01Z"), Some(UNIX_EPOCH + Duration::from_secs(1)));
        for text in [
            "",
            "Z",
            "1970-01-01",
            "1970-01-01T00:00:01",
            "1970-01-01T00:00:01.Z",
            "1970-01-01T00:00:01.1234567890Z",
            "1970-13-01T00:00:01Z",
            "1969-12-31T23:59:59Z",
            "1970-01-01T24:00:00Z",
            "1970-01-01 00:00:00Z",
            "1970-01-01T00:00:0xZ",
            "1970-01-01T00:00:00é0Z",
        ] {
            assert_eq!(instant(text), None, "{text}");
        }
    }
}
