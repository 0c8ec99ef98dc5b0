//! Dates and times as people write them and as programs are told them.

use std::time::{Duration, SystemTime};

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};

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

/// A date or a time as [`parse`] takes them, or how long before `now`: `2h`, `7d`.
pub(crate) fn parse_before(text: &str, now: SystemTime) -> Option<SystemTime> {
    let ago = || now.checked_sub(humantime::parse_duration(text).ok()?);
    parse(text).or_else(|| ago().filter(|time| *time >= SystemTime::UNIX_EPOCH))
}

/// The first moment of a year, a month or a day, and the first one after it: `2026`, `2026-11`, `2026-11-22`.
pub(crate) fn period(text: &str) -> Option<(SystemTime, SystemTime)> {
    let (first, length) = match text.len() {
        4 => (format!("{text}-01-01"), Span::new().years(1)),
        7 => (format!("{text}-01"), Span::new().months(1)),
        _ => (text.to_owned(), Span::new().days(1)),
    };
    let first = first.parse::<Date>().ok()?;
    let begins = |date: Date| Some(SystemTime::from(date.to_zoned(TimeZone::UTC).ok()?.timestamp()));
    Some((begins(first)?, begins(first.checked_add(length).ok()?)?))
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
    fn a_time_may_be_said_by_how_long_ago_it_was() {
        let now = parse("2026-11-22T08:00:00Z").expect("a time");
        for (text, time) in [
            ("2h", "2026-11-22T06:00:00Z"),
            ("7d", "2026-11-15T08:00:00Z"),
            ("2026-11-01", "2026-11-01T00:00:00Z"),
        ] {
            assert_eq!(parse_before(text, now), parse(time), "{text}");
        }
        for text in ["7", "soon", "-2h", "9999999999999d"] {
            assert_eq!(parse_before(text, now), None, "{text}");
        }
    }

    #[test]
    fn a_period_is_a_year_a_month_or_a_day() {
        for (text, from, to) in [
            ("2026", "2026-01-01", "2027-01-01"),
            ("2026-12", "2026-12-01", "2027-01-01"),
            ("2024-02-29", "2024-02-29", "2024-03-01"),
        ] {
            assert_eq!(period(text), parse(from).zip(parse(to)), "{text}");
        }
        for text in ["", "26", "2026-13", "2026-11-31", "november", "2026-1"] {
            assert_eq!(period(text), None, "{text}");
        }
    }

    #[test]
    fn a_moment_beyond_the_calendar_is_its_last() {
        assert_eq!(shown(SystemTime::UNIX_EPOCH + Duration::from_millis(1_500)), "1970-01-01T00:00:01Z");
        assert_eq!(shown(SystemTime::UNIX_EPOCH + 2 * LAST), "9999-12-31T23:59:59Z");
    }
}
