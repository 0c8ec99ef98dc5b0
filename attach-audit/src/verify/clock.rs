//! Whether time goes forward from record to record.

/// A clock that is set right may go back by less than this.
const TOLERANCE: i64 = 1;

/// The time of the last record.
#[derive(Debug, Default)]
pub(super) struct Clock {
    text: String,
}

impl Clock {
    /// Goes on to the next record; by how many whole seconds it is too early, if it is.
    ///
    /// What the log itself writes between others' records has the time it was written at; theirs is that at which
    /// they were taken, which may be earlier.
    pub(super) fn goes_back(&mut self, ts: &str, kind: &str) -> Option<u64> {
        if matches!(kind, "segment" | "gap" | "checkpoint") {
            return None;
        }
        let back = if *ts < *self.text { seconds(&self.text).zip(seconds(ts)) } else { None };
        self.text.clear();
        self.text.push_str(ts);
        let back = back.map(|(before, now)| before - now).filter(|&back| back > TOLERANCE)?;
        u64::try_from(back).ok()
    }
}

/// Seconds since some day, of a time as the log writes it.
fn seconds(ts: &str) -> Option<i64> {
    let number = |from: usize, to: usize| ts.get(from..to)?.parse::<i64>().ok();
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    // Years begin in March, so that the leap day is a year's last (as in `record::time`).
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days = 365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + day;
    Some(((days * 24 + number(11, 13)?) * 60 + number(14, 16)?) * 60 + number(17, 19)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_more_than_a_second_is_back() {
        let mut clock = Clock::default();
        for (ts, kind, back) in [
            ("2026-03-01T00:00:00.500000000Z", "start", None),
            ("2026-02-28T23:59:59.400000000Z", "intent", None),
            ("2026-02-28T23:59:50.400000000Z", "intent", Some(9)),
            ("2026-02-28T23:59:51.400000000Z", "intent", None),
            ("2027-01-01T00:00:00.000000000Z", "gap", None),
            ("2026-02-28T23:59:52.400000000Z", "intent", None),
            ("2024-02-29T23:59:52.400000000Z", "intent", Some(730 * 86_400)),
            ("garbage", "intent", None),
        ] {
            assert_eq!(clock.goes_back(ts, kind), back, "{ts}");
        }
    }
}
