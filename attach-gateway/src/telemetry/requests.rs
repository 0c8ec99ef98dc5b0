//! What is measured of requests and of attempts at upstreams.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use attach_audit::names;
use attach_core::Exchange;
use attach_core::exchange::Facts;
use opentelemetry::KeyValue;
use opentelemetry::metrics::{Counter, Gauge, Histogram, Meter};

use super::labels::{Labels, Sets};
use super::names as own;
use crate::config::Config;
use crate::upstream::Phase;

/// The instruments, and the attribute sets they are used with.
#[derive(Clone)]
pub(super) struct Requests {
    labels: Arc<Labels>,
    in_flight: Arc<AtomicI64>,
    ended: Counter<u64>,
    duration: Histogram<f64>,
    first_token: Histogram<f64>,
    per_token: Histogram<f64>,
    tokens: Histogram<u64>,
    cost: Counter<f64>,
    redactions: Counter<u64>,
    placeholders: Counter<u64>,
    attempts: Counter<u64>,
    attempt_duration: Histogram<f64>,
    breaker: Gauge<u64>,
    skipped: Counter<u64>,
}

impl Requests {
    pub(super) fn new(config: &Config, meter: &Meter) -> Self {
        let count = |name, what| meter.u64_counter(name).with_description(what).build();
        let seconds = |name, what, bounds: &[f64]| {
            let histogram = meter.f64_histogram(name).with_unit("s").with_description(what);
            histogram.with_boundaries(bounds.to_vec()).build()
        };
        let in_flight = Arc::new(AtomicI64::new(0));
        let shown = Arc::clone(&in_flight);
        meter
            .i64_observable_up_down_counter(own::IN_FLIGHT)
            .with_description("Requests that have begun and not ended.")
            .with_callback(move |now| now.observe(shown.load(Ordering::Relaxed), &[]))
            .build();
        let tokens = meter.u64_histogram(names::GEN_AI_CLIENT_TOKEN_USAGE).with_unit("{token}");
        Self {
            labels: Arc::new(Labels::new(config)),
            in_flight,
            ended: count(own::REQUESTS, "Requests that have ended."),
            duration: seconds(
                names::GEN_AI_SERVER_REQUEST_DURATION,
                "How long requests took, to the end of the answer.",
                own::SECONDS,
            ),
            first_token: seconds(
                names::GEN_AI_SERVER_TIME_TO_FIRST_TOKEN,
                "Until the first byte of a streamed answer.",
                own::FIRST_TOKEN,
            ),
            per_token: seconds(
                names::GEN_AI_SERVER_TIME_PER_OUTPUT_TOKEN,
                "Per token after the first, of streamed answers.",
                own::PER_TOKEN,
            ),
            tokens: tokens
                .with_description("Tokens of a call.")
                .with_boundaries(own::TOKENS.to_vec())
                .build(),
            cost: meter
                .f64_counter(own::COST)
                .with_unit("{USD}")
                .with_description("What calls cost, in US dollars, where a price is known.")
                .build(),
            redactions: count(own::REDACTIONS, "What was replaced or masked."),
            placeholders: count(own::PLACEHOLDERS, "Placeholders in answers."),
            attempts: count(own::ATTEMPTS, "Attempts to get an answer from an upstream."),
            attempt_duration: seconds(
                own::ATTEMPT_DURATION,
                "Until an upstream began its answer, or failed.",
                own::SECONDS,
            ),
            breaker: meter
                .u64_gauge(own::BREAKER)
                .with_description("0 while calls are let through, 1 while one is tried, 2 while none is.")
                .build(),
            skipped: count(own::SKIPPED, "Upstreams that a call passed over."),
        }
    }

    /// The same instruments with the names of another configuration.
    pub(super) fn named_by(&self, config: &Config) -> Self {
        Self { labels: Arc::new(Labels::new(config)), ..self.clone() }
    }

    pub(super) fn begin(&self) {
        self.in_flight.fetch_add(1, Ordering::Relaxed);
    }

    /// Notes a request that has ended; what it used may be known later.
    pub(super) fn end(self: &Arc<Self>, exchange: &Exchange, status: u16) {
        self.in_flight.fetch_sub(1, Ordering::Relaxed);
        let elapsed = exchange.elapsed();
        let caller = exchange.identity().map(|caller| &**caller);
        let api = exchange.api();
        let sets = exchange.facts(|facts| {
            let outcome = super::outcome(facts);
            let sets = self.labels.of(api, facts, caller, (outcome, status));
            self.redacted(facts);
            if facts.route.is_some() {
                self.streamed(facts, elapsed, &sets);
            }
            sets
        });
        self.ended.add(1, &sets.request);
        if api.is_some() {
            self.duration.record(elapsed.as_secs_f64(), &sets.duration);
        }
        if exchange.is_read_on() {
            let (requests, known) = (Arc::clone(self), exchange.clone());
            exchange.afterwards(move || requests.used(&known, &sets));
        } else {
            self.used(exchange, &sets);
        }
    }

    fn used(&self, exchange: &Exchange, sets: &Sets) {
        let (usage, cost) = exchange.facts(|facts| (facts.usage, facts.cost()));
        if let Some(microusd) = cost {
            self.cost.add(microusd as f64 / 1e6, &sets.call);
        }
        for (tokens, set) in [(usage.input, &sets.input), (usage.output, &sets.output)] {
            if tokens > 0 {
                self.tokens.record(tokens, set);
            }
        }
    }

    fn streamed(&self, facts: &Facts, elapsed: Duration, sets: &Sets) {
        let Some(first) = facts.first_byte.filter(|_| facts.streamed) else { return };
        self.first_token.record(first.as_secs_f64(), &sets.call);
        if let Some(more) = facts.usage.output.checked_sub(1).filter(|more| *more > 0) {
            let rest = elapsed.saturating_sub(first);
            self.per_token.record(rest.as_secs_f64() / more as f64, &sets.call);
        }
    }

    fn redacted(&self, facts: &Facts) {
        let Some(redaction) = &facts.redaction else { return };
        for (entity, n) in &redaction.counts {
            self.redactions.add(u64::from(*n), &[KeyValue::new(own::ENTITY, entity.to_string())]);
        }
        for (fate, n) in [("restored", redaction.restored), ("withheld", redaction.withheld)] {
            if n > 0 {
                self.placeholders.add(u64::from(n), &[KeyValue::new(own::FATE, fate)]);
            }
        }
    }

    /// Notes an attempt at `upstream`; `how` is `ok` or the class of its error.
    pub(super) fn attempted(&self, upstream: &str, how: &'static str, took: Duration) {
        let Some(set) = self.labels.of_attempt(upstream, how) else { return };
        self.attempts.add(1, set);
        self.attempt_duration.record(took.as_secs_f64(), set);
    }

    /// Notes what the breaker of `upstream` does now.
    pub(super) fn breaker(&self, upstream: &str, phase: Phase) {
        let name = KeyValue::new(names::ATTACH_UPSTREAM, upstream.to_owned());
        self.breaker.record(phase.as_number(), &[name]);
    }

    /// Notes that a call passed over `upstream`.
    pub(super) fn skipped(&self, upstream: &str, reason: &'static str) {
        let name = KeyValue::new(names::ATTACH_UPSTREAM, upstream.to_owned());
        self.skipped.add(1, &[name, KeyValue::new(own::SKIP_REASON, reason)]);
    }
}
