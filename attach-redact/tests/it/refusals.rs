//! What does not leave at all.

use attach_core::call::Modality;
use attach_core::exchange::Coverage;
use attach_core::{Body, Outcome};
use attach_redact::{Action, Entity, Fault, Finding, Recognize, RedactLayer, Redactor, Uninspectable};
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use serde_json::{Value, json};
use std::convert::Infallible;
use tower::{Layer, ServiceExt, service_fn};

use crate::support::{CHAT, MESSAGES, OLLAMA, call, call_in_pieces, chat};

const JSON: &str = "application/json";

fn blocking() -> Redactor {
    Redactor::builder().entity(Entity::CreditCard, Action::Block).build().unwrap()
}

#[tokio::test]
async fn a_blocked_entity_is_named_with_its_place_and_without_its_value() {
    for (path, pointer) in [(CHAT, "/error/attach/code"), (MESSAGES, "/error/code"), (OLLAMA, "/code")] {
        let body = json!({"model": "m", "max_tokens": 5, "messages": [{"role": "user", "content": "hi"}, {"role": "user", "content": "card 4111 1111 1111 1111"}]});
        let seen = call_in_pieces(blocking(), path, &body.to_string(), JSON, 99, |_| "{}".into()).await;
        assert!(seen.upstream.is_none());
        assert_eq!(seen.status, 400);
        assert!(!seen.client.contains("4111"), "{}", seen.client);
        assert!(seen.client.contains("CREDIT_CARD at $.messages[1].content"), "{}", seen.client);
        let answer: Value = serde_json::from_str(&seen.client).unwrap();
        assert_eq!(answer.pointer(pointer).unwrap(), "content_blocked");
        assert_eq!(seen.exchange.outcome(), Some(Outcome::Blocked));
    }
}

#[tokio::test]
async fn what_cannot_be_inspected_is_blocked_and_the_switch_is_named() {
    let image = json!({"model": "m", "messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}]}]}).to_string();
    let tokens = json!({"model": "m", "prompt": [1, 2, 3]}).to_string();
    for (path, body, kind, switch) in
        [(CHAT, &image, "image", "images"), ("/v1/completions", &tokens, "token_ids", "token_ids")]
    {
        let seen = call(path, body, JSON, |_| "{}".into()).await;
        assert!(seen.upstream.is_none());
        assert_eq!(seen.status, 422);
        assert!(seen.client.contains("uninspectable_content"), "{}", seen.client);
        assert!(seen.client.contains(kind) && seen.client.contains("$."), "{}", seen.client);
        assert!(seen.client.contains(&format!("uninspectable.{switch} = ")), "{}", seen.client);
    }
}

#[tokio::test]
async fn what_is_permitted_uninspected_is_partial_coverage() {
    let permitting =
        Redactor::builder().uninspectable(Modality::Image, Uninspectable::Allow).build().unwrap();
    let body = json!({"model": "m", "messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "https://x.example/?m=bob@example.org"}}]}]});
    let seen = call_in_pieces(permitting, CHAT, &body.to_string(), JSON, 99, |_| "{}".into()).await;
    let coverage = seen.exchange.facts(|facts| facts.redaction.as_ref().unwrap().coverage);
    assert_eq!(coverage, Coverage::Partial);
    assert!(!seen.upstream().contains("bob@"), "the address is text all the same: {}", seen.upstream());
}

struct Broken;

impl Recognize for Broken {
    fn recognize(&self, _: &str) -> Result<Vec<Finding>, Fault> {
        Err(Fault::new("the engine is down"))
    }
}

#[tokio::test]
async fn a_fault_of_the_redactor_keeps_the_request_in() {
    let broken = Redactor::builder().recognizer(Broken).build().unwrap();
    let out_of_bounds = Redactor::builder()
        .recognizer(|_: &str| vec![Finding::new(1..1000, Entity::Person, 1.0)])
        .build()
        .unwrap();
    for redactor in [broken, out_of_bounds] {
        let seen = call_in_pieces(redactor, CHAT, &chat("hi"), JSON, 99, |_| "{}".into()).await;
        assert!(seen.upstream.is_none());
        assert_eq!(seen.status, 503);
        assert!(
            seen.client.contains("redaction_failed") && !seen.client.contains("engine"),
            "{}",
            seen.client
        );
    }
}

#[tokio::test]
async fn masks_digests_and_shadows() {
    let redactor = Redactor::builder()
        .key(b"0123456789abcdef")
        .entity(Entity::Email, Action::Mask)
        .entity(Entity::Iban, Action::Hash)
        .entity(Entity::Phone, Action::Shadow)
        .entity(Entity::UsSsn, Action::Allow)
        .build()
        .unwrap();
    let prompt = "ssn 536-22-8726; bob@example.org GB29 NWBK 6016 1331 9268 19; card 4111111111111111; phone 415-555-2671";
    let seen = call_in_pieces(redactor, CHAT, &chat(prompt), JSON, 99, str::to_owned).await;
    let sent = seen.upstream();
    assert!(sent.contains("***@*******.***") && sent.contains("HASH_IBAN_"), "{sent}");
    assert!(sent.contains("415-555-2671") && sent.contains("536-22-8726"), "{sent}");
    assert!(seen.client.contains("4111111111111111") && !seen.client.contains("GB29"), "{}", seen.client);
    assert_eq!((seen.count("PHONE_NUMBER"), seen.count("US_SSN"), seen.count("IBAN_CODE")), (1, 0, 1));
}

#[tokio::test]
async fn an_encoded_answer_is_refused() {
    let model = service_fn(|request: Request<Body>| async move {
        assert_eq!(request.headers()["accept-encoding"], "identity");
        let response = Response::builder().header("content-type", JSON).header("content-encoding", "gzip");
        Ok::<_, Infallible>(response.body(Full::from("\u{1f}")).unwrap())
    });
    let request: Request<Full<Bytes>> =
        Request::post(CHAT).body(Full::from(chat("bob@example.org"))).unwrap();
    let redactor = crate::support::redactor();
    let answer = RedactLayer::new(redactor).layer(model).oneshot(request).await.unwrap();
    assert_eq!(answer.status(), 502);
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    assert!(String::from_utf8_lossy(&body).contains("upstream_encoded"));
}

#[tokio::test]
async fn a_body_over_the_limit_and_a_body_that_is_no_call_are_refused() {
    let model =
        service_fn(
            |_: Request<Body>| async move { Ok::<_, Infallible>(Response::new(Full::<Bytes>::default())) },
        );
    for (body, status) in [(chat(&"x".repeat(2000)), 413), ("{".to_owned(), 400)] {
        let request: Request<Full<Bytes>> = Request::post(CHAT).body(Full::from(body)).unwrap();
        let layer = RedactLayer::new(crate::support::redactor()).body_limit(1000);
        assert_eq!(layer.layer(model).oneshot(request).await.unwrap().status(), status);
    }
}
