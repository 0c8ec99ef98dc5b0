use bytes::BytesMut;
use http::HeaderMap;

use super::text::{clock_face, insert, number};
use super::tightest;
use crate::Unit;
use crate::store::Charge;

const REQUESTS: [&str; 3] =
    ["x-ratelimit-limit-requests", "x-ratelimit-remaining-requests", "x-ratelimit-reset-requests"];
const TOKENS: [&str; 3] =
    ["x-ratelimit-limit-tokens", "x-ratelimit-remaining-tokens", "x-ratelimit-reset-tokens"];

/// OpenAI's six ("Rate limits", section "Rate limits in headers"). `reset` is the time until the bucket is full.
pub(super) fn write(headers: &mut HeaderMap, buffer: &mut BytesMut, charges: &[Charge]) {
    for (unit, [limit, remaining, reset]) in [(Unit::Requests, REQUESTS), (Unit::Tokens, TOKENS)] {
        let Some(charge) = tightest(charges, unit) else { continue };
        number(buffer, charge.window().capacity());
        insert(headers, limit, buffer);
        number(buffer, charge.standing().left);
        insert(headers, remaining, buffer);
        clock_face(buffer, charge.standing().full_in);
        insert(headers, reset, buffer);
    }
}
