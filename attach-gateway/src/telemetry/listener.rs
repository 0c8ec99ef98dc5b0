//! The listener for whoever watches over the gateway: `GET /metrics`, and the probes.

use std::convert::Infallible;

use attach_core::ResponseBody;
use bytes::Bytes;
use http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use http::{Method, Request, Response, StatusCode};
use http_body_util::Empty;
use hyper::body::Incoming;
use prometheus::{Encoder, Registry, TextEncoder};
use tower::{ServiceBuilder, service_fn};

use crate::front::{ProbeLayer, Probes};
use crate::stack::Stack;

type Answer = Response<ResponseBody<Empty<Bytes>>>;

/// The listener's service.
pub(super) fn stack(registry: Registry, probes: Probes) -> Stack {
    let service = service_fn(move |request: Request<Incoming>| {
        let registry = registry.clone();
        async move { Ok::<_, Infallible>(answer(&request, registry).await) }
    });
    let service = ServiceBuilder::new().layer(ProbeLayer::new(probes)).service(service);
    Stack::new(service)
}

async fn answer(request: &Request<Incoming>, registry: Registry) -> Answer {
    if request.uri().path() != "/metrics" {
        return refused(StatusCode::NOT_FOUND);
    }
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        let mut refused = refused(StatusCode::METHOD_NOT_ALLOWED);
        refused.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
        return refused;
    }
    // The process is asked about itself in files.
    match tokio::task::spawn_blocking(move || exposition(&registry)).await {
        Ok(Some(text)) => {
            let mut answer = Response::new(ResponseBody::full(text.into()));
            let headers = answer.headers_mut();
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(prometheus::TEXT_FORMAT));
            headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
            answer
        }
        Ok(None) | Err(_) => refused(StatusCode::INTERNAL_SERVER_ERROR),
    }
}

/// All metrics in Prometheus' text format, version 0.0.4.
fn exposition(registry: &Registry) -> Option<Vec<u8>> {
    let mut text = Vec::new();
    TextEncoder::new().encode(&registry.gather(), &mut text).ok()?;
    Some(text)
}

fn refused(status: StatusCode) -> Answer {
    let mut answer = Response::new(ResponseBody::default());
    *answer.status_mut() = status;
    answer
}
