//! A fault between any two layers costs the one request it happens in, and nothing it held.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use attach_audit::{Audit, Memory};
use attach_core::{Body, Identity};
use attach_quota::{Limit, QuotaLayer};
use attach_redact::{RedactLayer, Redactor};
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use tower::{Layer, Service, ServiceBuilder, ServiceExt, service_fn};

use crate::admin::CheckLayer;
use crate::front::{self, CallerLayer, DoorLayer, IntakeLayer, head};

/// The places, from the outside to the inside; and the same ones, met by the answer on its way back.
const PLACES: [&str; 6] = ["head", "door", "caller", "quota", "redact", "upstream"];

/// Panics for the request whose header `x-trap` names its place.
#[derive(Clone)]
struct Trap<S = ()> {
    inner: S,
    place: &'static str,
}

fn trap(place: &'static str) -> Trap {
    Trap { inner: (), place }
}

impl<S> Layer<S> for Trap {
    type Service = Trap<S>;

    fn layer(&self, inner: S) -> Trap<S> {
        Trap { inner, place: self.place }
    }
}

impl<S, B> Service<Request<B>> for Trap<S>
where
    S: Service<Request<B>>,
    S::Future: Send + 'static,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<S::Response, S::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let meant = request.headers().get("x-trap").and_then(|name| name.to_str().ok().map(str::to_owned));
        let here = meant.is_some_and(|name| name == self.place);
        let back = request.headers().contains_key("x-back");
        assert!(back || !here, "a fault on the way in, on purpose");
        let answer = self.inner.call(request);
        Box::pin(async move {
            let answer = answer.await;
            assert!(!here, "a fault on the way back, on purpose");
            answer
        })
    }
}

async fn model(request: Request<Body>) -> Result<Response<Full<Bytes>>, Infallible> {
    drop(request);
    let said = r#"{"choices":[{"message":{"role":"assistant","content":"hi"}}],"usage":{"prompt_tokens":1,"completion_tokens":1}}"#;
    Ok(Response::builder()
        .header("content-type", "application/json")
        .body(Full::from(said))
        .expect("an answer"))
}

fn call(trap: Option<(&'static str, bool)>) -> Request<Full<Bytes>> {
    let mut request = Request::post("/v1/chat/completions");
    if let Some((place, back)) = trap {
        request = request.header("x-trap", place);
        request = if back { request.header("x-back", "1") } else { request };
    }
    let body = r#"{"model":"m","messages":[{"role":"user","content":"hello"}]}"#;
    request.extension(Identity::person("acme", "alice")).body(body.into()).expect("a request")
}

#[tokio::test]
async fn a_panic_in_any_place_costs_one_request_and_holds_nothing() {
    let records = Memory::new();
    let audit = Audit::new(records.clone());
    // One place, one call at a time, and memory for one body: whatever is not given back is missed at once.
    let service = ServiceBuilder::new()
        .layer(IntakeLayer::new(front::Memory::new(Some(1024)), std::time::Duration::from_secs(5)))
        .layer(audit.layer())
        .layer(trap("head"))
        .layer(CheckLayer::new(head::check))
        .layer(trap("door"))
        .layer(DoorLayer::new(front::Running::default(), 1))
        .layer(trap("caller"))
        .layer(CallerLayer)
        .layer(trap("quota"))
        .layer(QuotaLayer::new(vec![Limit::concurrent("one", 1)]))
        .layer(trap("redact"))
        .layer(RedactLayer::new(Redactor::builder().build().expect("a redactor")))
        .layer(audit.intent_layer())
        .layer(trap("upstream"))
        .service(service_fn(model));
    let status = async |trap| {
        let answer = service.clone().oneshot(call(trap)).await.expect("an answer");
        let status = answer.status().as_u16();
        let body = answer.into_body().collect().await.expect("a whole answer").to_bytes();
        (status, String::from_utf8_lossy(&body).into_owned())
    };
    let mut panics = 0;
    for place in PLACES {
        for back in [false, true] {
            let (answered, body) = status(Some((place, back))).await;
            assert_eq!(answered, 500, "{place}: {body}");
            assert!(body.contains("internal_error"), "{place}: {body}");
            panics += 1;
            let (answered, body) = status(None).await;
            assert_eq!(answered, 200, "after a panic in {place}: {body}");
        }
    }
    let lines = records.lines();
    let ended = lines.iter().filter(|line| line.contains("\"end\":\"gateway_error\""));
    assert_eq!(ended.count(), panics);
}
