//! The layer around a service that is none of the known ones.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use attach_core::call::Modality;
use attach_core::destination::{Candidate, Destination, Labels};
use attach_core::exchange::Coverage;
use attach_core::{Body, Exchange};
use attach_redact::{
    Action, Entity, Fault, Finding, Inspect, Inspection, RedactLayer, Redactor, Uninspectable, WhenDown,
};
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use serde_json::{Value, json};
use tower::{Layer, ServiceExt, service_fn};

use crate::support::{Pieces, placeholders, redactor};

struct Seen {
    status: u16,
    client: String,
    /// What the service got, if it got anything.
    service: Option<String>,
    exchange: Exchange,
}

/// Posts `body` of `media` to a service that answers `answer(what it got)` as `kind`, in pieces of `size` bytes.
async fn post(
    layer: RedactLayer,
    request: Request<Full<Bytes>>,
    (kind, size): (&'static str, usize),
    answer: fn(&str) -> String,
) -> Seen {
    let mut request = request;
    let exchange = Exchange::of_request(&mut request);
    let got = Arc::new(Mutex::new(None));
    let seen = Arc::clone(&got);
    let service = service_fn(move |request: Request<Body>| {
        let seen = Arc::clone(&seen);
        async move {
            let body = request.into_body().collect().await.unwrap().to_bytes();
            let body = String::from_utf8(body.to_vec()).unwrap();
            let answer = Bytes::from(answer(&body));
            *seen.lock().unwrap() = Some(body);
            let pieces = (0..answer.len()).step_by(size);
            let pieces = pieces.map(|at| answer.slice(at..answer.len().min(at + size))).collect();
            Ok::<_, Infallible>(
                Response::builder().header("content-type", kind).body(Pieces(pieces)).unwrap(),
            )
        }
    });
    let response = layer.layer(service).oneshot(request).await.unwrap();
    let status = response.status().as_u16();
    let client = response.into_body().collect().await.unwrap().to_bytes();
    let service = got.lock().unwrap().take();
    Seen { status, client: String::from_utf8(client.to_vec()).unwrap(), service, exchange }
}

fn ticket(media: &str, body: &str) -> Request<Full<Bytes>> {
    let request = Request::post("/v2/tickets").header("content-type", media);
    request.body(Full::from(body.to_owned())).unwrap()
}

fn layer() -> RedactLayer {
    RedactLayer::new(redactor()).any_json()
}

const JSON: (&str, usize) = ("application/json", usize::MAX);

#[tokio::test]
async fn any_json_leaves_redacted_and_its_json_answer_comes_back_whole() {
    let body =
        json!({"from": {"mail": "bob@example.org"}, "notes": ["card 4111 1111 1111 1111"]}).to_string();
    let seen = post(layer(), ticket("application/vnd.acme+json", &body), JSON, str::to_owned).await;
    let service = seen.service.expect("it was forwarded");
    assert!(!service.contains("bob@") && !service.contains("4111"), "{service}");
    assert_eq!((seen.status, seen.client), (200, body));
    let counted = seen.exchange.facts(|facts| facts.redaction.as_ref().unwrap().counts.len());
    assert_eq!(counted, 2);
}

#[tokio::test]
async fn a_stream_of_unknown_form_is_restored_event_by_event_wherever_it_is_cut() {
    let event = |body: &str| {
        let placeholder = &placeholders(body)[0];
        format!("event: note\ndata: {{\"step\":{{\"said\":\"to {placeholder}\"}}}}\n\ndata: [DONE]\n\n")
    };
    let line = |body: &str| format!("{{\"said\":\"{}\"}}\n{{\"n\":1}}", placeholders(body)[0]);
    let body = json!({"to": "bob@example.org"}).to_string();
    for size in [1, 2, 7, 1000] {
        let seen = post(layer(), ticket("application/json", &body), ("text/event-stream", size), event).await;
        let expected = "event: note\ndata: {\"step\":{\"said\":\"to bob@example.org\"}}\n\ndata: [DONE]\n\n";
        assert_eq!(seen.client, expected, "in pieces of {size}");
        let seen =
            post(layer(), ticket("application/json", &body), ("application/x-ndjson", size), line).await;
        assert_eq!(
            seen.client.trim_end(),
            "{\"said\":\"bob@example.org\"}\n{\"n\":1}",
            "in pieces of {size}"
        );
    }
}

#[tokio::test]
async fn what_is_not_json_does_not_leave_unless_somebody_says_so() {
    for (media, body, status) in [
        ("text/plain", "mail bob@example.org", 415),
        ("application/x-www-form-urlencoded", "to=bob%40example.org", 415),
        ("application/json", "mail bob@example.org", 400),
        ("application/json", "{\"a\":1,\"a\":\"bob@example.org\"}", 400),
    ] {
        let seen = post(layer(), ticket(media, body), JSON, str::to_owned).await;
        assert_eq!((seen.status, seen.service), (status, None), "{media} {body}");
        assert!(!seen.client.contains("bob"), "{}", seen.client);
    }
    let passing = layer().pass_other(true);
    let seen = post(passing, ticket("text/plain", "mail bob@example.org"), JSON, str::to_owned).await;
    assert_eq!(seen.service.as_deref(), Some("mail bob@example.org"));
    let encoded = Request::post("/v2/tickets").header("content-encoding", "gzip").body("x".into()).unwrap();
    assert_eq!(post(layer().pass_other(true), encoded, JSON, str::to_owned).await.status, 415);
}

#[tokio::test]
async fn a_request_without_a_body_passes() {
    let empty = Request::get("/v2/tickets").body(Full::default()).unwrap();
    assert_eq!(post(layer(), empty, JSON, |_| "{}".into()).await.client, "{}");
}

#[tokio::test]
async fn what_is_blocked_is_named_by_its_place() {
    let redactor = Redactor::builder().entity(Entity::CreditCard, Action::Block).build().unwrap();
    let layer = RedactLayer::new(redactor).any_json();
    let body = json!({"pay": [{"with": "4111 1111 1111 1111"}]}).to_string();
    let seen = post(layer, ticket("application/json", &body), JSON, str::to_owned).await;
    assert_eq!((seen.status, seen.service), (400, None));
    assert!(seen.client.contains("CREDIT_CARD at ") && seen.client.contains("with"), "{}", seen.client);
    assert!(!seen.client.contains("4111"));
}

#[tokio::test]
async fn a_file_in_a_data_url_is_blocked_until_it_is_permitted() {
    let body = json!({"scan": "data:image/png;base64,iVBORw0KGgo="}).to_string();
    let seen = post(layer(), ticket("application/json", &body), JSON, str::to_owned).await;
    assert_eq!((seen.status, seen.service), (422, None));
    let redactor = Redactor::builder().uninspectable(Modality::Image, Uninspectable::Allow).build().unwrap();
    let layer = RedactLayer::new(redactor).any_json();
    let seen = post(layer, ticket("application/json", &body), JSON, str::to_owned).await;
    assert_eq!(seen.service, Some(body));
}

#[tokio::test]
async fn other_services_pass_untouched_unless_asked_for_and_trusted_ones_always_do() {
    let body = json!({"to": "bob@example.org"}).to_string();
    let plain = RedactLayer::new(redactor());
    let seen = post(plain, ticket("application/json", &body), JSON, str::to_owned).await;
    assert_eq!(seen.service.as_deref(), Some(&*body));
    let mut request = ticket("application/json", &body);
    let inside = Candidate::new("inside", "m", Arc::new(Labels::trusted()));
    request.extensions_mut().insert(Destination::new(vec![inside]));
    let seen = post(layer(), request, JSON, str::to_owned).await;
    assert_eq!(seen.service, Some(body));
}

#[tokio::test]
async fn a_known_call_stays_what_it_is_beside_any_json() {
    let body = json!({"model": "m", "messages": [{"role": "user", "content": "I am bob@example.org"}]});
    let request = Request::post("/v1/chat/completions").body(Full::from(body.to_string())).unwrap();
    let seen = post(layer(), request, JSON, |_| "{}".into()).await;
    let sent: Value = serde_json::from_str(&seen.service.unwrap()).unwrap();
    assert!(sent["messages"][0]["content"].as_str().unwrap().starts_with("I am PII_EMAIL_"));
}

/// Finds projects, refuses plans, and breaks down at riddles.
struct Archive;

impl Inspect for Archive {
    async fn inspect(&self, texts: &[&str]) -> Result<Inspection, Fault> {
        tokio::task::yield_now().await;
        let mut seen = Inspection::new();
        for (index, text) in texts.iter().enumerate() {
            if text.contains("riddle") {
                return Err(Fault::new("no answer"));
            }
            if text.contains("plan") {
                seen.refuse("plans");
            }
            for word in ["Nightingale", "Kingfisher"] {
                let project = Entity::custom("PROJECT").unwrap();
                let places = text.match_indices(word).map(|(at, _)| at..at + word.len());
                places.for_each(|range| seen.found(index, Finding::new(range, project.clone(), 0.9)));
            }
        }
        Ok(seen)
    }
}

fn asking(when_down: WhenDown) -> RedactLayer {
    let builder = Redactor::builder().key(b"0123456789abcdef").exempt(["Kingfisher"]);
    RedactLayer::new(builder.inspector(Archive, when_down).build().unwrap()).any_json()
}

fn coverage(seen: &Seen) -> Coverage {
    seen.exchange.facts(|facts| facts.redaction.as_ref().unwrap().coverage)
}

#[tokio::test]
async fn inspectors_are_asked_about_any_json() {
    let body = json!({
        "project": "Nightingale", "public": "Kingfisher",
        "call": "{\"to\":[\"Nightingale\"]}", "mail": "bob@example.org",
    });
    let body = body.to_string();
    let seen = post(asking(WhenDown::Closed), ticket("application/json", &body), JSON, str::to_owned).await;
    let service = seen.service.as_ref().expect("it was forwarded");
    assert!(!service.contains("Nightingale") && !service.contains("bob@"), "{service}");
    assert!(service.contains("Kingfisher"), "is exempt: {service}");
    assert_eq!((seen.status, &seen.client, coverage(&seen)), (200, &body, Coverage::Full));
}

#[tokio::test]
async fn an_inspector_refuses_any_json_by_its_rule() {
    let body = json!({"notes": ["our plan for bob@example.org"]}).to_string();
    let seen = post(asking(WhenDown::Open), ticket("application/json", &body), JSON, str::to_owned).await;
    assert_eq!((seen.status, &seen.service), (400, &None));
    assert!(seen.client.contains("plans") && !seen.client.contains("bob@"), "{}", seen.client);
}

#[tokio::test]
async fn any_json_goes_without_an_inspector_only_where_that_is_permitted() {
    let body = json!({"notes": ["a riddle for bob@example.org"]}).to_string();
    let seen = post(asking(WhenDown::Closed), ticket("application/json", &body), JSON, str::to_owned).await;
    assert_eq!((seen.status, &seen.service), (503, &None));
    let seen = post(asking(WhenDown::Open), ticket("application/json", &body), JSON, str::to_owned).await;
    assert_eq!((seen.status, coverage(&seen)), (200, Coverage::Partial));
    let service = seen.service.expect("it was forwarded");
    assert!(service.contains("riddle") && !service.contains("bob@"), "{service}");
}
