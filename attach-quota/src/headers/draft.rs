use std::time::Duration;

use bytes::BytesMut;
use http::{HeaderMap, HeaderName};

use super::text::{insert, number, quoted};
use super::{is_announced, whole_seconds};
use crate::store::Charge;
use crate::{Period, Unit, Window};

static POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
static STATE: HeaderName = HeaderName::from_static("ratelimit");

/// The largest integer of RFC 9651 §3.3.1.
const MOST: u64 = 999_999_999_999_999;

/// draft-ietf-httpapi-ratelimit-headers-10: `RateLimit-Policy: "id";q=60000;w=60;qu="tokens"` and
/// `RateLimit: "id";r=59000;t=1`, where `t` is the time until the bucket is full or the period ends, or the wait after a
/// refusal. What is limited at a time has neither `w` nor, unless it was refused, `t`.
pub(super) fn write(
    headers: &mut HeaderMap,
    buffer: &mut BytesMut,
    charges: &[Charge],
    refused: Option<(usize, Duration)>,
) {
    let announced = || charges.iter().enumerate().filter(|(_, charge)| is_announced(charge));
    if announced().next().is_none() {
        return;
    }
    for (_, charge) in announced() {
        policy(buffer, charge);
    }
    insert(headers, &POLICY, buffer);
    for (index, charge) in announced() {
        let wait = refused.filter(|(bit, _)| *bit == index).map(|(_, wait)| wait);
        state(buffer, charge, wait);
    }
    insert(headers, &STATE, buffer);
}

fn policy(buffer: &mut BytesMut, charge: &Charge) {
    name(buffer, charge);
    parameter(buffer, b";q=", charge.window().capacity());
    if let Some(window) = window(charge) {
        parameter(buffer, b";w=", window);
    }
    buffer.extend_from_slice(b";qu=\"");
    buffer.extend_from_slice(unit(charge.limit().unit()).as_bytes());
    buffer.extend_from_slice(b"\"");
}

fn state(buffer: &mut BytesMut, charge: &Charge, wait: Option<Duration>) {
    name(buffer, charge);
    parameter(buffer, b";r=", charge.standing().left);
    let reset = window(charge).map(|_| charge.standing().full_in);
    if let Some(reset) = wait.or(reset) {
        parameter(buffer, b";t=", whole_seconds(reset));
    }
}

fn name(buffer: &mut BytesMut, charge: &Charge) {
    if !buffer.is_empty() {
        buffer.extend_from_slice(b", ");
    }
    quoted(buffer, charge.limit().id());
}

fn parameter(buffer: &mut BytesMut, name: &[u8], value: u64) {
    buffer.extend_from_slice(name);
    number(buffer, value.min(MOST));
}

/// The draft registers `requests`, `content-bytes` and `concurrent-requests`; the others are ours.
fn unit(unit: Unit) -> &'static str {
    match unit {
        Unit::Tokens => "tokens",
        Unit::InputTokens => "input-tokens",
        Unit::OutputTokens => "output-tokens",
        Unit::Requests => "requests",
        Unit::MicroUsd => "micro-usd",
        Unit::Concurrent => "concurrent-requests",
    }
}

/// The time in which an empty bucket fills, or the length of the period (a month has 30 days); nothing for a level.
fn window(charge: &Charge) -> Option<u64> {
    match charge.window() {
        Window::Rate { rate, burst } => {
            let seconds = (u128::from(*burst) * u128::from(rate.period().as_secs()))
                .div_ceil(u128::from(rate.amount()));
            Some(u64::try_from(seconds).unwrap_or(u64::MAX))
        }
        Window::Budget(budget) => Some(match budget.period() {
            Period::Day => 86_400,
            Period::Week => 7 * 86_400,
            Period::Month => 30 * 86_400,
        }),
        Window::Level(_) => None,
    }
}
