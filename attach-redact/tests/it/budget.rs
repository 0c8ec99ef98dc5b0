//! How long looking may take.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use attach_redact::{Entity, Fault, Finding, Recognize, RedactError, RedactLayer, Redactor, Scope};
use tower::ServiceExt;

use crate::support::{CHAT, call_in_pieces, chat};

const JSON: &str = "application/json";
const MILLI: Duration = Duration::from_millis(1);

/// A clock that goes on by a millisecond whenever it is read.
#[derive(Clone, Default)]
struct Ticks(Arc<AtomicU64>);

impl Ticks {
    fn read(&self) -> Duration {
        Duration::from_millis(self.0.fetch_add(1, Ordering::Relaxed))
    }

    fn readings(&self) -> u64 {
        self.0.swap(0, Ordering::Relaxed)
    }

    fn builder(&self) -> attach_redact::Builder {
        let ticks = self.clone();
        Redactor::builder().key(b"0123456789abcdef").clock(move || ticks.read())
    }
}

/// How often the clock was read until `text` was given up, and how often if it is not.
fn readings(text: &str, set: impl Fn(attach_redact::Builder) -> attach_redact::Builder) -> (u64, u64) {
    let ticks = Ticks::default();
    let redact = |budget: Duration| {
        let redactor = set(ticks.builder()).budget(budget).build().unwrap();
        let late = match redactor.redact_text(&Scope::anonymous(), text) {
            Ok(_) => false,
            Err(RedactError::Fault(fault)) => fault.to_string().contains("too long"),
            Err(other) => panic!("{other}"),
        };
        (late, ticks.readings())
    };
    let (late, given_up) = redact(MILLI * 10);
    assert!(late, "{given_up} readings were all it took");
    let (late, whole) = redact(Duration::from_secs(3600));
    assert!(!late);
    (given_up, whole)
}

#[test]
fn a_text_that_takes_too_long_is_given_up_midway() {
    for piece in ["4111 1111 1111 1112 ", "a@b.c1 ", "AKIA ghp_ sk-", "John Smith met Mary. ", "1.2.3.4:5 "] {
        let (given_up, whole) = readings(&piece.repeat(8_000), |builder| builder);
        assert!((11..20).contains(&given_up), "{piece}: {given_up} readings");
        assert!(whole > 4 * given_up, "{piece}: {whole} readings for all of it");
    }
}

#[test]
fn patterns_and_terms_of_ones_own_are_given_up_midway() {
    let off = |builder: attach_redact::Builder| builder.default_action(attach_redact::Action::Allow);
    let own = || Entity::custom("OWN").unwrap();
    let mine = |builder: attach_redact::Builder| off(builder).entity(own(), attach_redact::Action::Shadow);
    let text = "ab ".repeat(100_000);
    let (given_up, whole) = readings(&text, |builder| mine(builder).pattern(own(), "a").unwrap());
    assert!(given_up < 20 && whole > 1000, "{given_up} of {whole}");
    let (given_up, whole) = readings(&text, |builder| mine(builder).terms(own(), ["ab", "b", "ab ab"]));
    assert!(given_up < 20 && whole > 200, "{given_up} of {whole}");
}

#[test]
fn a_text_of_ones_own_may_take_as_long_as_it_takes_unless_a_budget_is_set() {
    let ticks = Ticks::default();
    let redactor = ticks.builder().build().unwrap();
    let text = "bob@example.org ".repeat(5000);
    assert!(redactor.redact_text(&Scope::anonymous(), &text).is_ok());
    assert_eq!(redactor.find(&text).len(), 5000);
    assert_eq!(ticks.readings(), 0);
    let redactor = ticks.builder().budget(MILLI).build().unwrap();
    assert!(redactor.try_find(&text).is_err() && redactor.candidates(&text).is_err());
    assert_eq!(redactor.find(&text)[0].range, 0..text.len(), "all of it is to be taken for found");
}

/// Never ends of itself.
struct Endless;

impl Recognize for Endless {
    fn recognize(&self, _: &str) -> Result<Vec<Finding>, Fault> {
        unreachable!("it is asked to look while it may")
    }

    fn recognize_while(&self, _: &str, go_on: &dyn Fn() -> Result<(), Fault>) -> Result<Vec<Finding>, Fault> {
        loop {
            go_on()?;
        }
    }
}

#[test]
fn a_recognizer_that_asks_is_told_that_the_time_is_over() {
    let redactor = Ticks::default().builder().budget(MILLI * 10).recognizer(Endless).build().unwrap();
    assert!(redactor.try_find("hello").unwrap_err().to_string().contains("too long"));
}

/// A redactor that takes `each` for every text, and a second at most unless set.
fn slow(each: Duration) -> attach_redact::Builder {
    let time = Arc::new(AtomicU64::new(0));
    let now = Arc::clone(&time);
    let each = u64::try_from(each.as_millis()).unwrap();
    Redactor::builder()
        .key(b"0123456789abcdef")
        .clock(move || MILLI * now.load(Ordering::Relaxed) as u32)
        .recognizer(move |_: &str| {
            time.fetch_add(each, Ordering::Relaxed);
            Vec::new()
        })
}

#[tokio::test]
async fn a_request_that_takes_longer_than_a_second_is_not_forwarded() {
    let redactor = slow(MILLI * 1001).build().unwrap();
    let seen = call_in_pieces(redactor, CHAT, &chat("hello"), JSON, 99, |_| "{}".into()).await;
    assert!(seen.upstream.is_none());
    assert_eq!(seen.status, 503);
    assert!(seen.client.contains("redaction_failed") && seen.client.contains("too long"), "{}", seen.client);
}

#[tokio::test]
async fn the_budget_is_for_all_texts_of_a_request_together() {
    let texts = |count: usize| {
        let message = serde_json::json!({"role": "user", "content": "hello"});
        serde_json::json!({"model": "m", "messages": vec![message; count]}).to_string()
    };
    for (count, forwarded) in [(3, true), (4, false)] {
        let redactor = slow(MILLI * 300).build().unwrap();
        let seen = call_in_pieces(redactor, CHAT, &texts(count), JSON, 99, |_| "{}".into()).await;
        assert_eq!(seen.upstream.is_some(), forwarded, "{count} texts");
    }
}

#[tokio::test]
async fn the_layers_budget_rules_then_the_redactors() {
    for (layers, redactors, status) in
        [(None, 500, 503), (None, 700, 200), (Some(500), 700, 503), (Some(700), 500, 200)]
    {
        let layer = RedactLayer::new(slow(MILLI * 600).budget(MILLI * redactors).build().unwrap());
        let layer = match layers {
            Some(limit) => layer.budget(MILLI * limit),
            None => layer,
        };
        let model = tower::service_fn(|_| async {
            Ok::<_, std::convert::Infallible>(http::Response::new(http_body_util::Full::new(
                bytes::Bytes::new(),
            )))
        });
        let request = http::Request::post(CHAT)
            .body(http_body_util::Full::new(bytes::Bytes::from(chat("hello"))))
            .unwrap();
        let answer = tower::Layer::layer(&layer, model).oneshot(request).await.unwrap();
        assert_eq!(answer.status(), status);
    }
}

#[tokio::test]
async fn any_json_has_the_budget_too() {
    let layer = RedactLayer::new(slow(MILLI * 1001).build().unwrap()).any_json();
    let model = tower::service_fn(|_| async {
        Ok::<_, std::convert::Infallible>(http::Response::new(http_body_util::Full::new(bytes::Bytes::new())))
    });
    let body = http_body_util::Full::new(bytes::Bytes::from_static(br#"{"note": "hello"}"#));
    let request = http::Request::post("/orders").body(body).unwrap();
    let answer = tower::Layer::layer(&layer, model).oneshot(request).await.unwrap();
    assert_eq!(answer.status(), 503);
}
