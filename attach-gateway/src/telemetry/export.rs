//! What is sent to a collector: in the background, bounded, and counted where it does not arrive.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use opentelemetry::metrics::Meter;
use opentelemetry::{Context as TraceContext, KeyValue};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::metrics::Temporality;
use opentelemetry_sdk::metrics::data::ResourceMetrics;
use opentelemetry_sdk::metrics::exporter::PushMetricExporter;
use opentelemetry_sdk::trace::{Span, SpanData, SpanExporter, SpanProcessor};
use tokio::runtime::Handle;

use super::names;

/// Spans that wait for the collector; more are lost, and counted.
pub(super) const QUEUE: usize = 2048;

/// What did not arrive. Clones count together.
#[derive(Clone, Default, Debug)]
pub(super) struct Losses(Arc<Counts>);

#[derive(Default, Debug)]
struct Counts {
    spans: AtomicU64,
    traces: Signal,
    metrics: Signal,
    waiting: AtomicUsize,
}

/// How exports of one kind go.
#[derive(Default, Debug)]
struct Signal {
    failed: AtomicU64,
    failing: AtomicBool,
}

impl Losses {
    /// Shows them as metrics.
    pub(super) fn observe(&self, meter: &Meter) {
        let counts = Arc::clone(&self.0);
        meter
            .u64_observable_counter(names::SPANS_LOST)
            .with_description("Spans that did not reach the collector.")
            .with_callback(move |now| now.observe(counts.spans.load(Ordering::Relaxed), &[]))
            .build();
        let counts = Arc::clone(&self.0);
        let signals = ["traces", "metrics"].map(|signal| KeyValue::new(names::SIGNAL, signal));
        meter
            .u64_observable_counter(names::EXPORTS_FAILED)
            .with_description("Exports that failed.")
            .with_callback(move |now| {
                for (signal, set) in [&counts.traces, &counts.metrics].into_iter().zip(&signals) {
                    now.observe(signal.failed.load(Ordering::Relaxed), std::slice::from_ref(set));
                }
            })
            .build();
    }
}

impl Signal {
    /// One line when exports begin to fail, and one when they go well again: not one each.
    fn note(&self, what: &str, result: &OTelSdkResult) {
        match result {
            Ok(()) => {
                if self.failing.swap(false, Ordering::Relaxed) {
                    tracing::info!(signal = what, "the collector takes telemetry again");
                }
            }
            Err(error) => {
                self.failed.fetch_add(1, Ordering::Relaxed);
                if !self.failing.swap(true, Ordering::Relaxed) {
                    tracing::warn!(signal = what, %error, "the collector does not take telemetry");
                }
            }
        }
    }
}

/// A bound in front of the SDK's own processor, which drops without saying how much.
pub(super) struct Bounded<P> {
    inner: P,
    losses: Losses,
}

impl<P> Bounded<P> {
    pub(super) fn new(inner: P, losses: Losses) -> Self {
        Self { inner, losses }
    }
}

impl<P: SpanProcessor> SpanProcessor for Bounded<P> {
    fn on_start(&self, span: &mut Span, cx: &TraceContext) {
        self.inner.on_start(span, cx);
    }

    fn on_end(&self, span: SpanData) {
        let Counts { waiting, spans, .. } = &*self.losses.0;
        if waiting.fetch_add(1, Ordering::Relaxed) >= QUEUE {
            waiting.fetch_sub(1, Ordering::Relaxed);
            spans.fetch_add(1, Ordering::Relaxed);
            return;
        }
        self.inner.on_end(span);
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.inner.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.inner.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.inner.set_resource(resource);
    }
}

/// An exporter whose calls are made on the gateway's runtime, from the SDK's own threads, and watched.
pub(super) struct Watched<E> {
    inner: E,
    runtime: Handle,
    losses: Losses,
}

impl<E> Watched<E> {
    /// To be made on the runtime.
    pub(super) fn new(inner: E, losses: Losses) -> Self {
        Self { inner, runtime: Handle::current(), losses }
    }

    fn within<F: Future>(&self, future: F) -> Within<F> {
        Within { future: Box::pin(future), runtime: self.runtime.clone() }
    }
}

impl<E: SpanExporter> SpanExporter for Watched<E> {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let n = batch.len();
        let result = self.within(self.inner.export(batch)).await;
        let counts = &self.losses.0;
        counts.waiting.fetch_sub(n, Ordering::Relaxed);
        if result.is_err() {
            counts.spans.fetch_add(n as u64, Ordering::Relaxed);
        }
        counts.traces.note("traces", &result);
        result
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.inner.shutdown_with_timeout(timeout)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.inner.force_flush()
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.inner.set_resource(resource);
    }
}

impl<E: PushMetricExporter> PushMetricExporter for Watched<E> {
    async fn export(&self, metrics: &ResourceMetrics) -> OTelSdkResult {
        let result = self.within(self.inner.export(metrics)).await;
        self.losses.0.metrics.note("metrics", &result);
        result
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.inner.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.inner.shutdown_with_timeout(timeout)
    }

    fn temporality(&self) -> Temporality {
        self.inner.temporality()
    }
}

impl<E> fmt::Debug for Watched<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watched").finish_non_exhaustive()
    }
}

impl<P> fmt::Debug for Bounded<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bounded").finish_non_exhaustive()
    }
}

/// A future that finds the runtime's timers and sockets, whoever polls it.
struct Within<F> {
    future: Pin<Box<F>>,
    runtime: Handle,
}

impl<F: Future> Future for Within<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let Self { future, runtime } = &mut *self;
        let _entered = runtime.enter();
        future.as_mut().poll(cx)
    }
}
