//! Dates and times as people write them and as programs are told them.

use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

/// The last moment that a calendar of four-digit years has.
const LAST: Duration = Duration::from_secs(253_402_300_799);

/// A date, which is its beginning in UTC, or a time that says its zone (RFC 3339).
pub(crate) fn parse(text: &str) -> Option<SystemTime> {
    let time = match text.len() {
        10 => text.parse::<Date>().ok()?.to_zoned(TimeZone::UTC).ok()?.timestamp(),
        _ => text.parse::<Timestamp>().ok()?,
    };
    Some(time.into())
}

/// `2026-01-01T00:00:00Z` (RFC 3339).
pub(crate) fn shown(time: SystemTime) -> String {
    let time = time.clamp(SystemTime::UNIX_EPOCH, SystemTime::UNIX_EPOCH + LAST);
    humantime::format_rfc3339_seconds(time).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_is_its_first_moment_and_a_time_says_its_zone() {
        let day = parse("2026-11-01").expect("a date");
        for (text, since) in [
            ("2026-11-01T00:00:00Z", 0),
            ("2026-11-01T01:00:00+01:00", 0),
            ("2026-11-01T08:00:00.5Z", 28_800_500),
        ] {
            assert_eq!(parse(text), Some(day + Duration::from_millis(since)), "{text}");
        }
        for text in ["yesterday", "2026-13-01", "2026-11-01 08:00", "2026-11-01T08:00:00", ""] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_moment_beyond_the_calendar_is_its_last() {
        assert_eq!(shown(SystemTime::UNIX_EPOCH + Duration::from_millis(1_500)), "1970-01-01T00:00:01Z");
        assert_eq!(shown(SystemTime::UNIX_EPOCH + 2 * LAST), "9999-12-31T23:59:59Z");
    }
}
