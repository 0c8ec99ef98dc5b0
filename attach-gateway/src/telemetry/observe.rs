//! The layer that sees every request to its end, refusals and panics among them: it stands outside the audit layer.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use attach_core::{BoxError, Exchange};
use bytes::Bytes;
use http::{Request, Response};
use http_body::{Body, Frame, SizeHint};
use opentelemetry_sdk::trace::Span;
use pin_project_lite::pin_project;
use tower::{Layer, Service};

use super::{Inner, Telemetry};

/// Measures what is inside.
#[derive(Clone)]
pub(crate) struct ObserveLayer(Telemetry);

impl ObserveLayer {
    pub(crate) fn new(telemetry: Telemetry) -> Self {
        Self(telemetry)
    }
}

impl<S> Layer<S> for ObserveLayer {
    type Service = Observe<S>;

    fn layer(&self, inner: S) -> Observe<S> {
        Observe { inner, telemetry: self.0.clone() }
    }
}

/// The service of [`ObserveLayer`].
#[derive(Clone)]
pub(crate) struct Observe<S> {
    inner: S,
    telemetry: Telemetry,
}

impl<S, B, R> Service<Request<B>> for Observe<S>
where
    S: Service<Request<B>, Response = Response<R>>,
    R: Body<Data = Bytes>,
    R::Error: Into<BoxError>,
{
    type Response = Response<Observed<R>>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let watch = self.telemetry.0.as_ref().map(|inner| Watch::begin(inner, &mut request));
        ResponseFuture { inner: self.inner.call(request), watch }
    }
}

pin_project! {
    /// The answer of [`Observe`].
    pub(crate) struct ResponseFuture<F> {
        // In this order: what is inside says how it ended before that is noted.
        #[pin]
        inner: F,
        watch: Option<Watch>,
    }
}

impl<F, R, E> Future for ResponseFuture<F>
where
    F: Future<Output = Result<Response<R>, E>>,
    R: Body<Data = Bytes>,
    R::Error: Into<BoxError>,
{
    type Output = Result<Response<Observed<R>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let answer = ready!(this.inner.poll(cx))?;
        let mut watch = this.watch.take();
        if let Some(watch) = &mut watch {
            watch.status = answer.status().as_u16();
        }
        Poll::Ready(Ok(answer.map(|inner| Observed::new(inner, watch))))
    }
}

pin_project! {
    /// A body whose end is noted.
    pub(crate) struct Observed<R> {
        #[pin]
        inner: R,
        watch: Option<Watch>,
    }
}

impl<R: Body> Observed<R> {
    fn new(inner: R, watch: Option<Watch>) -> Self {
        let watch = watch.filter(|_| !inner.is_end_stream());
        Self { inner, watch }
    }
}

impl<R> Body for Observed<R>
where
    R: Body<Data = Bytes>,
    R::Error: Into<BoxError>,
{
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let mut this = self.project();
        let polled = ready!(this.inner.as_mut().poll_frame(cx));
        // With a Content-Length nobody may ask for the end.
        if !matches!(polled, Some(Ok(_))) || this.inner.is_end_stream() {
            drop(this.watch.take());
        }
        Poll::Ready(polled.map(|frame| frame.map_err(Into::into)))
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

/// One request that has not ended; it has when this is dropped.
struct Watch {
    inner: Arc<Inner>,
    exchange: Exchange,
    span: Option<Span>,
    /// Zero until there is an answer.
    status: u16,
}

impl Watch {
    fn begin<B>(inner: &Arc<Inner>, request: &mut Request<B>) -> Self {
        let exchange = Exchange::of_request(request);
        inner.requests.begin();
        let spans = inner.spans.as_ref();
        let span = spans.map(|spans| spans.request(&exchange, request.method(), request.headers()));
        Self { inner: Arc::clone(inner), exchange, span, status: 0 }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.inner.requests.end(&self.exchange, self.status);
        if let (Some(span), Some(spans)) = (self.span.take(), &self.inner.spans) {
            spans.end(span, &self.exchange, self.status);
        }
    }
}

impl<R> fmt::Debug for Observed<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Observed").field("over", &self.watch.is_none()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use attach_audit::{Audit, Memory};
    use bytes::Bytes;
    use http_body_util::{BodyExt, Full};
    use opentelemetry::metrics::MeterProvider;
    use opentelemetry_sdk::metrics::SdkMeterProvider;
    use prometheus::{Registry, TextEncoder};
    use tower::{ServiceBuilder, ServiceExt, service_fn};

    use super::*;
    use crate::config::Config;
    use crate::telemetry::handshakes::Handshakes;
    use crate::telemetry::provider::Providers;
    use crate::telemetry::reloads::Reloads;
    use crate::telemetry::requests::Requests;

    const ISSUER: &str = "[[issuer]]\nissuer = \"https://login.example\"\naudience = [\"api://llm\"]\n\
                          [[upstream]]\nname = \"local\"\nkind = \"ollama\"\nurl = \"http://127.0.0.1:11434\"";

    fn telemetry() -> (Telemetry, Registry) {
        let registry = Registry::new();
        let reader = opentelemetry_prometheus::exporter().with_registry(registry.clone());
        let reader = reader.scope_info_enabled(false).build();
        let meters = SdkMeterProvider::builder().with_reader(reader.expect("a reader")).build();
        let config = Config::parse(ISSUER, |_| None).expect("a valid configuration");
        let requests = Arc::new(Requests::new(&config, &meters.meter("test")));
        let reloads = Reloads::new(&meters.meter("test"), "hash".into());
        let handshakes = Handshakes::new(&config, &meters.meter("test"));
        let providers = Providers { meters, traces: None, registry: Some(registry.clone()) };
        let inner = Inner { requests, spans: None, providers, reloads, handshakes };
        (Telemetry(Some(Arc::new(inner))), registry)
    }

    /// The status of one request, and the line that counts it.
    async fn counted<F>(records: Memory, inner: impl Fn() -> F + Clone) -> (u16, String)
    where
        F: Future<Output = Result<Response<Full<Bytes>>, Infallible>>,
    {
        let (telemetry, registry) = telemetry();
        let service = ServiceBuilder::new()
            .layer(ObserveLayer::new(telemetry.clone()))
            .layer(Audit::new(records).layer())
            .service(service_fn(move |_: Request<()>| inner()));
        let request = Request::post("/v1/chat/completions").body(()).expect("a valid request");
        let answer = service.oneshot(request).await.expect("an answer");
        let status = answer.status().as_u16();
        let _ = answer.into_body().collect().await;
        let text = TextEncoder::new().encode_to_string(&registry.gather()).expect("an exposition");
        assert!(text.contains("\nattach_requests_in_flight 0\n"), "{text}");
        drop(telemetry);
        let line = text.lines().find(|line| line.starts_with("attach_requests_total{"));
        (status, line.expect("a count").to_owned())
    }

    #[tokio::test]
    async fn a_panic_is_counted() {
        let (status, line) = counted(Memory::new(), || async { panic!("on purpose") }).await;
        assert_eq!(status, 500);
        assert!(line.contains("attach_end=\"panicked\""), "{line}");
        assert!(line.contains("http_response_status_code=\"500\"") && line.ends_with(" 1"), "{line}");
    }

    #[tokio::test]
    async fn a_request_that_cannot_be_recorded_is_counted() {
        let records = Memory::new();
        records.set_failing(true);
        let (status, line) = counted(records, || async { Ok(Response::new(Full::default())) }).await;
        assert_eq!(status, 503);
        assert!(line.contains("attach_decision_reason=\"audit_unavailable\""), "{line}");
        assert!(line.contains("http_response_status_code=\"503\"") && line.ends_with(" 1"), "{line}");
    }
}
