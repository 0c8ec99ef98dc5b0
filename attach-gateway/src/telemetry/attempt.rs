use std::sync::Arc;
use std::time::Instant;

use attach_audit::names;
use attach_core::Exchange;
use attach_core::exchange::TraceContext;
use http::{HeaderMap, StatusCode};
use opentelemetry::KeyValue;
use opentelemetry::trace::{Span as _, Status};
use opentelemetry_sdk::trace::Span;

use super::requests::Requests;
use super::{Telemetry, propagate, spans};
use crate::config::Upstream;

/// One attempt to get an answer from an upstream. Its span ends when it is dropped.
#[derive(Debug, Default)]
pub(crate) struct Attempt {
    watch: Option<Watch>,
    span: Option<Span>,
    /// The trace it belongs to, and its place in it.
    trace: Option<TraceContext>,
    /// How it went, in one word, once that is known, and the status it was answered with.
    end: Option<(&'static str, Option<u16>)>,
}

/// What has not been counted yet.
struct Watch {
    requests: Arc<Requests>,
    upstream: Arc<str>,
    began: Instant,
}

impl Attempt {
    /// Begins the `n`th attempt of a request, at `upstream` with its `model`.
    pub(crate) fn begin(
        telemetry: &Telemetry,
        exchange: &Exchange,
        upstream: &Upstream,
        (model, n): (&str, u32),
    ) -> Self {
        let trace = exchange.facts(|facts| facts.trace);
        let Some(inner) = &telemetry.0 else { return Self { watch: None, span: None, trace, end: None } };
        let span = inner.spans.as_ref().map(|spans| spans.attempt(exchange, upstream, (model, n)));
        let trace = span.as_ref().and_then(|span| spans::context(span.span_context())).or(trace);
        let watch = Watch {
            requests: Arc::clone(&inner.requests),
            upstream: Arc::clone(&upstream.name),
            began: Instant::now(),
        };
        Self { watch: Some(watch), span, trace, end: None }
    }

    /// Adds the trace to the headers of the call, inside the perimeter; `from` are the caller's.
    pub(crate) fn propagate(&self, to: &mut HeaderMap, upstream: &Upstream, from: &HeaderMap) {
        if let Some(trace) = self.trace.as_ref().filter(|_| upstream.inside) {
            propagate::inject(to, trace, from);
        }
    }

    /// The upstream has begun its answer.
    pub(crate) fn answered(&mut self, status: StatusCode) {
        if let Some(span) = &mut self.span {
            span.set_attribute(KeyValue::new(names::HTTP_RESPONSE_STATUS_CODE, i64::from(status.as_u16())));
        }
        self.end = Some(("", Some(status.as_u16())));
        match status.as_u16() {
            ..400 => self.count("ok"),
            429 => self.failed("429"),
            400..500 => self.failed("4xx"),
            _ => self.failed("5xx"),
        }
    }

    /// There is no answer, or one that is an error.
    pub(crate) fn failed(&mut self, how: &'static str) {
        if let Some(span) = &mut self.span {
            span.set_attribute(KeyValue::new(names::ERROR_TYPE, how));
            span.set_status(Status::error(""));
        }
        self.count(how);
    }

    /// How it went, in one word, once that is known, and the status it was answered with.
    pub(crate) fn end(&self) -> Option<(&'static str, Option<u16>)> {
        self.end
    }

    fn count(&mut self, how: &'static str) {
        self.end = Some((how, self.end.and_then(|(_, status)| status)));
        if let Some(watch) = self.watch.take() {
            watch.requests.attempted(&watch.upstream, how, watch.began.elapsed());
        }
    }
}

/// The client left while the upstream was thinking.
impl Drop for Attempt {
    fn drop(&mut self) {
        self.count("abandoned");
    }
}

impl std::fmt::Debug for Watch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Watch").field("upstream", &self.upstream).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use attach_core::Exchange;

    use super::*;
    use crate::config::Config;

    const FILE: &str = r#"
        [[issuer]]
        issuer = "https://login.example"
        audience = ["api://llm"]
        [[upstream]]
        name = "inside"
        kind = "ollama"
        url = "http://127.0.0.1:11434"
        [[upstream]]
        name = "trusted"
        kind = "openai"
        url = "https://vllm.example"
        trusted = true
        [[upstream]]
        name = "outside"
        kind = "openai"
        url = "https://api.example"
        identity_headers = "full"
    "#;

    #[test]
    fn a_trace_goes_on_inside_the_perimeter_only() {
        let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let request = http::Request::post("/api/chat").header("traceparent", parent);
        let mut request = request.header("tracestate", "a=1").body(()).expect("a valid request");
        let exchange = Exchange::of_request(&mut request);
        let config = Config::parse(FILE, |_| None).expect("a valid configuration");
        for upstream in &config.upstreams {
            let attempt = Attempt::begin(&Telemetry::default(), &exchange, upstream, ("llama3", 1));
            let mut headers = HeaderMap::new();
            attempt.propagate(&mut headers, upstream, request.headers());
            assert_eq!(headers.contains_key("traceparent"), &*upstream.name != "outside");
            assert_eq!(headers.contains_key("tracestate"), &*upstream.name != "outside");
        }
    }
}
