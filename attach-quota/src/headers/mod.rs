//! What an answer says about the limits.

use std::time::{Duration, SystemTime};

use attach_core::{Dialect, Exchange};
use bytes::BytesMut;
use http::Response;
use http::header::{HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};

use crate::Unit;
use crate::store::Charge;

mod anthropic;
mod draft;
mod openai;
pub(crate) mod text;

/// Longer than this nobody should sleep with a request in hand. Most official SDKs would: of the current ones
/// (openai-python 3, anthropic-python 2, openai-node 6) one gives up beyond 120 s by itself, and the others wait
/// whatever they are told; older ones ignore a wait of more than 60 s and come back after one.
const PATIENCE: Duration = Duration::from_secs(60);

/// Writes the IETF draft's two fields, which name every limit, and those of the provider whose dialect is spoken, which
/// know one limit of a kind: the one with the least left.
///
/// `refused` is the limit that was in the way, and for how long. Limits that only watch are not announced.
pub(crate) fn write(
    headers: &mut HeaderMap,
    dialect: Dialect,
    charges: &[Charge],
    refused: Option<(usize, Duration)>,
) {
    let mut buffer = BytesMut::with_capacity(192 + 96 * charges.len());
    draft::write(headers, &mut buffer, charges, refused);
    match dialect {
        Dialect::Anthropic => anthropic::write(headers, &mut buffer, charges, SystemTime::now()),
        _ => openai::write(headers, &mut buffer, charges),
    }
}

/// Removes the providers' headers from an answer that no quota layer further in has made or told of limits: they are
/// about somebody else's.
pub(crate) fn remove_foreign<R>(response: &mut Response<R>, exchange: &Exchange) {
    let ours = response.extensions_mut().insert(Told).is_some();
    if ours || exchange.facts(|facts| facts.refusal.is_some()) {
        return;
    }
    let foreign = |name: &&HeaderName| {
        let name = name.as_str();
        name.starts_with("x-ratelimit-") || name.starts_with("anthropic-ratelimit-")
    };
    let foreign: Vec<_> = response.headers().keys().filter(foreign).cloned().collect();
    for name in foreign {
        response.headers_mut().remove(name);
    }
}

/// Marks an answer that has been told of limits.
#[derive(Clone)]
struct Told;

/// When to come back: `Retry-After` in seconds (RFC 9110 §10.2.3), and more exactly in `retry-after-ms`, which the SDKs of
/// OpenAI and Anthropic prefer. They obey `x-should-retry: false` as well, which says that a wait is longer than a
/// program should sleep.
pub(crate) fn come_back(headers: &mut HeaderMap, wait: Duration) {
    let milliseconds = u64::try_from(wait.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX);
    headers.insert(RETRY_AFTER, HeaderValue::from(seconds(wait)));
    headers.insert(HeaderName::from_static("retry-after-ms"), HeaderValue::from(milliseconds.max(1)));
    if wait > PATIENCE {
        headers.insert(HeaderName::from_static("x-should-retry"), HeaderValue::from_static("false"));
    }
}

/// Seconds to wait, rounded up and at least one (RFC 9110 §10.2.3 knows no fractions).
pub(crate) fn seconds(wait: Duration) -> u64 {
    whole_seconds(wait).max(1)
}

fn whole_seconds(duration: Duration) -> u64 {
    duration.as_secs().saturating_add(u64::from(duration.subsec_nanos() > 0))
}

/// Whether callers are told of the limit.
fn is_announced(charge: &Charge) -> bool {
    !charge.is_shadow()
}

/// Of the limits in `unit`, the one with the least left.
fn tightest(charges: &[Charge], unit: Unit) -> Option<&Charge> {
    let of_unit = charges.iter().filter(|charge| is_announced(charge) && charge.limit().unit() == unit);
    of_unit.min_by_key(|charge| charge.standing().left)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::caller::Caller;
    use crate::store::Standing;
    use crate::{Action, Budget, Limit, Period, Rate};

    pub(super) fn charge(limit: Limit, left: u64, full_in: Duration) -> Charge {
        let (limit, caller) = (Arc::new(limit), Caller::Named("alice".into()));
        let key = caller.keys(&limit).remove(0);
        let mut charge = Charge::new(&limit, limit.window().clone(), key, 1);
        charge.stands(Standing::new(left, full_in));
        charge
    }

    fn three() -> [Charge; 3] {
        [
            charge(Limit::requests("rpm", Rate::per_minute(100)), 99, Duration::from_millis(600)),
            charge(Limit::tokens("tpm", Rate::per_minute(60_000)), 59_000, Duration::from_secs(1)),
            charge(
                Limit::tokens("tp\"s", Rate::per_second(1_000)).burst(2_000),
                700,
                Duration::from_millis(1300),
            ),
        ]
    }

    fn written(dialect: Dialect, charges: &[Charge]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        write(&mut headers, dialect, charges, None);
        headers
    }

    #[test]
    fn a_wait_is_rounded_up() {
        for (wait, expected) in [(0, 1), (1, 1), (1000, 1), (1001, 2)] {
            assert_eq!(seconds(Duration::from_millis(wait)), expected);
        }
    }

    #[test]
    fn a_wait_that_is_too_long_to_sleep_through_says_so() {
        let told = |milliseconds| {
            let mut headers = HeaderMap::new();
            come_back(&mut headers, Duration::from_millis(milliseconds));
            let text = |name: &str| headers.get(name).map(|value| value.to_str().expect("text").to_owned());
            (text("retry-after"), text("retry-after-ms"), text("x-should-retry"))
        };
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(told(200), (some("1"), some("200"), None));
        assert_eq!(told(60_000), (some("60"), some("60000"), None));
        assert_eq!(told(60_001), (some("61"), some("60001"), some("false")));
        assert_eq!(told(u64::MAX).2, some("false"));
    }

    #[test]
    fn every_limit_is_named_and_the_tightest_of_a_kind_is_in_openais_headers() {
        let headers = written(Dialect::OpenAi, &three());
        let policy = r#""rpm";q=100;w=60;qu="requests", "tpm";q=60000;w=60;qu="tokens", "tp\"s";q=2000;w=2;qu="tokens""#;
        assert_eq!(headers["ratelimit-policy"], policy);
        assert_eq!(headers["ratelimit"], r#""rpm";r=99;t=1, "tpm";r=59000;t=1, "tp\"s";r=700;t=2"#);
        assert_eq!(headers["x-ratelimit-limit-tokens"], "2000");
        assert_eq!(headers["x-ratelimit-remaining-tokens"], "700");
        assert_eq!(headers["x-ratelimit-reset-tokens"], "1.3s");
        assert_eq!(headers["x-ratelimit-remaining-requests"], "99");
        assert_eq!(headers["x-ratelimit-reset-requests"], "600ms");
        assert_eq!(headers.len(), 8);
    }

    #[test]
    fn answers_in_anthropics_dialect_have_anthropics_headers_instead() {
        let mut charges = three().to_vec();
        let input = Limit::input_tokens("in", Rate::per_minute(500));
        charges.push(charge(input, 400, Duration::from_secs(3)));
        let headers = written(Dialect::Anthropic, &charges);
        assert_eq!(headers["anthropic-ratelimit-requests-limit"], "100");
        assert_eq!(headers["anthropic-ratelimit-tokens-remaining"], "700");
        assert_eq!(headers["anthropic-ratelimit-input-tokens-remaining"], "400");
        assert!(!headers.contains_key("anthropic-ratelimit-output-tokens-limit"));
        assert!(headers.contains_key("ratelimit"));
        assert!(headers.keys().all(|name| !name.as_str().starts_with("x-ratelimit")));
        assert_eq!(headers.len(), 2 + 3 * 3);
    }

    #[test]
    fn limits_that_only_watch_are_not_announced() {
        let mut charges = three().to_vec();
        let shadow = Limit::requests("shadow", Rate::per_minute(1)).action(Action::Shadow);
        charges.insert(0, charge(shadow.clone(), 0, Duration::ZERO));
        let with = written(Dialect::OpenAi, &charges);
        assert_eq!(with, written(Dialect::OpenAi, &three()));
        let alone = written(Dialect::Anthropic, &[charge(shadow, 0, Duration::ZERO)]);
        assert!(alone.is_empty(), "{alone:?}");
    }

    #[test]
    fn budgets_money_and_places_are_named_by_the_draft_only() {
        let charges = [
            charge(Limit::concurrent("places", 8), 7, Duration::ZERO),
            charge(
                Limit::micro_usd("money", Budget::new(500_000_000, Period::Month)),
                499_000_000,
                Duration::from_secs(86_400),
            ),
            charge(Limit::tokens("huge", Budget::new(u64::MAX, Period::Day)), u64::MAX, Duration::ZERO),
        ];
        let headers = written(Dialect::OpenAi, &charges[..2]);
        let policy = r#""places";q=8;qu="concurrent-requests", "money";q=500000000;w=2592000;qu="micro-usd""#;
        assert_eq!(headers["ratelimit-policy"], policy);
        assert_eq!(headers["ratelimit"], r#""places";r=7, "money";r=499000000;t=86400"#);
        assert_eq!(headers.len(), 2);
        // RFC 9651 §3.3.1: an integer has at most 15 digits.
        let headers = written(Dialect::OpenAi, &charges[2..]);
        assert_eq!(headers["ratelimit"], r#""huge";r=999999999999999;t=0"#);
        let mut refused = HeaderMap::new();
        write(&mut refused, Dialect::OpenAi, &charges[..2], Some((0, Duration::from_secs(1))));
        assert_eq!(refused["ratelimit"], r#""places";r=7;t=1, "money";r=499000000;t=86400"#);
    }

    #[test]
    fn what_the_upstream_says_of_its_own_limits_is_removed_once() {
        let exchange =
            Exchange::of_request(&mut http::Request::post("/api/chat").body(()).expect("a request"));
        let mut answer = Response::new(());
        for name in ["x-ratelimit-limit-tokens", "anthropic-ratelimit-tokens-reset", "x-request-id"] {
            answer.headers_mut().insert(name, HeaderValue::from_static("7"));
        }
        remove_foreign(&mut answer, &exchange);
        assert_eq!(answer.headers().keys().map(HeaderName::as_str).collect::<Vec<_>>(), ["x-request-id"]);
        write(answer.headers_mut(), Dialect::Ollama, &three()[..1], None);
        remove_foreign(&mut answer, &exchange);
        assert_eq!(answer.headers()["x-ratelimit-limit-requests"], "100", "a layer further in wrote it");
    }
}
