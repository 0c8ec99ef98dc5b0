use std::fmt;

use super::{Budget, Rate};

/// How much, and when there is more: the part of a limit that somebody's [`Grant`](crate::Grant) may change.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Window {
    /// A bucket that fills at a rate (GCRA) and holds `burst`.
    Rate {
        /// How fast it fills.
        rate: Rate,
        /// How much it holds, at least one.
        burst: u64,
    },
    /// A counter that begins at nothing with every day, week or month.
    Budget(Budget),
    /// So much at a time, whatever came before.
    Level(u64),
}

/// `60000/min`, `500/month in Europe/Berlin`, `8 at a time`.
impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rate { rate, burst } if *burst == rate.amount() => rate.fmt(f),
            Self::Rate { rate, burst } => write!(f, "{rate} (burst {burst})"),
            Self::Budget(budget) => fmt::Debug::fmt(budget, f),
            Self::Level(amount) => write!(f, "{amount} at a time"),
        }
    }
}

impl Window {
    /// The most that can be used at once.
    #[must_use]
    pub fn capacity(&self) -> u64 {
        match self {
            Self::Rate { burst, .. } => *burst,
            Self::Budget(budget) => budget.amount(),
            Self::Level(amount) => *amount,
        }
    }

    /// What it gives in one period, or at a time.
    #[must_use]
    pub fn amount(&self) -> u64 {
        match self {
            Self::Rate { rate, .. } => rate.amount(),
            Self::Budget(budget) => budget.amount(),
            Self::Level(amount) => *amount,
        }
    }

    /// `second`, `minute`, `hour`, `day`, `week`, `month`; nothing for a level.
    #[must_use]
    pub fn period_name(&self) -> Option<&'static str> {
        match self {
            Self::Rate { rate, .. } => Some(rate.period_name()),
            Self::Budget(budget) => Some(budget.period().as_str()),
            Self::Level(_) => None,
        }
    }

    /// The same window with another amount. A burst keeps its proportion to the rate.
    #[must_use]
    pub fn with_amount(&self, amount: u64) -> Self {
        match self {
            Self::Rate { rate, burst } => {
                let burst = u128::from(*burst) * u128::from(amount) / u128::from(rate.amount());
                let burst = u64::try_from(burst).unwrap_or(u64::MAX).max(1);
                Self::Rate { rate: rate.with_amount(amount), burst }
            }
            Self::Budget(budget) => Self::Budget(budget.with_amount(amount)),
            Self::Level(_) => Self::Level(amount),
        }
    }
}
