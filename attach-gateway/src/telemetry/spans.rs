//! Traces: a span for each request, and in it one for each attempt at an upstream.
//!
//! Nothing of what was asked or answered is in them, and who asked only where the configuration says so.

use attach_audit::names;
use attach_core::exchange::{Facts, TraceContext};
use attach_core::{Api, Exchange};
use http::{HeaderMap, Method};
use opentelemetry::trace::{
    Span as _, SpanContext, SpanId, SpanKind, Status, TraceContextExt, TraceFlags, TraceId, TraceState,
    Tracer as _,
};
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::trace::{SdkTracer, Span};

use super::labels::{error, reason};
use super::names as own;
use super::propagate;
use crate::config::Upstream;

/// Begins spans.
pub(super) struct Spans {
    tracer: SdkTracer,
    user_id: bool,
}

impl Spans {
    pub(super) fn new(tracer: SdkTracer, user_id: bool) -> Self {
        Self { tracer, user_id }
    }

    /// The span of a request; the exchange belongs to its trace from here on.
    pub(super) fn request(&self, exchange: &Exchange, method: &Method, headers: &HeaderMap) -> Span {
        let name = exchange.api().map_or("HTTP", Api::operation);
        let builder = self.tracer.span_builder(name).with_kind(SpanKind::Server);
        let caller = exchange.facts(|facts| facts.trace);
        let parent = caller.map_or_else(Context::new, |caller| {
            Context::new().with_remote_span_context(remote(&caller, propagate::state(headers)))
        });
        let mut span = self.tracer.build_with_context(builder, &parent);
        if span.is_recording() {
            span.set_attribute(KeyValue::new(names::HTTP_REQUEST_METHOD, known(method)));
        }
        let context = context(span.span_context());
        exchange.facts(|facts| facts.trace = context.or(facts.trace));
        span
    }

    /// The span of an attempt at `upstream`, within that of its request.
    pub(super) fn attempt(&self, exchange: &Exchange, upstream: &Upstream, (model, n): (&str, u32)) -> Span {
        let operation = exchange.api().map_or("HTTP", Api::operation);
        let builder = self.tracer.span_builder(format!("{operation} {model}")).with_kind(SpanKind::Client);
        let request = exchange.facts(|facts| facts.trace);
        let parent = request.map_or_else(Context::new, |request| {
            Context::new().with_remote_span_context(remote(&request, TraceState::default()))
        });
        let mut span = self.tracer.build_with_context(builder, &parent);
        if span.is_recording() {
            span.set_attributes([
                KeyValue::new(names::GEN_AI_OPERATION_NAME, operation),
                KeyValue::new(names::GEN_AI_PROVIDER_NAME, upstream.kind.provider()),
                KeyValue::new(names::GEN_AI_REQUEST_MODEL, model.to_owned()),
                KeyValue::new(names::ATTACH_UPSTREAM, upstream.name.clone()),
                KeyValue::new(own::ATTEMPT, i64::from(n)),
                KeyValue::new(names::SERVER_ADDRESS, upstream.url.host().unwrap_or_default().to_owned()),
                KeyValue::new(names::SERVER_PORT, port(upstream)),
            ]);
        }
        span
    }

    /// Says of a request's span how the request ended, and ends it.
    pub(super) fn end(&self, mut span: Span, exchange: &Exchange, status: u16) {
        if !span.is_recording() {
            return;
        }
        let api = exchange.api();
        span.set_attribute(KeyValue::new(names::ATTACH_REQUEST_ID, exchange.id().to_string()));
        if status != 0 {
            span.set_attribute(KeyValue::new(names::HTTP_RESPONSE_STATUS_CODE, i64::from(status)));
        }
        if let Some(caller) = exchange.identity().filter(|_| self.user_id) {
            span.set_attribute(KeyValue::new(names::USER_ID, caller.id.clone()));
        }
        exchange.facts(|facts| {
            if let Some(api) = api {
                span.set_attribute(KeyValue::new(names::GEN_AI_OPERATION_NAME, api.operation()));
                span.set_attribute(KeyValue::new(names::ATTACH_API, api.as_str()));
                if let (Some(model), Some(_)) = (&facts.model, &facts.route) {
                    span.update_name(format!("{} {model}", api.operation()));
                    span.set_attribute(KeyValue::new(names::GEN_AI_REQUEST_MODEL, model.to_string()));
                }
            }
            outcome(&mut span, facts, status);
            span.set_attributes(answer(facts));
        });
        span.end();
    }
}

fn outcome(span: &mut Span, facts: &Facts, status: u16) {
    let outcome = super::outcome(facts);
    let reason = reason(facts, outcome);
    span.set_attribute(KeyValue::new(names::ATTACH_END, outcome.as_str()));
    span.set_attribute(KeyValue::new(names::ATTACH_DECISION_REASON, reason));
    if let Some(error) = error(outcome.as_str(), reason, status) {
        span.set_attribute(KeyValue::new(names::ERROR_TYPE, error));
    }
    // A refusal of what the client did is no error of the server (semantic conventions of HTTP spans).
    if status >= 500 || matches!(outcome.as_str(), "failed" | "timeout" | "panicked") {
        span.set_status(Status::error(""));
    }
}

fn answer(facts: &Facts) -> Vec<KeyValue> {
    let Some(route) = &facts.route else { return Vec::new() };
    let count = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
    let mut said = vec![
        KeyValue::new(names::ATTACH_UPSTREAM, route.upstream.clone()),
        KeyValue::new(names::GEN_AI_REQUEST_STREAM, facts.stream),
        KeyValue::new(names::GEN_AI_USAGE_INPUT_TOKENS, count(facts.usage.input)),
        KeyValue::new(names::GEN_AI_USAGE_OUTPUT_TOKENS, count(facts.usage.output)),
    ];
    for (name, n) in [
        (names::GEN_AI_USAGE_CACHE_READ_INPUT_TOKENS, facts.usage.cache_read),
        (names::GEN_AI_USAGE_CACHE_CREATION_INPUT_TOKENS, facts.usage.cache_write),
        (names::GEN_AI_USAGE_REASONING_OUTPUT_TOKENS, facts.usage.reasoning),
    ] {
        if n > 0 {
            said.push(KeyValue::new(name, count(n)));
        }
    }
    if let Some(model) = &facts.answered_by {
        said.push(KeyValue::new(names::GEN_AI_RESPONSE_MODEL, model.to_string()));
    }
    if let Some(first) = facts.first_byte {
        said.push(KeyValue::new(names::GEN_AI_RESPONSE_TIME_TO_FIRST_CHUNK, first.as_secs_f64()));
    }
    said
}

/// A span's context in our own words; `None` for a span that is none.
pub(super) fn context(of: &SpanContext) -> Option<TraceContext> {
    TraceContext::new(of.trace_id().to_bytes(), of.span_id().to_bytes(), of.is_sampled())
}

fn remote(of: &TraceContext, state: TraceState) -> SpanContext {
    let flags = if of.is_sampled() { TraceFlags::SAMPLED } else { TraceFlags::default() };
    let (trace, span) = (TraceId::from_bytes(*of.trace_id().as_bytes()), SpanId::from_bytes(*of.span_id()));
    SpanContext::new(trace, span, flags, true, state)
}

/// Methods are an open set that callers choose from.
fn known(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::DELETE => "DELETE",
        Method::HEAD => "HEAD",
        Method::OPTIONS => "OPTIONS",
        Method::PATCH => "PATCH",
        _ => "_OTHER",
    }
}

fn port(upstream: &Upstream) -> i64 {
    let default = if upstream.url.scheme_str() == Some("https") { 443 } else { 80 };
    i64::from(upstream.url.port_u16().unwrap_or(default))
}
