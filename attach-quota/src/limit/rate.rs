use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// So much per second, minute or hour.
///
/// ```
/// use attach_quota::Rate;
///
/// let rate: Rate = "60000/min".parse()?;
/// assert_eq!(rate, Rate::per_minute(60_000));
/// assert_eq!(rate.to_string(), "60000/min");
/// # Ok::<(), attach_quota::RateError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Rate {
    amount: u64,
    per: Per,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Per {
    Second,
    Minute,
    Hour,
}

impl Rate {
    /// `n` a second. A rate of zero would refuse for ever, which is for policy to say: it is taken as one.
    #[must_use]
    pub const fn per_second(n: u64) -> Self {
        Self::new(n, Per::Second)
    }

    /// `n` a minute. Zero is taken as one, as in [`per_second`](Self::per_second).
    #[must_use]
    pub const fn per_minute(n: u64) -> Self {
        Self::new(n, Per::Minute)
    }

    /// `n` an hour. Zero is taken as one, as in [`per_second`](Self::per_second).
    #[must_use]
    pub const fn per_hour(n: u64) -> Self {
        Self::new(n, Per::Hour)
    }

    const fn new(n: u64, per: Per) -> Self {
        Self { amount: if n == 0 { 1 } else { n }, per }
    }

    /// As often, but `amount`. Zero is taken as one, as in [`per_second`](Self::per_second).
    #[must_use]
    pub const fn with_amount(self, amount: u64) -> Self {
        Self::new(amount, self.per)
    }

    /// How much.
    #[must_use]
    pub const fn amount(self) -> u64 {
        self.amount
    }

    /// In which time.
    #[must_use]
    pub const fn period(self) -> Duration {
        Duration::from_secs(match self.per {
            Per::Second => 1,
            Per::Minute => 60,
            Per::Hour => 3600,
        })
    }

    /// The period as people say it: `second`, `minute` or `hour`.
    pub(crate) const fn period_name(self) -> &'static str {
        match self.per {
            Per::Second => "second",
            Per::Minute => "minute",
            Per::Hour => "hour",
        }
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let per = match self.per {
            Per::Second => "s",
            Per::Minute => "min",
            Per::Hour => "h",
        };
        write!(f, "{}/{per}", self.amount)
    }
}

impl FromStr for Rate {
    type Err = RateError;

    /// Reads `60000/min`: digits, a slash, and `s`, `sec`, `second`, `m`, `min`, `minute`, `h` or `hour`.
    fn from_str(text: &str) -> Result<Self, RateError> {
        let refuse = |fault| RateError { text: text.into(), fault };
        let (amount, per) = text.trim().split_once('/').ok_or_else(|| refuse(Fault::Shape))?;
        let amount = amount.trim_end();
        if amount.is_empty() || !amount.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(refuse(Fault::Amount));
        }
        let amount = amount.parse().map_err(|_| refuse(Fault::Amount))?;
        if amount == 0 {
            return Err(refuse(Fault::Zero));
        }
        let per = match per.trim_start() {
            "s" | "sec" | "second" => Per::Second,
            "m" | "min" | "minute" => Per::Minute,
            "h" | "hour" => Per::Hour,
            _ => return Err(refuse(Fault::Period)),
        };
        Ok(Self { amount, per })
    }
}

/// Why a text is not a [`Rate`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RateError {
    text: Box<str>,
    fault: Fault,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    Shape,
    Amount,
    Zero,
    Period,
}

impl fmt::Display for RateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fault = match self.fault {
            Fault::Shape => "has no '/': write it as in \"60000/min\"",
            Fault::Amount => "does not begin with a whole number",
            Fault::Zero => "allows nothing at all: forbid by policy instead",
            Fault::Period => "has an unknown period: use s, min or h",
        };
        write!(f, "the rate {:?} {fault}", self.text)
    }
}

impl std::error::Error for RateError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_of_a_period_is_read() {
        for (spellings, rate) in [
            (["7/s", "7/sec", "7/second", " 7 / s "], Rate::per_second(7)),
            (["7/m", "7/min", "7/minute", "7 / min"], Rate::per_minute(7)),
            (["7/h", "7/hour", "7/hour ", "7/ h"], Rate::per_hour(7)),
        ] {
            for spelling in spellings {
                assert_eq!(spelling.parse(), Ok(rate), "{spelling}");
            }
            assert_eq!(rate.to_string().parse(), Ok(rate));
        }
    }

    #[test]
    fn a_fault_is_named() {
        for (text, fault) in [
            ("60000", "has no '/'"),
            ("/min", "whole number"),
            ("-1/min", "whole number"),
            ("+1/min", "whole number"),
            ("1e3/min", "whole number"),
            ("99999999999999999999/min", "whole number"),
            ("0/min", "allows nothing"),
            ("10/day", "unknown period"),
            ("10/", "unknown period"),
        ] {
            let error = text.parse::<Rate>().expect_err(text).to_string();
            assert!(error.contains(fault) && error.contains(text), "{error}");
        }
    }
}
