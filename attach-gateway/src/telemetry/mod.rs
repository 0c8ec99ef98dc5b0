//! Telemetry: logs, metrics and traces.
//!
//! Metrics and traces go by OpenTelemetry's API and SDK; metrics are read at a listener of their own, in Prometheus'
//! text format, and both are sent to a collector by OTLP, if the configuration says so. They name no caller, and what
//! they tell apart is bounded by the configuration.

mod attempt;
#[cfg(test)]
mod bench;
mod export;
mod gauges;
mod handshakes;
mod labels;
mod listener;
mod log;
mod models;
pub(crate) mod names;
mod observe;
mod probes;
mod propagate;
mod provider;
mod reloads;
mod requests;
mod spans;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use attach_audit::Audit;
use attach_auth::IssuerStatus;
use attach_core::exchange::{Facts, TraceId};
use attach_core::{Exchange, Outcome};
use opentelemetry::global;
use opentelemetry::metrics::MeterProvider;
use opentelemetry::trace::TracerProvider;
use tracing::field::DisplayValue;

pub(crate) use self::attempt::Attempt;
pub(crate) use self::log::start;
pub(crate) use self::observe::ObserveLayer;

use self::export::Losses;
use self::handshakes::Handshakes;
use self::provider::Providers;
use self::reloads::Reloads;
use self::requests::Requests;
use self::spans::Spans;
use crate::config::Config;
use crate::front::Probes;
use crate::run::StartError;
use crate::server::{Role, Unshaken};
use crate::stack::Stack;
use crate::upstream::{Phase, ProbeStatus};

/// The scope of the gateway's own instruments and spans.
const SCOPE: &str = "attach-gateway";

/// How long the end waits for a collector.
const FAREWELL: Duration = Duration::from_secs(5);

/// What measures, if anybody wants to know. Clones are the same.
#[derive(Clone, Default)]
pub(crate) struct Telemetry(Option<Arc<Inner>>);

struct Inner {
    requests: Arc<Requests>,
    spans: Option<Spans>,
    providers: Providers,
    reloads: Reloads,
    handshakes: Handshakes,
}

impl Telemetry {
    /// Sets up what `config` asks for. Layers that are made afterwards measure themselves as well.
    pub(crate) fn open(config: &Config, node: String, config_hash: String) -> Result<Self, StartError> {
        let settings = &config.telemetry;
        if settings.listen.is_none() && settings.otlp.is_none() {
            return Ok(Self::default());
        }
        let losses = Losses::default();
        let providers = provider::open(settings, node, &losses)?;
        global::set_meter_provider(providers.meters.clone());
        let meter = providers.meters.meter(SCOPE);
        gauges::process(&meter);
        let reloads = Reloads::new(&meter, config_hash);
        let handshakes = Handshakes::new(config, &meter);
        if providers.traces.is_some() || settings.otlp.is_some() {
            losses.observe(&meter);
        }
        let requests = Arc::new(Requests::new(config, &meter));
        let spans = spans(config, &providers);
        Ok(Self(Some(Arc::new(Inner { requests, spans, providers, reloads, handshakes }))))
    }

    /// The same for the requests of another configuration, which says what is told apart.
    pub(crate) fn named_by(&self, config: &Config) -> Self {
        let Some(inner) = &self.0 else { return self.clone() };
        Self(Some(Arc::new(Inner {
            requests: Arc::new(inner.requests.named_by(config)),
            spans: spans(config, &inner.providers),
            providers: inner.providers.clone(),
            reloads: inner.reloads.clone(),
            handshakes: inner.handshakes.clone(),
        })))
    }

    /// Counts a reload: the hash of the configuration that is in force now, or `None` if it was refused.
    pub(crate) fn reloaded(&self, accepted: Option<&str>) {
        if let Some(inner) = &self.0 {
            inner.reloads.count(accepted);
        }
    }

    /// Counts a TLS handshake that did not come about, at the listener for `role`.
    pub(crate) fn unshaken(&self, role: Role, why: Unshaken) {
        if let Some(inner) = &self.0 {
            inner.handshakes.count(role, why, 1);
        }
    }

    /// Shows whether what the gateway depends on works.
    pub(crate) fn watch(
        &self,
        issuers: impl Fn() -> Vec<IssuerStatus> + Clone + Send + Sync + 'static,
        audit: &Audit,
    ) {
        if let Some(inner) = &self.0 {
            gauges::readiness(&inner.providers.meters.meter(SCOPE), issuers, audit.clone());
        }
    }

    /// Shows what probes say of upstreams.
    pub(crate) fn watch_probes(&self, status: impl Fn() -> Vec<ProbeStatus> + Clone + Send + Sync + 'static) {
        if let Some(inner) = &self.0 {
            probes::observe(&inner.providers.meters.meter(SCOPE), status);
        }
    }

    /// Notes what the breaker of `upstream` does now.
    pub(crate) fn breaker(&self, upstream: &str, phase: Phase) {
        if let Some(inner) = &self.0 {
            inner.requests.breaker(upstream, phase);
        }
    }

    /// Notes that a call passed over `upstream`, for `reason`.
    pub(crate) fn skipped(&self, upstream: &str, reason: &'static str) {
        if let Some(inner) = &self.0 {
            inner.requests.skipped(upstream, reason);
        }
    }

    /// The service of the telemetry listener, if metrics are to be read.
    pub(crate) fn stack(&self, probes: Probes) -> Option<Stack> {
        let registry = self.0.as_ref()?.providers.registry.clone()?;
        Some(listener::stack(registry, probes))
    }

    /// Sends what was not sent yet, unless the collector takes too long. To be called on the runtime.
    pub(crate) async fn close(&self) {
        let Some(inner) = self.0.clone() else { return };
        let (done, ended) = tokio::sync::oneshot::channel();
        // The SDK blocks while it waits; a thread of the runtime's would be waited for at its end.
        let flushing = std::thread::Builder::new().name("attach-telemetry-end".into()).spawn(move || {
            if let Some(traces) = &inner.providers.traces {
                let _ = traces.shutdown_with_timeout(FAREWELL);
            }
            let _ = inner.providers.meters.shutdown();
            let _ = done.send(());
        });
        if flushing.is_err() || tokio::time::timeout(FAREWELL, ended).await.is_err() {
            tracing::warn!("the collector did not take the last telemetry in time");
        }
    }
}

fn spans(config: &Config, providers: &Providers) -> Option<Spans> {
    let tracer = providers.traces.as_ref().map(|traces| traces.tracer(SCOPE));
    tracer.map(|tracer| Spans::new(tracer, config.telemetry.user_id))
}

/// The trace a request belongs to, for a line of the log.
pub(crate) fn trace_id(exchange: &Exchange) -> Option<DisplayValue<TraceId>> {
    exchange.facts(|facts| facts.trace.map(|trace| tracing::field::display(trace.trace_id())))
}

/// How an exchange that is over ended.
fn outcome(facts: &Facts) -> Outcome {
    facts.outcome().unwrap_or(Outcome::Complete)
}

impl fmt::Debug for Telemetry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Telemetry").field(&self.0.is_some()).finish()
    }
}
