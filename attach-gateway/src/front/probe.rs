//! What anybody may ask without being recorded: is it alive, is it ready, who vouches for its callers.

use std::future::ready;
use std::sync::Arc;
use std::task::{Context, Poll};

use attach_auth::endpoint::Endpoint;
use attach_auth::metadata::ResourceMetadata;
use attach_core::{PassFuture, ResponseBody};
use bytes::Bytes;
use http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use http::{Method, Request, Response, StatusCode};
use tower::{Layer, Service};

type Ready = dyn Fn() -> bool + Send + Sync;

/// Answers the probes.
#[derive(Clone)]
pub(crate) struct ProbeLayer(Arc<Probes>);

/// What the probes answer.
#[derive(Clone)]
pub(crate) struct Probes {
    /// Whether requests can be served: at least one issuer's keys are known and the audit log works.
    pub(crate) ready: Arc<Ready>,
    /// The protected resource metadata of RFC 9728, if the gateway knows its own address.
    pub(crate) metadata: Option<ResourceMetadata>,
}

impl ProbeLayer {
    pub(crate) fn new(probes: Probes) -> Self {
        Self(Arc::new(probes))
    }
}

impl<S> Layer<S> for ProbeLayer {
    type Service = Probe<S>;

    fn layer(&self, inner: S) -> Probe<S> {
        Probe { inner, probes: Arc::clone(&self.0) }
    }
}

/// The service of [`ProbeLayer`].
#[derive(Clone)]
pub(crate) struct Probe<S> {
    inner: S,
    probes: Arc<Probes>,
}

impl Probes {
    fn answer<B, R>(&self, request: &Request<B>) -> Option<Response<ResponseBody<R>>> {
        let path = request.uri().path();
        if let Some(metadata) = self.metadata.as_ref().filter(|metadata| metadata.owns(path)) {
            return Some(metadata.answer(request.method()).map(ResponseBody::full));
        }
        let (status, body) = match path {
            "/healthz" => (StatusCode::OK, Bytes::from_static(b"ok\n")),
            "/readyz" if (self.ready)() => (StatusCode::OK, Bytes::from_static(b"ready\n")),
            "/readyz" => (StatusCode::SERVICE_UNAVAILABLE, Bytes::from_static(b"not ready\n")),
            // What Ollama's client programs ask first, without a credential.
            "/" if request.method() == Method::HEAD => (StatusCode::OK, Bytes::new()),
            _ => return None,
        };
        let body = match *request.method() {
            Method::GET => body,
            Method::HEAD => Bytes::new(),
            _ => return Some(not_allowed()),
        };
        let mut response = Response::new(ResponseBody::full(body));
        *response.status_mut() = status;
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain"));
        response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        Some(response)
    }
}

fn not_allowed<R>() -> Response<ResponseBody<R>> {
    let mut response = Response::new(ResponseBody::default());
    *response.status_mut() = StatusCode::METHOD_NOT_ALLOWED;
    response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
    response
}

impl<S, B, R> Service<Request<B>> for Probe<S>
where
    S: Service<Request<B>, Response = Response<R>>,
    S::Error: Send + 'static,
    R: Send + 'static,
{
    type Response = Response<ResponseBody<R>>;
    type Error = S::Error;
    type Future = PassFuture<S::Future, R, S::Error>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        match self.probes.answer(&request) {
            Some(response) => PassFuture::own(ready(Ok(response))),
            None => PassFuture::inner(self.inner.call(request)),
        }
    }
}
