//! RFC 3339 in UTC with nanoseconds, without a time crate.

use std::fmt;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use serde::{Serialize, Serializer, ser};

/// A point in time as every record spells it: `2026-11-05T09:30:00.000000001Z`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Timestamp {
    wall: SystemTime,
    /// The same moment on the clock that nobody sets, if it was read.
    steady: Option<Instant>,
}

impl Timestamp {
    /// Now, by the system's clock.
    #[must_use]
    pub fn now() -> Self {
        Self { wall: SystemTime::now(), steady: Some(Instant::now()) }
    }

    /// Nanoseconds since `began` on the clock that nobody sets: where it and the system's clock disagree between two records,
    /// somebody set the latter.
    pub(crate) fn steady_nanos(self, began: Instant) -> Option<u64> {
        u64::try_from(self.steady?.saturating_duration_since(began).as_nanos()).ok()
    }

    /// The same moment on the clock that nobody sets, if it was read.
    pub(crate) fn steady(self) -> Option<Instant> {
        self.steady
    }

    /// Milliseconds since 1970, none before.
    pub(crate) fn unix_millis(self) -> u64 {
        let since = self.wall.duration_since(UNIX_EPOCH).unwrap_or_default();
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    }
}

impl From<SystemTime> for Timestamp {
    fn from(time: SystemTime) -> Self {
        Self { wall: time, steady: None }
    }
}

/// How a point in time is spelled, with zeros for its digits.
const SPELLED: &[u8; 30] = b"0000-00-00T00:00:00.000000000Z";

impl Timestamp {
    /// Its spelling, digit by digit: every record has one, and the formatter takes ten times as long. The last second of the
    /// year 9999 stands for whatever is later.
    fn spelled(self) -> [u8; SPELLED.len()] {
        let since = self.wall.duration_since(UNIX_EPOCH).unwrap_or_default();
        let seconds = since.as_secs().min(253_402_300_799);
        let (year, month, day) = civil(seconds / 86_400);
        let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
        let mut text = *SPELLED;
        let fields =
            [(year / 100, 0), (year % 100, 2), (month, 5), (day, 8), (hour, 11), (minute, 14), (second, 17)];
        for (value, at) in fields {
            let [tens, ones] = [value / 10, value % 10];
            (text[at], text[at + 1]) = (b'0' + tens as u8, b'0' + ones as u8);
        }
        let mut nanos = since.subsec_nanos();
        for digit in text[20..29].iter_mut().rev() {
            *digit = b'0' + (nanos % 10) as u8;
            nanos /= 10;
        }
        text
    }
}

/// A clock before 1970 is shown as 1970: a wrong clock must not stop the log.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(str::from_utf8(&self.spelled()).map_err(|_| fmt::Error)?)
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(str::from_utf8(&self.spelled()).map_err(ser::Error::custom)?)
    }
}

/// The Gregorian date of a day counted from 1970-01-01 (Howard Hinnant, "chrono-compatible low-level date
/// algorithms"): years begin in March, so that the leap day is a year's last.
fn civil(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn shown(seconds: u64, nanos: u32) -> String {
        Timestamp::from(UNIX_EPOCH + Duration::new(seconds, nanos)).to_string()
    }

    #[test]
    fn known_instants_are_spelled_right() {
        assert_eq!(shown(0, 0), "1970-01-01T00:00:00.000000000Z");
        assert_eq!(shown(951_782_400, 1), "2000-02-29T00:00:00.000000001Z");
        assert_eq!(shown(1_709_164_800, 0), "2024-02-29T00:00:00.000000000Z");
        assert_eq!(shown(4_107_542_399, 999_999_999), "2100-02-28T23:59:59.999999999Z");
        assert_eq!(shown(4_107_542_400, 0), "2100-03-01T00:00:00.000000000Z");
        assert_eq!(shown(253_402_300_799, 5), "9999-12-31T23:59:59.000000005Z");
        assert_eq!(shown(253_402_300_800, 5), "9999-12-31T23:59:59.000000005Z", "there is no later year");
    }

    #[test]
    fn every_day_follows_the_one_before() {
        let length = |year: u64, month: u64| match month {
            2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => 29,
            2 => 28,
            4 | 6 | 9 | 11 => 30,
            _ => 31,
        };
        let mut expected = (1970, 1, 1);
        for day in 0..100_000 {
            assert_eq!(civil(day), expected);
            let (year, month, day) = expected;
            expected = match (month, day == length(year, month)) {
                (12, true) => (year + 1, 1, 1),
                (_, true) => (year, month + 1, 1),
                (_, false) => (year, month, day + 1),
            };
        }
    }
}
