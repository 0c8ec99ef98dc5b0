//! Amounts as people write them, in the unit and over the period of a limit. Money is written in US dollars and counted
//! in millionths.

use attach_quota::{Limit, Period, Rate, Unit, Window};
use serde_json::{Value, json};

use crate::config::scaled;
use crate::dollars;

/// What JSON's numbers hold exactly in every language, and Redis's scripts as well.
const MOST: u64 = (1 << 53) - 1;

/// `120000`, `"120000"`, `"120000/min"`; for money `12.5`, `"12.50"`, `"12.50/month"`. The period has to be the limit's.
///
/// # Errors
///
/// A sentence that says how the amount is to be written.
pub(super) fn parse(limit: &Limit, value: &Value) -> Result<u64, String> {
    let text = match value {
        Value::String(text) => text.trim().to_owned(),
        Value::Number(number) => number.to_string(),
        _ => return Err(expected(limit)),
    };
    let (number, period) = match text.split_once('/') {
        Some((number, period)) => (number.trim_end(), Some(period.trim_start())),
        None => (&*text, None),
    };
    if period.is_some_and(|period| !is_period(limit.window(), period)) {
        return Err(expected(limit));
    }
    let amount = match limit.unit() {
        Unit::MicroUsd => scaled(number, 6).ok(),
        _ => whole(number),
    };
    amount.filter(|amount| *amount <= MOST).ok_or_else(|| expected(limit))
}

/// An amount as it is shown: a number, or dollars as decimal text.
pub(crate) fn shown(unit: &str, amount: u64) -> Value {
    match unit == Unit::MicroUsd.as_str() {
        true => json!(dollars::amount(amount)),
        false => json!(amount),
    }
}

fn is_period(window: &Window, text: &str) -> bool {
    match window {
        Window::Rate { rate, .. } => {
            format!("1/{text}").parse::<Rate>().is_ok_and(|other| other.period() == rate.period())
        }
        Window::Budget(budget) => text.parse::<Period>() == Ok(budget.period()),
        _ => false,
    }
}

fn whole(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten()
}

fn expected(limit: &Limit) -> String {
    let (id, unit) = (limit.id(), limit.unit().as_str());
    let example = if limit.unit() == Unit::MicroUsd { "12.50" } else { "1000" };
    match limit.window().period_name() {
        Some(period) => format!(
            "the limit {id:?} is in {unit} per {period}: write the amount as \"{example}\" or \"{example}/{period}\""
        ),
        None => format!("the limit {id:?} is a number of requests at a time: write a whole number such as 8"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use attach_quota::Budget;

    fn rate() -> Limit {
        Limit::tokens("tpm", Rate::per_minute(1))
    }

    fn money() -> Limit {
        Limit::micro_usd("usd", Budget::new(1, Period::Month))
    }

    #[test]
    fn amounts_are_read_in_the_limits_unit_and_period() {
        for (limit, value, amount) in [
            (rate(), json!(120_000), 120_000),
            (rate(), json!("120000"), 120_000),
            (rate(), json!("120000/min"), 120_000),
            (rate(), json!(" 7 / minute "), 7),
            (Limit::tokens("d", Budget::new(1, Period::Day)), json!("5/day"), 5),
            (Limit::concurrent("c", 1), json!(8), 8),
            (money(), json!("750/month"), 750_000_000),
            (money(), json!("12.50"), 12_500_000),
            (money(), json!(0.1), 100_000),
            (money(), json!(3), 3_000_000),
            (money(), json!("0.000001"), 1),
        ] {
            assert_eq!(parse(&limit, &value), Ok(amount), "{value}");
        }
    }

    #[test]
    fn what_is_no_amount_of_the_limit_is_refused_with_an_example() {
        for (limit, value, says) in [
            (rate(), json!("120000/h"), "tokens per minute"),
            (rate(), json!("120000/month"), "\"1000/minute\""),
            (rate(), json!(1.5), "tokens per minute"),
            (rate(), json!(-1), "tokens per minute"),
            (rate(), json!("+1"), "tokens per minute"),
            (rate(), json!(""), "tokens per minute"),
            (rate(), json!("/min"), "tokens per minute"),
            (rate(), json!(true), "tokens per minute"),
            (rate(), json!(1_u64 << 53), "tokens per minute"),
            (Limit::concurrent("c", 1), json!("8/min"), "at a time"),
            (money(), json!("1.0000001"), "\"12.50/month\""),
            (money(), json!("1."), "usd per month"),
            (money(), json!("1.-5"), "usd per month"),
            (money(), json!(".5"), "usd per month"),
            (money(), json!("750/day"), "usd per month"),
            (money(), json!("99999999999999"), "usd per month"),
        ] {
            let error = parse(&limit, &value).expect_err("no amount");
            assert!(error.contains(says), "{value}: {error}");
        }
    }

    #[test]
    fn dollars_are_shown_as_people_write_them() {
        for (micros, text) in [
            (0, "0"),
            (750_000_000, "750"),
            (12_500_000, "12.50"),
            (1, "0.000001"),
            (499_993_210, "499.99321"),
        ] {
            assert_eq!(shown("usd", micros), json!(text));
        }
        assert_eq!(shown("tokens", 5), json!(5));
    }
}
