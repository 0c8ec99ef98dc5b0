//! Dates and times of the file.

use std::time::SystemTime;

use toml::Value;

use super::decimal::shown;
use crate::moment;

/// When `value` is: a date, which is its beginning in UTC, or a time that says its zone (RFC 3339); with or without
/// quotes.
pub(super) fn moment(value: &Value) -> Result<SystemTime, String> {
    let text = match value {
        Value::Datetime(datetime) => datetime.to_string(),
        Value::String(text) => text.trim().to_owned(),
        other => shown(other),
    };
    let wrong = || {
        format!(
            "{text:?} is neither a date such as 2026-12-31 nor a time with its zone such as 2026-12-31T18:00:00Z"
        )
    };
    moment::parse(&text).ok_or_else(wrong)
}

/// A moment as [`moment`] reads it.
pub(super) fn written(time: SystemTime) -> String {
    let text = moment::shown(time);
    text.strip_suffix("T00:00:00Z").map_or_else(|| text.clone(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::*;

    fn read(text: &str) -> Result<SystemTime, String> {
        let table: toml::Table = format!("it = {text}").parse().expect("TOML");
        moment(&table["it"])
    }

    #[test]
    fn a_date_begins_at_midnight_in_utc_and_a_time_says_its_zone() {
        let midnight = UNIX_EPOCH + Duration::from_secs(1_798_675_200);
        for text in ["2026-12-31", "\"2026-12-31\"", "2026-12-31T01:00:00+01:00", "\"2026-12-31T00:00:00Z\""]
        {
            assert_eq!(read(text), Ok(midnight), "{text}");
        }
        assert_eq!(written(midnight), "2026-12-31");
        assert_eq!(written(midnight + Duration::from_secs(1)), "2026-12-31T00:00:01Z");
    }

    #[test]
    fn what_is_no_moment_says_what_to_write() {
        for text in [
            "2026-12-31T18:00:00",
            "18:00:00",
            "\"tomorrow\"",
            "\"31.12.2026\"",
            "20261231",
            "\"2026-02-30\"",
        ] {
            let error = read(text).expect_err(text);
            assert!(error.contains("2026-12-31T18:00:00Z"), "{text}: {error}");
        }
    }
}
