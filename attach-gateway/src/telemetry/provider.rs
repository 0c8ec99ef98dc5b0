//! OpenTelemetry's SDK, set up: who reads the metrics, and where spans go.

use std::collections::HashMap;
use std::time::Duration;

use attach_audit::names;
use attach_core::client::https_connector;
use http::{HeaderMap, HeaderName, HeaderValue};
use opentelemetry::{Key, KeyValue};
use opentelemetry_http::hyper::HyperClient;
use opentelemetry_otlp::tonic_types::metadata::MetadataMap;
use opentelemetry_otlp::tonic_types::transport::ClientTlsConfig;
use opentelemetry_otlp::{
    ExporterBuildError, MetricExporter, SpanExporter, WithExportConfig, WithHttpConfig, WithTonicConfig,
};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::metrics::{PeriodicReader, SdkMeterProvider};
use opentelemetry_sdk::trace::{
    BatchConfigBuilder, BatchSpanProcessor, Sampler, SdkTracerProvider, TracerProviderBuilder,
};
use prometheus::Registry;

use super::export::{Bounded, Losses, QUEUE, Watched};
use crate::config::{ConfigError, Otlp, Protocol, Telemetry};
use crate::run::StartError;

/// How long the collector may take to accept a connection, and to answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// What was set up. Clones are the same.
#[derive(Clone)]
pub(super) struct Providers {
    pub(super) meters: SdkMeterProvider,
    pub(super) traces: Option<SdkTracerProvider>,
    pub(super) registry: Option<Registry>,
}

/// Sets up what `config` asks for. To be called on the runtime that is to carry the exports.
pub(super) fn open(config: &Telemetry, node: String, losses: &Losses) -> Result<Providers, StartError> {
    let resource = resource(node);
    let mut meters = SdkMeterProvider::builder().with_resource(resource.clone());
    let mut registry = None;
    if config.listen.is_some() {
        let own = Registry::new();
        let exporter =
            opentelemetry_prometheus::exporter().with_registry(own.clone()).scope_info_enabled(false);
        meters = meters.with_reader(exporter.build().map_err(|why| wrong(&why))?);
        registry = Some(own);
    }
    let mut traces = None;
    if let Some(otlp) = &config.otlp {
        if otlp.metrics {
            let exporter = Watched::new(metric_exporter(otlp)?, losses.clone());
            meters = meters.with_reader(PeriodicReader::builder(exporter).build());
        }
        if otlp.traces {
            let exporter = Watched::new(span_exporter(otlp)?, losses.clone());
            let batches = BatchConfigBuilder::default().with_max_queue_size(QUEUE).build();
            let processor = BatchSpanProcessor::builder(exporter).with_batch_config(batches).build();
            let builder = SdkTracerProvider::builder().with_resource(resource);
            let builder = builder.with_span_processor(Bounded::new(processor, losses.clone()));
            traces = Some(sampled(builder, config.sample).build());
        }
    }
    Ok(Providers { meters: meters.build(), traces, registry })
}

/// Whoever called may have decided already; the share is of traces that begin here.
fn sampled(builder: TracerProviderBuilder, share: Option<f64>) -> TracerProviderBuilder {
    match share {
        Some(share) => {
            builder.with_sampler(Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(share))))
        }
        None => builder,
    }
}

/// `OTEL_SERVICE_NAME` and `OTEL_RESOURCE_ATTRIBUTES` come first.
fn resource(node: String) -> Resource {
    let said = Resource::builder().build();
    let mut builder = Resource::builder();
    let name = said.get(&Key::new(names::SERVICE_NAME));
    if name.is_none_or(|name| name.as_str().starts_with("unknown_service")) {
        builder = builder.with_service_name("attach-gateway");
    }
    for (name, value) in
        [(names::SERVICE_VERSION, env!("CARGO_PKG_VERSION").to_owned()), (names::SERVICE_INSTANCE_ID, node)]
    {
        if said.get(&Key::new(name)).is_none() {
            builder = builder.with_attribute(KeyValue::new(name, value));
        }
    }
    builder.build()
}

fn span_exporter(otlp: &Otlp) -> Result<SpanExporter, StartError> {
    let builder = SpanExporter::builder();
    let built = match otlp.protocol {
        Protocol::Grpc => grpc(builder.with_tonic(), otlp)?.build(),
        Protocol::Http => http(builder.with_http(), otlp, "/v1/traces")?.build(),
    };
    built.map_err(|why: ExporterBuildError| wrong(&why))
}

fn metric_exporter(otlp: &Otlp) -> Result<MetricExporter, StartError> {
    let builder = MetricExporter::builder();
    let built = match otlp.protocol {
        Protocol::Grpc => grpc(builder.with_tonic(), otlp)?.build(),
        Protocol::Http => http(builder.with_http(), otlp, "/v1/metrics")?.build(),
    };
    built.map_err(|why: ExporterBuildError| wrong(&why))
}

fn grpc<B: WithExportConfig + WithTonicConfig>(builder: B, otlp: &Otlp) -> Result<B, StartError> {
    let builder = builder
        .with_metadata(MetadataMap::from_headers(headers(otlp)?))
        .with_tls_config(ClientTlsConfig::new().with_enabled_roots());
    Ok(match &otlp.endpoint {
        Some(endpoint) => builder.with_endpoint(endpoint),
        None => builder,
    })
}

fn http<B: WithExportConfig + WithHttpConfig>(builder: B, otlp: &Otlp, path: &str) -> Result<B, StartError> {
    let connector = https_connector(PATIENCE).map_err(|error| StartError::Io("TLS", error))?;
    let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let headers: HashMap<_, _> =
        headers(otlp)?.iter().map(|(name, value)| (name.to_string(), text(value))).collect();
    let builder = builder
        .with_http_client(HyperClient::new(connector, PATIENCE, None))
        .with_protocol(opentelemetry_otlp::Protocol::HttpBinary)
        .with_headers(headers);
    Ok(match &otlp.endpoint {
        Some(endpoint) => builder.with_endpoint(format!("{endpoint}{path}")),
        None => builder,
    })
}

/// As in `OTEL_EXPORTER_OTLP_HEADERS`: `name=value,name=value`. What is wrong is not shown, for it is secret.
fn headers(otlp: &Otlp) -> Result<HeaderMap, StartError> {
    let mut headers = HeaderMap::new();
    let Some(secret) = &otlp.headers else { return Ok(headers) };
    let pairs = secret.expose().split(',').map(str::trim).filter(|pair| !pair.is_empty());
    for pair in pairs {
        let parsed = pair.split_once('=').and_then(|(name, value)| {
            let mut value = HeaderValue::from_str(value.trim()).ok()?;
            value.set_sensitive(true);
            Some((HeaderName::try_from(name.trim()).ok()?, value))
        });
        let (name, value) = parsed.ok_or_else(|| {
            StartError::Config(ConfigError::new("telemetry.headers: not of the form name=value,name=value"))
        })?;
        headers.insert(name, value);
    }
    Ok(headers)
}

fn wrong(error: &dyn std::fmt::Display) -> StartError {
    StartError::Config(ConfigError::new(format!("telemetry: {error}")))
}
