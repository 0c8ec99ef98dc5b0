//! How much a limit gives: `"60000/min"`, `"500/month"`, `8`.

use attach_quota::{Amount, Budget, Limit, Period, Rate, Unit, Window};
use toml::Value;

use crate::config::decimal::{exactly, scaled, shown};
use crate::dollars::shortest;

/// What can be counted, by the name of its key.
pub(super) const UNITS: [Unit; 6] =
    [Unit::Tokens, Unit::InputTokens, Unit::OutputTokens, Unit::Requests, Unit::MicroUsd, Unit::Concurrent];

/// So much in so much time, or at a time.
#[derive(Debug, Clone)]
pub(super) enum Given {
    Rate(Rate),
    Budget(Budget),
    Level(u64),
}

impl Given {
    /// Reads what stands behind the key of `unit`.
    pub(super) fn read(unit: Unit, value: &Value) -> Result<Self, String> {
        if unit == Unit::Concurrent {
            let Value::Integer(_) = value else {
                return Err(format!("{} is not a whole number; write {}", shown(value), example(unit)));
            };
            return nonzero(exactly(value, 0)?).map(Self::Level);
        }
        let Value::String(text) = value else {
            return Err(format!("{} does not say in how much time; write {}", shown(value), example(unit)));
        };
        let (amount, period) = text
            .split_once('/')
            .ok_or_else(|| format!("{text:?} does not say in how much time; write {}", example(unit)))?;
        let amount = nonzero(scaled(amount.trim(), places(unit))?)?;
        Ok(match period.trim() {
            "s" | "sec" | "second" => Self::Rate(Rate::per_second(amount)),
            "m" | "min" | "minute" => Self::Rate(Rate::per_minute(amount)),
            "h" | "hour" => Self::Rate(Rate::per_hour(amount)),
            "month" => Self::Budget(Budget::new(amount, Period::Month)),
            other => match other.parse::<Period>() {
                Ok(period) => Self::Budget(Budget::new(amount, period)),
                Err(()) => return Err(format!("{other:?} is no period: use s, min, h, day, week or month")),
            },
        })
    }

    /// The same budget with its days and months in `zone`.
    pub(super) fn in_time_zone(self, zone: &str) -> Result<Self, String> {
        match self {
            Self::Budget(budget) => {
                budget.in_time_zone(zone).map(Self::Budget).map_err(|why| why.to_string())
            }
            _ => Err("only what is given each day, week or month begins somewhere; leave it out".to_owned()),
        }
    }

    /// A limit of so much of `unit`.
    pub(super) fn limit(self, id: &str, unit: Unit) -> Limit {
        match (unit, self) {
            (_, Self::Level(amount)) => Limit::concurrent(id, amount),
            (Unit::InputTokens, given) => Limit::input_tokens(id, given),
            (Unit::OutputTokens, given) => Limit::output_tokens(id, given),
            (Unit::Requests, given) => Limit::requests(id, given),
            (Unit::MicroUsd, given) => Limit::micro_usd(id, given),
            (_, given) => Limit::tokens(id, given),
        }
    }
}

impl Amount for Given {
    fn window(self) -> Window {
        match self {
            Self::Rate(rate) => rate.window(),
            Self::Budget(budget) => budget.window(),
            Self::Level(amount) => Window::Level(amount),
        }
    }
}

/// How many digits behind the point an amount of `unit` has: money is counted in millionths.
pub(super) fn places(unit: Unit) -> u32 {
    if unit == Unit::MicroUsd { 6 } else { 0 }
}

/// What to write behind the key of `unit`.
pub(super) fn example(unit: Unit) -> &'static str {
    match unit {
        Unit::Requests => "requests = \"60/min\"",
        Unit::MicroUsd => "usd = \"500/month\"",
        Unit::Concurrent => "concurrent = 8",
        Unit::InputTokens => "input_tokens = \"60000/min\"",
        Unit::OutputTokens => "output_tokens = \"60000/min\"",
        _ => "tokens = \"60000/min\"",
    }
}

/// `60000 tokens/min (burst 90000)`, `12.5 USD/day in Europe/Berlin`, `8 requests at a time`.
pub(super) fn described(unit: Unit, window: &Window) -> String {
    let number = |amount: u64| match unit {
        Unit::MicroUsd => format!("{} USD", shortest(amount)),
        Unit::Concurrent => format!("{amount} requests"),
        _ => format!("{amount} {}", unit.as_str().replace('_', " ")),
    };
    let amount = number(window.amount());
    match (window, window.period_name()) {
        (Window::Budget(budget), Some(period)) => format!("{amount}/{period} in {}", budget.time_zone()),
        (_, Some(period)) if window.capacity() == window.amount() => format!("{amount}/{period}"),
        (_, Some(period)) => format!("{amount}/{period} (burst {})", number(window.capacity())),
        (_, None) => format!("{amount} at a time"),
    }
}

fn nonzero(amount: u64) -> Result<u64, String> {
    if amount == 0 {
        return Err("0 allows nothing at all; deny it by [access] instead".to_owned());
    }
    Ok(amount)
}
