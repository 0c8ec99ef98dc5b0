use bytes::BytesMut;
use http::{HeaderMap, HeaderName};

use super::text::{clock_face, insert, number};
use super::tightest;
use crate::Unit;
use crate::store::Charge;

static REQUESTS: [HeaderName; 3] = [
    HeaderName::from_static("x-ratelimit-limit-requests"),
    HeaderName::from_static("x-ratelimit-remaining-requests"),
    HeaderName::from_static("x-ratelimit-reset-requests"),
];
static TOKENS: [HeaderName; 3] = [
    HeaderName::from_static("x-ratelimit-limit-tokens"),
    HeaderName::from_static("x-ratelimit-remaining-tokens"),
    HeaderName::from_static("x-ratelimit-reset-tokens"),
];

/// OpenAI's six ("Rate limits", section "Rate limits in headers"). `reset` is the time until the bucket is full.
pub(super) fn write(headers: &mut HeaderMap, buffer: &mut BytesMut, charges: &[Charge]) {
    for (unit, [limit, remaining, reset]) in [(Unit::Requests, &REQUESTS), (Unit::Tokens, &TOKENS)] {
        let Some(charge) = tightest(charges, unit) else { continue };
        number(buffer, charge.window().capacity());
        insert(headers, limit, buffer);
        number(buffer, charge.standing().left);
        insert(headers, remaining, buffer);
        clock_face(buffer, charge.standing().full_in);
        insert(headers, reset, buffer);
    }
}
