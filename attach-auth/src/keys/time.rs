//! Whole seconds in rows, RFC 3339 in answers.

use std::time::{Duration, SystemTime};

pub(super) use crate::clock::since_epoch as seconds;

pub(super) fn moment(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds)).unwrap_or(SystemTime::UNIX_EPOCH)
}

/// `2026-01-01T00:00:00Z` (RFC 3339); the last moment there is for what no calendar goes up to.
pub(super) fn rfc3339(time: SystemTime) -> String {
    let last = moment(253_402_300_799);
    humantime::format_rfc3339_seconds(time.clamp(SystemTime::UNIX_EPOCH, last)).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_those_of_the_calendar() {
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (1_767_225_600, "2026-01-01T00:00:00Z"),
            (1_798_761_599, "2026-12-31T23:59:59Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
        ] {
            assert_eq!(rfc3339(moment(seconds)), text);
        }
    }
}
