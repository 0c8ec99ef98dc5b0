//! The model among the other recognizers: in a redactor and in a layer.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use attach_core::Body;
use attach_redact::{Fault, Job, Recognize, RedactLayer, Redactor, Scope};
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use serde_json::json;
use tower::{Layer, ServiceExt, service_fn};

use super::tiny::{SURE, Tiny};
use crate::support::CHAT;

fn redactor(tiny: &Tiny) -> Redactor {
    Redactor::builder().key(b"0123456789abcdef").recognizer(tiny.load().unwrap()).build().unwrap()
}

#[test]
fn what_the_model_finds_is_replaced_and_restored() {
    let redactor = redactor(&Tiny::new());
    let prompt = "Łukasz in Köln am Rhein; mail bob@example.org, Acme: Köln am Rhein.";
    let redacted = redactor.redact_text(&Scope::anonymous(), prompt).unwrap();
    let text = redacted.text();
    for value in ["Łukasz", "Köln", "Acme", "bob"] {
        assert!(!text.contains(value), "{value}: {text}");
    }
    for label in ["PII_PERSON_", "PII_LOCATION_", "PII_ORGANIZATION_", "PII_EMAIL_"] {
        assert!(text.contains(label), "{label}: {text}");
    }
    assert_eq!(redacted.restore(text), prompt);
    let again = redactor.redact_text(&Scope::anonymous(), text).unwrap();
    assert_eq!(again.text(), text, "its placeholders are known for what they are");
}

async fn answer(redactor: Redactor, content: &str, jobs: &Arc<AtomicUsize>) -> (StatusCode, String, String) {
    let seen = Arc::new(std::sync::Mutex::new(String::new()));
    let noted = Arc::clone(&seen);
    let echo = service_fn(move |request: Request<Body>| {
        let noted = Arc::clone(&noted);
        async move {
            let sent = request.into_body().collect().await.unwrap().to_bytes();
            *noted.lock().unwrap() = String::from_utf8(sent.to_vec()).unwrap();
            Ok::<_, Infallible>(
                Response::builder().header("content-type", "application/json").body(Full::new(sent)).unwrap(),
            )
        }
    });
    let count = Arc::clone(jobs);
    let layer = RedactLayer::new(redactor).offload(move |job: Job| {
        count.fetch_add(1, Ordering::Relaxed);
        std::thread::spawn(job);
    });
    let body = json!({"model": "m", "messages": [{"role": "user", "content": content}]});
    let request = Request::post(CHAT).body(Full::new(Bytes::from(body.to_string()))).unwrap();
    let response = layer.layer(echo).oneshot(request).await.unwrap();
    let status = response.status();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    let sent = seen.lock().unwrap().clone();
    (status, sent, String::from_utf8(body.to_vec()).unwrap())
}

#[tokio::test]
async fn a_call_is_redacted_elsewhere_however_short_it_is() {
    let jobs = Arc::new(AtomicUsize::new(0));
    let (status, sent, answer) = answer(redactor(&Tiny::new()), "met Łukasz in Köln", &jobs).await;
    assert_eq!((status, jobs.load(Ordering::Relaxed)), (StatusCode::OK, 1));
    assert!(!sent.contains("ukasz") && sent.contains("PII_LOCATION_"), "{sent}");
    assert!(answer.contains("met Łukasz in Köln"), "{answer}");
}

#[tokio::test]
async fn what_the_model_could_not_read_does_not_leave() {
    let tiny = Tiny::sure(|token| if token == 12 { f32::NAN } else { SURE });
    let jobs = Arc::new(AtomicUsize::new(0));
    let (status, sent, answer) = answer(redactor(&tiny), "the Anna", &jobs).await;
    assert_eq!((status, sent.as_str()), (StatusCode::SERVICE_UNAVAILABLE, ""));
    assert!(answer.contains("redaction_failed") && !answer.contains("Anna"), "{answer}");
}

#[test]
fn the_model_asks_before_each_window_whether_it_may_go_on() {
    let ner = Tiny::new().load().unwrap();
    let asked = AtomicUsize::new(0);
    let text = "Łukasz in Köln ".repeat(3000);
    let times = |most: usize| {
        let go_on = || match asked.fetch_add(1, Ordering::Relaxed) {
            times if times < most => Ok(()),
            _ => Err(Fault::new("enough")),
        };
        let found = ner.recognize_while(&text, &go_on);
        (found.map_err(|fault| fault.to_string()), asked.swap(0, Ordering::Relaxed))
    };
    let (found, windows) = times(usize::MAX);
    assert!(!found.unwrap().is_empty() && windows > 3, "{windows} windows");
    assert_eq!(times(2), (Err("enough".to_owned()), 3));
}
