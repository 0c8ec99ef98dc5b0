//! W3C Trace Context on its way to an upstream. `baggage` never goes: it may hold anything.

use std::str::FromStr;

use attach_core::exchange::TraceContext;
use http::{HeaderMap, HeaderName, HeaderValue};
use opentelemetry::trace::TraceState;

const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");

/// The longest `tracestate` that is passed on; what the Recommendation asks for at least (§3.3.1.5).
const LONGEST: usize = 512;

/// What the caller's tracing systems say to each other; nothing if it is not valid, or goes with no valid trace.
pub(super) fn state(from: &HeaderMap) -> TraceState {
    let read = || {
        TraceContext::of(from)?;
        let mut values = from.get_all(TRACESTATE).iter();
        let value = values.next().filter(|value| value.len() <= LONGEST)?;
        if values.next().is_some() {
            return None;
        }
        TraceState::from_str(value.to_str().ok()?).ok()
    };
    read().unwrap_or_default()
}

/// Adds the headers of `trace` to those of a call of an upstream inside the perimeter.
pub(super) fn inject(to: &mut HeaderMap, trace: &TraceContext, from: &HeaderMap) {
    if let Ok(value) = HeaderValue::from_str(&trace.to_string()) {
        to.insert(TRACEPARENT, value);
    }
    let state = state(from).header();
    if !state.is_empty()
        && let Ok(value) = HeaderValue::from_str(&state)
    {
        to.insert(TRACESTATE, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let value = |text: &str| HeaderValue::from_str(text).expect("a valid value");
        pairs.iter().map(|(name, text)| (HeaderName::from_static(name), value(text))).collect()
    }

    #[test]
    fn a_state_goes_with_a_valid_trace_only() {
        assert_eq!(
            state(&headers(&[("traceparent", PARENT), ("tracestate", "a=1,b=2")])).header(),
            "a=1,b=2"
        );
        assert_eq!(state(&headers(&[("tracestate", "a=1")])).header(), "");
        assert_eq!(state(&headers(&[("traceparent", "00-x"), ("tracestate", "a=1")])).header(), "");
    }

    #[test]
    fn a_state_that_is_too_long_or_makes_no_sense_does_not_go() {
        let long = format!("a={}", "x".repeat(LONGEST));
        assert_eq!(state(&headers(&[("traceparent", PARENT), ("tracestate", &long)])).header(), "");
        assert_eq!(state(&headers(&[("traceparent", PARENT), ("tracestate", "no sense")])).header(), "");
    }
}
