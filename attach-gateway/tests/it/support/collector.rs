//! A collector of OpenTelemetry's protocol, by gRPC or by HTTP, that remembers.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use hyper::body::Incoming;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use opentelemetry_proto::tonic::collector::metrics::v1::metrics_service_server::{
    MetricsService, MetricsServiceServer,
};
use opentelemetry_proto::tonic::collector::metrics::v1::{
    ExportMetricsServiceRequest, ExportMetricsServiceResponse,
};
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{
    TraceService, TraceServiceServer,
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::common::v1::{KeyValue, any_value::Value};
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;
use tonic::body::Body;
use tonic::{Request, Response, Status};
use tower::Service;

use super::{Reply, Seen, Upstream};

/// What arrived.
#[derive(Clone, Default)]
pub(crate) struct Collector {
    pub(crate) url: String,
    kept: Arc<Mutex<Kept>>,
}

#[derive(Default)]
struct Kept {
    traces: Vec<ExportTraceServiceRequest>,
    metrics: Vec<ExportMetricsServiceRequest>,
    headers: Vec<(String, String)>,
}

impl Collector {
    pub(crate) async fn grpc() -> Self {
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let collector = Self { url, ..Self::default() };
        let serving = collector.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let collector = serving.clone();
                let service = service_fn(move |request| collector.clone().serve(request));
                let server = http2::Builder::new(TokioExecutor::new());
                tokio::spawn(server.serve_connection(TokioIo::new(stream), service));
            }
        });
        collector
    }

    async fn serve(self, request: http::Request<Incoming>) -> Result<http::Response<Body>, Infallible> {
        match request.uri().path() {
            "/opentelemetry.proto.collector.trace.v1.TraceService/Export" => {
                TraceServiceServer::new(self).call(request).await
            }
            "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export" => {
                MetricsServiceServer::new(self).call(request).await
            }
            other => panic!("nothing is sent to {other}"),
        }
    }

    pub(crate) async fn http() -> Self {
        let kept = Arc::<Mutex<Kept>>::default();
        let keeper = Arc::clone(&kept);
        let server = Upstream::with(move |seen| {
            keeper.lock().unwrap().take(seen);
            Reply::text("application/x-protobuf", "")
        })
        .await;
        Self { url: server.url(), kept }
    }

    /// All spans so far.
    pub(crate) fn spans(&self) -> Vec<Span> {
        let kept = self.kept.lock().unwrap();
        let resources = kept.traces.iter().flat_map(|request| &request.resource_spans);
        resources.flat_map(|one| &one.scope_spans).flat_map(|one| &one.spans).cloned().collect()
    }

    /// An attribute of the resource that spans come from.
    pub(crate) fn resource(&self, name: &str) -> Option<String> {
        let kept = self.kept.lock().unwrap();
        let resource = kept.traces.first()?.resource_spans.first()?.resource.clone()?;
        text(&resource.attributes, name)
    }

    /// The headers of what came by HTTP.
    pub(crate) fn header(&self, name: &str) -> Option<String> {
        let kept = self.kept.lock().unwrap();
        kept.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone())
    }

    /// Everything that arrived, as one text to search.
    pub(crate) fn everything(&self) -> String {
        let kept = self.kept.lock().unwrap();
        format!("{:?}{:?}", kept.traces, kept.metrics)
    }

    /// Count and sum of a histogram, over all attributes, as of the last export.
    pub(crate) fn histogram(&self, name: &str) -> Option<(u64, f64)> {
        let kept = self.kept.lock().unwrap();
        let scopes = kept.metrics.last()?.resource_metrics.iter().flat_map(|one| &one.scope_metrics);
        let metric = scopes.flat_map(|one| &one.metrics).find(|metric| metric.name == name)?.data.clone()?;
        let Data::Histogram(histogram) = metric else { return None };
        let sum = |(n, sum), point: &opentelemetry_proto::tonic::metrics::v1::HistogramDataPoint| {
            (n + point.count, sum + point.sum.unwrap_or_default())
        };
        Some(histogram.data_points.iter().fold((0, 0.0), sum))
    }
}

impl Kept {
    fn take(&mut self, seen: &Seen) {
        match seen.path.as_str() {
            "/v1/traces" => self.traces.push(Message::decode(seen.body.clone()).unwrap()),
            "/v1/metrics" => self.metrics.push(Message::decode(seen.body.clone()).unwrap()),
            other => panic!("nothing is sent to {other}"),
        }
        self.headers = seen.headers.clone();
    }
}

#[tonic::async_trait]
impl TraceService for Collector {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        self.kept.lock().unwrap().traces.push(request.into_inner());
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}

#[tonic::async_trait]
impl MetricsService for Collector {
    async fn export(
        &self,
        request: Request<ExportMetricsServiceRequest>,
    ) -> Result<Response<ExportMetricsServiceResponse>, Status> {
        self.kept.lock().unwrap().metrics.push(request.into_inner());
        Ok(Response::new(ExportMetricsServiceResponse::default()))
    }
}

/// An attribute as text.
pub(crate) fn text(attributes: &[KeyValue], name: &str) -> Option<String> {
    let value = attributes.iter().find(|pair| pair.key == name)?.value.clone()?.value?;
    Some(match value {
        Value::StringValue(text) => text,
        Value::IntValue(number) => number.to_string(),
        Value::BoolValue(truth) => truth.to_string(),
        other => format!("{other:?}"),
    })
}
