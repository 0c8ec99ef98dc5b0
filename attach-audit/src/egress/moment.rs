//! A record's time read back.

use std::time::Duration;

/// Since 1970, of a time as records spell it: `2026-11-05T09:30:00.000000001Z`. `None` for any other spelling.
pub(crate) fn since_1970(text: &str) -> Option<Duration> {
    let (date, time) = text.strip_suffix('Z')?.split_once('T')?;
    let [year, month, day] = numbers(date, '-')?;
    let (time, fraction) = time.split_once('.').unwrap_or((time, "0"));
    let [hour, minute, second] = numbers(time, ':')?;
    let real =
        (1..=12).contains(&month) && (1..=31).contains(&day) && hour < 24 && minute < 60 && second < 61;
    if !real || fraction.is_empty() || fraction.len() > 9 {
        return None;
    }
    let seconds = days(year, month, day)? * 86_400 + hour * 3600 + minute * 60 + second;
    let scale = 10_u32.pow(9 - u32::try_from(fraction.len()).ok()?);
    Some(Duration::new(seconds, digits(fraction)?.try_into().unwrap_or(0_u32) * scale))
}

fn numbers(text: &str, between: char) -> Option<[u64; 3]> {
    let mut parts = text.split(between).map(digits);
    let three = [parts.next()??, parts.next()??, parts.next()??];
    parts.next().is_none().then_some(three)
}

fn digits(text: &str) -> Option<u64> {
    let all = !text.is_empty() && text.len() <= 9 && text.bytes().all(|byte| byte.is_ascii_digit());
    all.then(|| text.parse().ok())?
}

/// Days since 1970-01-01 (Howard Hinnant, "chrono-compatible low-level date algorithms").
fn days(year: u64, month: u64, day: u64) -> Option<u64> {
    let year = if month <= 2 { year.checked_sub(1)? } else { year };
    let (era, of_era) = (year / 400, year % 400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    (era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year).checked_sub(719_468)
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use super::*;
    use crate::Timestamp;

    #[test]
    fn what_a_record_spells_reads_back() {
        for day in (0..60_000).step_by(17) {
            let time = Duration::new(day * 86_400 + day % 86_400, u32::try_from(day).expect("small") * 1_001);
            assert_eq!(since_1970(&Timestamp::from(UNIX_EPOCH + time).to_string()), Some(time));
        }
    }

    #[test]
    fn nothing_else_is_a_time() {
        for text in [
            "",
            "Z",
            "2026-11-05",
            "2026-13-05T00:00:00Z",
            "2026-11-05T24:00:00Z",
            "1-1-1T1:1:1.Z",
            "0000-01-01T00:00:00Z",
        ] {
            assert_eq!(since_1970(text), None, "{text}");
        }
        assert_eq!(since_1970("1970-01-01T00:00:01.5Z"), Some(Duration::from_millis(1500)));
    }
}
