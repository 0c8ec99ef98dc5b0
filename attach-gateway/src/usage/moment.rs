use std::time::SystemTime;

/// A time as people and records write it (RFC 3339, UTC), or a day, which is its first moment.
pub(super) fn moment(text: &str) -> Result<SystemTime, String> {
    let whole = if text.len() == 10 { format!("{text}T00:00:00Z") } else { text.to_owned() };
    humantime::parse_rfc3339(&whole)
        .map_err(|_| format!("{text:?} is no time; write 2026-11-01 or 2026-11-01T08:00:00Z"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_its_first_moment() {
        assert_eq!(moment("2026-11-01"), moment("2026-11-01T00:00:00Z"));
        assert!(
            moment("2026-11-01T08:00:00.123456789Z").expect("a time") > moment("2026-11-01").expect("a day")
        );
        for text in ["yesterday", "2026-13-01", "2026-11-01 08:00", ""] {
            assert!(moment(text).expect_err(text).contains("2026-11-01"), "{text}");
        }
    }
}
