//! What an answer says about the limits.

use std::fmt::Write;
use std::time::Duration;

use http::header::{HeaderMap, HeaderName, HeaderValue};

use crate::store::Charge;
use crate::{Period, Unit, Window};

/// Both manners: the IETF draft's two fields, which name every limit, and OpenAI's six, which know one limit of a
/// kind: the one with the least left.
pub(crate) fn write(headers: &mut HeaderMap, charges: &[Charge], retry: Option<(usize, Duration)>) {
    draft(headers, charges, retry);
    for unit in [Unit::Requests, Unit::Tokens] {
        let of_unit = charges.iter().filter(|charge| charge.limit().unit() == unit);
        if let Some(charge) = of_unit.min_by_key(|charge| charge.standing().left) {
            openai(headers, unit, charge);
        }
    }
}

/// Seconds to wait, rounded up and at least one (RFC 9110 §10.2.3 knows no fractions).
pub(crate) fn seconds(wait: Duration) -> u64 {
    whole_seconds(wait).max(1)
}

fn whole_seconds(duration: Duration) -> u64 {
    duration.as_secs().saturating_add(u64::from(duration.subsec_nanos() > 0))
}

/// draft-ietf-httpapi-ratelimit-headers-09: `RateLimit-Policy: "id";q=60000;w=60;qu="tokens"` and
/// `RateLimit: "id";r=59000;t=1`, where `t` is the time until the bucket is full, or the wait after a refusal.
fn draft(headers: &mut HeaderMap, charges: &[Charge], retry: Option<(usize, Duration)>) {
    let (mut policy, mut state) = (String::new(), String::new());
    for (index, charge) in charges.iter().enumerate() {
        let limit = charge.limit();
        let name = quoted(limit.id());
        let separator = if index == 0 { "" } else { ", " };
        let (quota, window, unit) = (charge.window().capacity(), window(charge), limit.unit().as_str());
        let left = charge.standing().left;
        let reset = match retry {
            Some((bit, wait)) if bit == index => wait,
            _ => charge.standing().full_in,
        };
        let reset = whole_seconds(reset);
        // Writing to a string cannot fail.
        let _ = write!(policy, "{separator}{name};q={quota};w={window};qu=\"{unit}\"");
        let _ = write!(state, "{separator}{name};r={left};t={reset}");
    }
    insert(headers, "ratelimit-policy", &policy);
    insert(headers, "ratelimit", &state);
}

/// The time in which an empty bucket fills, or the length of the period (a month has 30 days); nothing for a level.
fn window(charge: &Charge) -> u64 {
    match charge.window() {
        Window::Rate { rate, burst } => {
            let seconds = (u128::from(*burst) * u128::from(rate.period().as_secs()))
                .div_ceil(u128::from(rate.amount()));
            u64::try_from(seconds).unwrap_or(u64::MAX)
        }
        Window::Budget(budget) => match budget.period() {
            Period::Day => 86_400,
            Period::Week => 7 * 86_400,
            Period::Month => 30 * 86_400,
        },
        Window::Level(_) => 0,
    }
}

/// A string of RFC 9651 §3.3.3. It holds printable ASCII only.
pub(crate) fn quoted(id: &str) -> String {
    let mut quoted = String::with_capacity(id.len() + 2);
    quoted.push('"');
    for character in id.chars() {
        match character {
            '"' | '\\' => quoted.extend(['\\', character]),
            ' '..='~' => quoted.push(character),
            _ => quoted.push('?'),
        }
    }
    quoted.push('"');
    quoted
}

fn openai(headers: &mut HeaderMap, unit: Unit, charge: &Charge) {
    let names = match unit {
        Unit::Tokens => {
            ["x-ratelimit-limit-tokens", "x-ratelimit-remaining-tokens", "x-ratelimit-reset-tokens"]
        }
        _ => ["x-ratelimit-limit-requests", "x-ratelimit-remaining-requests", "x-ratelimit-reset-requests"],
    };
    let values = [
        charge.window().capacity().to_string(),
        charge.standing().left.to_string(),
        clock_face(charge.standing().full_in),
    ];
    for (name, value) in names.into_iter().zip(&values) {
        insert(headers, name, value);
    }
}

/// Go's way to write a duration, which is OpenAI's: `6m0s`, `1.5s`, `12ms`.
fn clock_face(duration: Duration) -> String {
    let milliseconds = duration.as_nanos().div_ceil(1_000_000);
    let (seconds, fraction) = (milliseconds / 1000, milliseconds % 1000);
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    let mut face = String::new();
    if hours > 0 {
        let _ = write!(face, "{hours}h");
    }
    if hours > 0 || minutes > 0 {
        let _ = write!(face, "{minutes}m");
    }
    let _ = match (fraction, milliseconds < 1000) {
        (0, _) => write!(face, "{seconds}s"),
        (_, true) => write!(face, "{fraction}ms"),
        (_, false) => write!(face, "{}s", format!("{seconds}.{fraction:03}").trim_end_matches('0')),
    };
    face
}

pub(crate) fn insert(headers: &mut HeaderMap, name: &'static str, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(HeaderName::from_static(name), value);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::caller::Caller;
    use crate::store::Standing;
    use crate::{Limit, Rate};

    fn charge(limit: Limit, left: u64, full_in: Duration) -> Charge {
        let (limit, caller) = (Arc::new(limit), Caller::Named("alice".into()));
        let key = caller.keys(&limit).remove(0);
        let mut charge = Charge::new(&limit, limit.window().clone(), key, 1);
        charge.stands(Standing::new(left, full_in));
        charge
    }

    #[test]
    fn durations_are_written_as_openai_writes_them() {
        for (milliseconds, face) in [
            (0, "0s"),
            (12, "12ms"),
            (1000, "1s"),
            (1500, "1.5s"),
            (59_999, "59.999s"),
            (60_000, "1m0s"),
            (360_000, "6m0s"),
            (3_600_000, "1h0m0s"),
        ] {
            assert_eq!(clock_face(Duration::from_millis(milliseconds)), face);
        }
        assert_eq!(clock_face(Duration::from_nanos(1)), "1ms");
    }

    #[test]
    fn a_wait_is_rounded_up() {
        for (wait, expected) in [(0, 1), (1, 1), (1000, 1), (1001, 2)] {
            assert_eq!(seconds(Duration::from_millis(wait)), expected);
        }
    }

    #[test]
    fn every_limit_is_named_and_the_tightest_of_a_kind_is_in_openais_headers() {
        let charges = [
            charge(Limit::requests("rpm", Rate::per_minute(100)), 99, Duration::from_millis(600)),
            charge(Limit::tokens("tpm", Rate::per_minute(60_000)), 59_000, Duration::from_secs(1)),
            charge(
                Limit::tokens("tp\"s", Rate::per_second(1_000)).burst(2_000),
                700,
                Duration::from_millis(1300),
            ),
        ];
        let mut headers = HeaderMap::new();
        write(&mut headers, &charges, None);
        let policy = r#""rpm";q=100;w=60;qu="requests", "tpm";q=60000;w=60;qu="tokens", "tp\"s";q=2000;w=2;qu="tokens""#;
        assert_eq!(headers["ratelimit-policy"], policy);
        assert_eq!(headers["ratelimit"], r#""rpm";r=99;t=1, "tpm";r=59000;t=1, "tp\"s";r=700;t=2"#);
        assert_eq!(headers["x-ratelimit-limit-tokens"], "2000");
        assert_eq!(headers["x-ratelimit-remaining-tokens"], "700");
        assert_eq!(headers["x-ratelimit-reset-tokens"], "1.3s");
        assert_eq!(headers["x-ratelimit-remaining-requests"], "99");
        assert_eq!(headers["x-ratelimit-reset-requests"], "600ms");
    }

    #[test]
    fn a_name_that_no_header_can_hold_is_replaced() {
        assert_eq!(quoted("größe\n"), "\"gr??e?\"");
    }
}
