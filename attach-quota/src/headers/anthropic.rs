use std::fmt::Write;
use std::time::SystemTime;

use bytes::BytesMut;
use http::{HeaderMap, HeaderName};
use jiff::Timestamp;

use super::text::{insert, number};
use super::{tightest, whole_seconds};
use crate::Unit;
use crate::store::Charge;

/// The three headers of each kind of limit.
static KINDS: [(Unit, [HeaderName; 3]); 4] = [
    (
        Unit::Requests,
        [
            HeaderName::from_static("anthropic-ratelimit-requests-limit"),
            HeaderName::from_static("anthropic-ratelimit-requests-remaining"),
            HeaderName::from_static("anthropic-ratelimit-requests-reset"),
        ],
    ),
    (
        Unit::Tokens,
        [
            HeaderName::from_static("anthropic-ratelimit-tokens-limit"),
            HeaderName::from_static("anthropic-ratelimit-tokens-remaining"),
            HeaderName::from_static("anthropic-ratelimit-tokens-reset"),
        ],
    ),
    (
        Unit::InputTokens,
        [
            HeaderName::from_static("anthropic-ratelimit-input-tokens-limit"),
            HeaderName::from_static("anthropic-ratelimit-input-tokens-remaining"),
            HeaderName::from_static("anthropic-ratelimit-input-tokens-reset"),
        ],
    ),
    (
        Unit::OutputTokens,
        [
            HeaderName::from_static("anthropic-ratelimit-output-tokens-limit"),
            HeaderName::from_static("anthropic-ratelimit-output-tokens-remaining"),
            HeaderName::from_static("anthropic-ratelimit-output-tokens-reset"),
        ],
    ),
];

/// Anthropic's headers ("Rate limits", section "Response headers"). `reset` is when the bucket will be full, as RFC 3339
/// in UTC and whole seconds.
pub(super) fn write(headers: &mut HeaderMap, buffer: &mut BytesMut, charges: &[Charge], now: SystemTime) {
    for (unit, [limit, remaining, reset]) in &KINDS {
        let Some(charge) = tightest(charges, *unit) else { continue };
        number(buffer, charge.window().capacity());
        insert(headers, limit, buffer);
        number(buffer, charge.standing().left);
        insert(headers, remaining, buffer);
        let since_epoch = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let full_at = whole_seconds(since_epoch.saturating_add(charge.standing().full_in));
        let full_at = i64::try_from(full_at).ok().and_then(|second| Timestamp::from_second(second).ok());
        // Writing to a buffer cannot fail.
        let _ = write!(buffer, "{}", full_at.unwrap_or(Timestamp::MAX));
        insert(headers, reset, buffer);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::tests::charge;
    use super::*;
    use crate::{Limit, Rate};

    /// The form is that of a recorded answer of 2025-08-21.
    #[test]
    fn when_a_bucket_is_full_is_said_in_utc_and_whole_seconds_rounded_up() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_millis(1_755_780_059_200);
        let mut headers = HeaderMap::new();
        let full_in = Duration::from_millis(700);
        let charges = [charge(Limit::requests("rpm", Rate::per_minute(1000)), 999, full_in)];
        write(&mut headers, &mut BytesMut::new(), &charges, now);
        assert_eq!(headers["anthropic-ratelimit-requests-limit"], "1000");
        assert_eq!(headers["anthropic-ratelimit-requests-remaining"], "999");
        assert_eq!(headers["anthropic-ratelimit-requests-reset"], "2025-08-21T12:41:00Z");
        write(
            &mut headers,
            &mut BytesMut::new(),
            &[charge(charges[0].limit().clone(), 0, Duration::MAX)],
            now,
        );
        assert!(
            headers["anthropic-ratelimit-requests-reset"]
                .to_str()
                .is_ok_and(|text| text.starts_with("9999-"))
        );
    }
}
