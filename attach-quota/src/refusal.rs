use std::sync::Arc;
use std::time::Duration;

use attach_core::exchange::QuotaFacts;
use attach_core::{Exchange, Outcome, Rejection};
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use jiff::Timestamp;

use crate::limit::{Unit, Window};
use crate::store::{Charge, Denied, Standing};
use crate::{cut, headers};

/// What is left of a limit that many share is not for this caller.
const BEYOND_SHARE: &str = "runs low, and more than your fair share of it is used";

/// The answer to a call that is denied, and its trace in the exchange.
pub(crate) fn of(denied: Denied, charges: &[Charge], exchange: &Exchange) -> Rejection {
    let (index, retry_after, why) = match denied {
        Denied::Limit { index, retry_after } => (index, retry_after, None),
        Denied::Share { index, retry_after } => (index, retry_after, Some(BEYOND_SHARE)),
        Denied::Unavailable => return unavailable(),
    };
    let Some(charge) = charges.get(index) else {
        return Rejection::misconfigured("a quota store denied a charge that does not exist");
    };
    note(exchange, charge, 0);
    let why = why.map_or_else(|| state(charge), str::to_owned);
    let refusal = used_up(charge, &why, retry_after);
    let mut fields = HeaderMap::new();
    headers::write(&mut fields, exchange.dialect(), charges, Some((index, retry_after)));
    headers::come_back(&mut fields, retry_after);
    fields.into_iter().fold(refusal, |refusal, (name, value)| match name {
        Some(name) => refusal.with_header(name, value),
        None => refusal,
    })
}

/// What ends a running stream under the limit of `charge`, and its trace in the exchange: `events` if the client has
/// begun to read, else the dialect's error event.
pub(crate) fn cut(
    charge: &Charge,
    refused: cut::Refusal,
    exchange: &Exchange,
    events: Option<Bytes>,
) -> Rejection {
    let mut empty = charge.clone();
    empty.stands(Standing::new(0, charge.standing().full_in));
    note(exchange, &empty, charge.reserved());
    let rejection = match refused.code {
        cut::UNAVAILABLE => unavailable(),
        _ => used_up(charge, "is used up", refused.retry_after),
    };
    let rejection = rejection.with_outcome(Outcome::Cut);
    match events {
        Some(events) => rejection.with_terminal_event(events),
        None => rejection,
    }
}

fn unavailable() -> Rejection {
    let message = "limits cannot be checked at the moment";
    Rejection::new(StatusCode::SERVICE_UNAVAILABLE, "quota_unavailable", message).with_retry_after(1)
}

/// As in "the limit of 60000 tokens per minute …".
fn used_up(charge: &Charge, why: &str, wait: Duration) -> Rejection {
    let message = format!("{} {why}; {}", subject(charge), when(charge.window(), wait));
    Rejection::new(StatusCode::TOO_MANY_REQUESTS, "rate_limit_exceeded", message)
}

/// Nobody counts the seconds of a month.
fn when(window: &Window, wait: Duration) -> String {
    // A period begins with a second, and the clock was read a moment ago.
    let begins = Timestamp::now().checked_add(wait).and_then(|begins| begins.round(jiff::Unit::Second));
    match (window, begins) {
        (Window::Budget(_), Ok(begins)) => format!("it begins anew at {begins}"),
        _ => format!("try again in {} s", headers::seconds(wait)),
    }
}

fn subject(charge: &Charge) -> String {
    let (id, unit, window) = (charge.limit().id(), charge.limit().unit(), charge.window());
    let amount = match unit {
        Unit::MicroUsd => format!("{} USD", dollars(window.amount())),
        Unit::Concurrent => format!("{} requests", window.amount()),
        _ => format!("{} {}", window.amount(), unit.as_str().replace('_', " ")),
    };
    match window.period_name() {
        Some(period) => format!("the limit \"{id}\" of {amount} per {period}"),
        None => format!("the limit \"{id}\" of {amount} at a time"),
    }
}

/// What is left, and what the call would take of it.
fn state(charge: &Charge) -> String {
    let unit = charge.limit().unit();
    match charge.standing().left {
        0 => "is used up".to_owned(),
        left => format!(
            "has {} left, and this call needs {}",
            figure(unit, left),
            figure(unit, charge.reserved())
        ),
    }
}

fn figure(unit: Unit, amount: u64) -> String {
    if unit == Unit::MicroUsd { dollars(amount) } else { amount.to_string() }
}

/// To the cent, or as exactly as it takes.
fn dollars(micro_usd: u64) -> String {
    let decimals = format!("{:06}", micro_usd % 1_000_000);
    format!("{}.{:0<2}", micro_usd / 1_000_000, decimals.trim_end_matches('0'))
}

/// Notes the limit that came closest, as a share of what it holds.
pub(crate) fn note_closest(exchange: &Exchange, charges: &[Charge]) {
    let share = |charge: &&Charge| {
        let (left, capacity) = (charge.standing().left, charge.window().capacity().max(1));
        u128::from(left) * 1_000_000 / u128::from(capacity)
    };
    if let Some(closest) = charges.iter().min_by_key(share) {
        note(exchange, closest, closest.reserved());
    }
    for charge in charges.iter().filter(|charge| charge.is_passed_over()) {
        let id = charge.shared_limit().shared_id();
        exchange.facts(|facts| facts.quota.iter_mut().for_each(|quota| quota.shadow.push(Arc::clone(id))));
    }
}

fn note(exchange: &Exchange, charge: &Charge, reserved: u64) {
    let mut standing = QuotaFacts::new(charge.shared_limit().shared_id().clone(), charge.window().capacity());
    standing.remaining = charge.standing().left;
    standing.reserved = reserved;
    standing.degraded = charge.standing().degraded;
    exchange.facts(|facts| facts.quota = Some(standing));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_of_less_than_a_cent_is_not_said_to_be_of_nothing() {
        for (micro_usd, said) in
            [(500_000_000, "500.00"), (2_500_000, "2.50"), (1_500, "0.0015"), (0, "0.00")]
        {
            assert_eq!(dollars(micro_usd), said);
        }
    }
}
