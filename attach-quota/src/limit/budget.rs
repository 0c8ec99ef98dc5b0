use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use arc_swap::ArcSwap;
use jiff::civil::Weekday;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan, Zoned};

/// So much in every day, week or month of the calendar.
///
/// ```
/// use attach_quota::{Budget, Period};
///
/// let budget = Budget::new(500, Period::Month).in_time_zone("Europe/Berlin")?;
/// // 2026-03-29 is the day on which clocks go forward.
/// let (start, end) = Budget::new(1, Period::Day).in_time_zone("Europe/Berlin")?.bounds(1_774_782_000);
/// assert_eq!(end - start, 23 * 3600);
/// # let _ = budget;
/// # Ok::<(), attach_quota::TimeZoneError>(())
/// ```
#[derive(Clone)]
pub struct Budget {
    amount: u64,
    period: Period,
    zone: TimeZone,
    /// The window that was asked for last.
    known: Arc<ArcSwap<(u64, u64)>>,
}

/// A unit of the calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Period {
    /// From midnight.
    Day,
    /// From Monday (ISO 8601).
    Week,
    /// From the first.
    Month,
}

impl Period {
    /// `day`, `week` or `month`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
        }
    }
}

/// No such time zone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimeZoneError(Box<str>);

impl fmt::Display for TimeZoneError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "there is no time zone {:?}; names are as in \"Europe/Berlin\" or \"UTC\"", self.0)
    }
}

impl std::error::Error for TimeZoneError {}

impl FromStr for Period {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        match text {
            "d" | "day" => Ok(Self::Day),
            "w" | "week" => Ok(Self::Week),
            "month" => Ok(Self::Month),
            _ => Err(()),
        }
    }
}

impl Budget {
    /// `amount` in each `period`, which begins at midnight UTC.
    #[must_use]
    pub fn new(amount: u64, period: Period) -> Self {
        Self { amount, period, zone: TimeZone::UTC, known: Arc::default() }
    }

    /// The same with periods that begin at midnight in `zone`, a name of the IANA time zone database.
    ///
    /// # Errors
    ///
    /// When there is no such zone.
    pub fn in_time_zone(mut self, zone: &str) -> Result<Self, TimeZoneError> {
        self.zone = TimeZone::get(zone).map_err(|_| TimeZoneError(zone.into()))?;
        self.known = Arc::default();
        Ok(self)
    }

    /// How much.
    #[must_use]
    pub fn amount(&self) -> u64 {
        self.amount
    }

    /// In which time.
    #[must_use]
    pub fn period(&self) -> Period {
        self.period
    }

    /// The time zone's name.
    #[must_use]
    pub fn time_zone(&self) -> &str {
        self.zone.iana_name().unwrap_or("UTC")
    }

    /// The period around `now`: when it began and when the next begins, in seconds since the epoch, as is `now`.
    #[must_use]
    pub fn bounds(&self, now: u64) -> (u64, u64) {
        let known = **self.known.load();
        if (known.0..known.1).contains(&now) {
            return known;
        }
        let fresh = self.compute(now).unwrap_or_else(|| in_utc(now));
        self.known.store(Arc::new(fresh));
        fresh
    }

    pub(crate) fn with_amount(&self, amount: u64) -> Self {
        Self { amount, ..self.clone() }
    }

    fn compute(&self, now: u64) -> Option<(u64, u64)> {
        let now = Timestamp::from_second(i64::try_from(now).ok()?).ok()?.to_zoned(self.zone.clone());
        let today = now.start_of_day().ok()?;
        let (start, next) = match self.period {
            Period::Day => (today.clone(), today.checked_add(1.day()).ok()?),
            Period::Week => {
                let since = i64::from(today.weekday().since(Weekday::Monday));
                let monday = today.checked_sub(since.days()).ok()?;
                (monday.clone(), monday.checked_add(1.week()).ok()?)
            }
            Period::Month => {
                let first = today.first_of_month().ok()?;
                (first.clone(), first.checked_add(1.month()).ok()?)
            }
        };
        // Where midnight does not exist, a day begins later.
        let second = |day: &Zoned| u64::try_from(day.start_of_day().ok()?.timestamp().as_second()).ok();
        Some((second(&start)?, second(&next)?))
    }
}

/// Beyond the calendar (the year 9999) days go on.
fn in_utc(now: u64) -> (u64, u64) {
    let start = now - now % 86_400;
    (start, start.saturating_add(86_400))
}

impl PartialEq for Budget {
    fn eq(&self, other: &Self) -> bool {
        (self.amount, self.period, &self.zone) == (other.amount, other.period, &other.zone)
    }
}

impl Eq for Budget {}

impl fmt::Debug for Budget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{} in {}", self.amount, self.period.as_str(), self.time_zone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bounds(period: Period, zone: &str, now: &str) -> [String; 2] {
        let budget = Budget::new(1, period).in_time_zone(zone).expect("a zone");
        let now: Timestamp = now.parse().expect("a time");
        let (start, end) = budget.bounds(now.as_second().try_into().expect("after 1970"));
        assert_eq!(budget.bounds(start), (start, end));
        assert_ne!(budget.bounds(end), (start, end));
        [start, end].map(|second| {
            Timestamp::from_second(second.try_into().expect("not so far")).expect("a time").to_string()
        })
    }

    #[test]
    fn periods_begin_at_midnight_where_the_budget_is() {
        for (period, zone, now, expected) in [
            (Period::Day, "UTC", "2026-11-22T00:00:00Z", ["2026-11-22T00:00:00Z", "2026-11-23T00:00:00Z"]),
            (
                Period::Day,
                "Europe/Berlin",
                "2026-11-22T23:30:00Z",
                ["2026-11-22T23:00:00Z", "2026-11-23T23:00:00Z"],
            ),
            // The clock goes back: 25 hours. It goes forward: 23.
            (
                Period::Day,
                "Europe/Berlin",
                "2026-10-25T12:00:00Z",
                ["2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z"],
            ),
            (
                Period::Day,
                "Europe/Berlin",
                "2026-03-29T12:00:00Z",
                ["2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z"],
            ),
            // In Lebanon the clock goes forward at midnight: that day begins at one.
            (
                Period::Day,
                "Asia/Beirut",
                "2026-03-29T12:00:00Z",
                ["2026-03-28T22:00:00Z", "2026-03-29T21:00:00Z"],
            ),
            (
                Period::Week,
                "America/New_York",
                "2026-11-22T12:00:00Z",
                ["2026-11-16T05:00:00Z", "2026-11-23T05:00:00Z"],
            ),
            (Period::Week, "UTC", "2026-11-23T00:00:00Z", ["2026-11-23T00:00:00Z", "2026-11-30T00:00:00Z"]),
            (
                Period::Month,
                "Europe/Berlin",
                "2026-03-31T22:00:00Z",
                ["2026-03-31T22:00:00Z", "2026-04-30T22:00:00Z"],
            ),
            (Period::Month, "UTC", "2028-02-29T12:00:00Z", ["2028-02-01T00:00:00Z", "2028-03-01T00:00:00Z"]),
        ] {
            assert_eq!(bounds(period, zone, now), expected.map(str::to_owned), "{period:?} {zone} {now}");
        }
    }

    #[test]
    fn a_time_beyond_the_calendar_is_a_day_like_any_other() {
        let (start, end) = Budget::new(1, Period::Month).bounds(u64::MAX / 2);
        assert_eq!(end - start, 86_400);
    }

    #[test]
    fn an_unknown_zone_is_named() {
        let error = Budget::new(1, Period::Day).in_time_zone("Europe/Bern").expect_err("no such zone");
        assert!(error.to_string().contains("Europe/Bern"));
    }
}
