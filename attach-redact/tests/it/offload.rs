//! Large bodies are worked on elsewhere, small ones where they are.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use attach_core::Body;
use attach_redact::{Job, Offload, RedactLayer};
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use serde_json::json;
use tower::{Layer, ServiceExt, service_fn};

use crate::support::{CHAT, redactor};

async fn status(words: usize, offload: impl Offload) -> (StatusCode, String) {
    let echo = service_fn(|request: Request<Body>| async move {
        let sent = request.into_body().collect().await.unwrap().to_bytes();
        Ok::<_, Infallible>(Response::new(Full::new(sent)))
    });
    let text = format!("{}bob@example.org", "word ".repeat(words));
    let body = json!({"model": "m", "messages": [{"role": "user", "content": text}]});
    let request = Request::post(CHAT).body(Full::new(Bytes::from(body.to_string()))).unwrap();
    let layer = RedactLayer::new(redactor()).offload(offload);
    let response = layer.layer(echo).oneshot(request).await.unwrap();
    let status = response.status();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

#[tokio::test]
async fn only_a_large_body_is_worked_on_elsewhere() {
    let jobs = Arc::new(AtomicUsize::new(0));
    let count = |jobs: &Arc<AtomicUsize>| {
        let jobs = Arc::clone(jobs);
        move |job: Job| {
            jobs.fetch_add(1, Ordering::Relaxed);
            std::thread::spawn(job);
        }
    };
    let (small, _) = status(10, count(&jobs)).await;
    assert_eq!((small, jobs.load(Ordering::Relaxed)), (StatusCode::OK, 0));
    let (large, sent) = status(20_000, count(&jobs)).await;
    assert_eq!((large, jobs.load(Ordering::Relaxed)), (StatusCode::OK, 1));
    assert!(sent.contains("PII_EMAIL_"), "it was redacted there");
}

#[tokio::test]
async fn a_job_that_is_dropped_keeps_the_request_in() {
    let (status, body) = status(20_000, |job: Job| drop(job)).await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(body.contains("redaction_failed"), "{body}");
}
