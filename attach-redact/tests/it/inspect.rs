//! What is found somewhere else.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use attach_core::Outcome;
use attach_core::exchange::Coverage;
use attach_redact::{
    Action, Builder, Entity, Fault, Finding, Inspect, Inspection, RedactError, Redactor, Scope, WhenDown,
};
use proptest::prelude::{ProptestConfig, prop, prop_assert, prop_assert_eq, proptest};
use serde_json::{Value, json};

use crate::support::{CHAT, MESSAGES, OLLAMA, Seen, call_in_pieces, chat, placeholders};

const JSON: &str = "application/json";

/// Finds words.
struct Finds(Vec<(&'static str, Entity)>);

impl Inspect for Finds {
    async fn inspect(&self, texts: &[&str]) -> Result<Inspection, Fault> {
        tokio::task::yield_now().await;
        let mut seen = Inspection::new();
        for (index, text) in texts.iter().enumerate() {
            for (word, entity) in &self.0 {
                for (at, word) in text.match_indices(word) {
                    seen.found(index, Finding::new(at..at + word.len(), entity.clone(), 0.9));
                }
            }
        }
        Ok(seen)
    }
}

fn project() -> Entity {
    Entity::custom("PROJECT").unwrap()
}

fn builder() -> Builder {
    Redactor::builder().key(b"0123456789abcdef")
}

fn finding(words: &[(&'static str, Entity)]) -> Redactor {
    builder().inspector(Finds(words.to_vec()), WhenDown::Closed).build().unwrap()
}

async fn called(redactor: Redactor, body: &str) -> Seen {
    call_in_pieces(redactor, CHAT, body, JSON, usize::MAX, str::to_owned).await
}

#[tokio::test]
async fn escapes_hide_nothing_from_it() {
    let redactor = finding(&[("Nightingale", project()), ("Xylia Qorvath", Entity::Person)]);
    let nearly = r#"{"code":"\u004eightingale","code":"Xylia\u0020\\u0051orvath"#;
    let body = json!({"model": "m", "messages": [
        {"role": "user", "content": "Ask Xylia Qorvath."},
        {"role": "assistant", "content": "", "tool_calls": [{"id": "c", "type": "function", "function":
            {"name": "f", "arguments": nearly}}]},
        {"role": "tool", "tool_call_id": "c", "content": nearly},
    ]});
    let seen = called(redactor.clone(), &body.to_string()).await;
    assert_eq!(seen.upstream().matches("PII_PROJECT_").count(), 2, "{}", seen.upstream());
    assert_eq!(seen.upstream().matches("PII_PERSON_").count(), 3, "{}", seen.upstream());
    assert!(!seen.upstream().contains("orvath"), "{}", seen.upstream());
    let text = r"about \u004eightingale";
    let redacted = redactor.inspect_text(&Scope::anonymous(), text).await.unwrap();
    assert!(redacted.text().starts_with("about PII_PROJECT_"), "{}", redacted.text());
    assert_eq!(redacted.restore(redacted.text()), text);
}

#[tokio::test]
async fn it_is_replaced_and_restored_wherever_it_stands() {
    let body = json!({"model": "m", "messages": [
        {"role": "user", "content": "bob@example.org leads Nightingale – ask Xylia Qorvath"},
        {"role": "assistant", "content": "", "tool_calls": [{"id": "c", "type": "function", "function":
            {"name": "f", "arguments": "{\"code\":\"Nightingale\",\"who\":\"Qorvath\"}"}}]},
    ]});
    let redactor = finding(&[("Nightingale", project()), ("Xylia Qorvath", Entity::Person)]);
    let seen = called(redactor, &body.to_string()).await;
    let sent = seen.upstream();
    for value in ["Nightingale", "Xylia", "Qorvath", "bob@"] {
        assert!(!sent.contains(value), "{sent}");
        assert!(seen.client.contains(value), "{}", seen.client);
    }
    assert_eq!((seen.count("PROJECT"), seen.count("EMAIL_ADDRESS")), (2, 1));
}

#[tokio::test]
async fn it_is_treated_as_its_entity_says() {
    let words = [("alpha", "A_MASKED"), ("bravo", "A_SHADOW"), ("zulu", "AN_ALLOWED"), ("delta", "A_HASHED")];
    let words = words.map(|(word, name)| (word, Entity::custom(name).unwrap()));
    let [masked, shadow, allowed, hashed] = words.clone().map(|(_, entity)| entity);
    let redactor = builder()
        .entity(masked, Action::Mask)
        .entity(shadow, Action::Shadow)
        .entity(allowed, Action::Allow)
        .entity(hashed, Action::Hash)
        .inspector(Finds(words.to_vec()), WhenDown::Closed)
        .build()
        .unwrap();
    let seen = called(redactor, &chat("alpha bravo zulu delta")).await;
    assert!(seen.upstream().contains("***** bravo zulu HASH_A_HASHED_"), "{}", seen.upstream());
    assert_eq!((seen.count("A_SHADOW"), seen.count("AN_ALLOWED")), (1, 0));

    let blocking = builder()
        .entity(project(), Action::Block)
        .inspector(Finds(vec![("alpha", project())]), WhenDown::Closed);
    let seen = called(blocking.build().unwrap(), &chat("alpha")).await;
    assert_eq!((seen.status, &seen.upstream), (400, &None));
    assert!(seen.client.contains("PROJECT at $.messages[0].content"), "{}", seen.client);
}

#[tokio::test]
async fn a_short_value_is_shown_with_its_key_and_a_number_is_replaced_whole() {
    let body = json!({"model": "m", "messages": [{"role": "user", "content": "x"}],
        "metadata": {"badge": "QX-7", "number": 123_456_789}});
    let redactor = finding(&[("badge: QX", project()), ("456", project())]);
    let seen = called(redactor, &body.to_string()).await;
    let sent: Value = serde_json::from_str(seen.upstream()).unwrap();
    let badge = sent["metadata"]["badge"].as_str().unwrap();
    assert!(badge.starts_with("PII_PROJECT_") && badge.ends_with("-7"), "the key is no part of it: {badge}");
    assert!(sent["metadata"]["number"].as_str().unwrap().starts_with("PII_PROJECT_"), "{sent}");
    assert!(seen.client.contains("QX-7"), "{}", seen.client);
}

#[tokio::test]
async fn a_look_alike_of_a_placeholder_in_the_same_text_hides_nothing() {
    let redactor = finding(&[("Nightingale", project()), ("😀", project())]);
    let first = called(redactor.clone(), &chat("Nightingale")).await;
    let [ours] = <[String; 1]>::try_from(placeholders(first.upstream())).unwrap();
    for text in [
        format!("{ours} before Nightingale"),
        format!("Nightingale, {ours} Nightingale {ours}😀"),
        format!("é{ours}Nightingale"),
    ] {
        let seen = called(redactor.clone(), &chat(&text)).await;
        assert!(!seen.upstream().contains("Nightingale"), "{}", seen.upstream());
        assert!(!seen.upstream().contains("😀"), "{}", seen.upstream());
        assert_eq!(seen.client, chat(&text));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn whatever_stands_around_it_nothing_of_it_leaves_and_all_comes_back(
        parts in prop::collection::vec(0..8_usize, 1..12)
    ) {
        static REDACTOR: OnceLock<Redactor> = OnceLock::new();
        let redactor = REDACTOR.get_or_init(|| finding(&[("Nightingale", project()), ("Ωμέγα", project())]));
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let inspect = |text: String| runtime.block_on(async {
            let redacted = redactor.inspect_text(&Scope::anonymous(), &text).await.unwrap();
            (redacted.text().to_owned(), redacted.restore(redacted.text()))
        });
        let (ours, _) = inspect("Nightingale".to_owned());
        let parts: String = parts
            .into_iter()
            .map(|part| ["Nightingale", "Ωμέγα", &ours, "PII_", "PII\\_PROJECT_", " ", "é", "bob@example.org "][part])
            .collect();
        let (sent, restored) = inspect(parts.clone());
        prop_assert!(!sent.contains("Nightingale") && !sent.contains("Ωμέγα"), "{parts} became {sent}");
        prop_assert_eq!(restored, parts);
    }
}

struct Refuses;

impl Inspect for Refuses {
    async fn inspect(&self, _: &[&str]) -> Result<Inspection, Fault> {
        let mut seen = Inspection::new();
        seen.refuse("topicPolicy");
        seen.refuse("topicPolicy");
        Ok(seen)
    }
}

#[tokio::test]
async fn a_refusal_names_the_rule_in_the_callers_dialect() {
    for (path, pointer) in [(CHAT, "/error/attach/code"), (MESSAGES, "/error/code"), (OLLAMA, "/code")] {
        let redactor = builder().inspector(Refuses, WhenDown::Open).build().unwrap();
        let body =
            json!({"model": "m", "max_tokens": 5, "messages": [{"role": "user", "content": "secret plans"}]});
        let seen = call_in_pieces(redactor, path, &body.to_string(), JSON, 99, |_| "{}".into()).await;
        assert_eq!((seen.status, &seen.upstream), (400, &None));
        let answer: Value = serde_json::from_str(&seen.client).unwrap();
        assert_eq!(answer.pointer(pointer).unwrap(), "content_blocked");
        assert!(seen.client.contains("by topicPolicy\""), "{}", seen.client);
        assert!(!seen.client.contains("plans"), "{}", seen.client);
        assert_eq!(seen.exchange.outcome(), Some(Outcome::Blocked));
    }
}

struct Broken;

impl Inspect for Broken {
    async fn inspect(&self, _: &[&str]) -> Result<Inspection, Fault> {
        Err(Fault::new("down since noon"))
    }
}

struct Nowhere(usize, std::ops::Range<usize>);

impl Inspect for Nowhere {
    async fn inspect(&self, _: &[&str]) -> Result<Inspection, Fault> {
        let mut seen = Inspection::new();
        seen.found(self.0, Finding::new(self.1.clone(), Entity::Person, 1.0));
        Ok(seen)
    }
}

#[tokio::test]
async fn without_an_answer_that_makes_sense_nothing_leaves() {
    for (index, range) in [(1, 0..1), (0, 0..99), (0, 1..2), (0, usize::MAX - 1..usize::MAX)] {
        let redactor = builder().inspector(Nowhere(index, range), WhenDown::Closed).build().unwrap();
        let seen = called(redactor, &chat("é")).await;
        assert_eq!((seen.status, &seen.upstream), (503, &None));
    }
    // One that is well does not make up for one that is not.
    let redactor =
        builder().inspector(Finds(Vec::new()), WhenDown::Closed).inspector(Broken, WhenDown::Closed);
    let seen = called(redactor.build().unwrap(), &chat("hi")).await;
    assert_eq!((seen.status, &seen.upstream), (503, &None));
    assert!(seen.client.contains("redaction_failed") && !seen.client.contains("noon"), "{}", seen.client);
}

#[tokio::test]
async fn open_goes_on_with_what_was_found_otherwise_and_says_that_it_is_not_all() {
    let redactor = builder()
        .inspector(Broken, WhenDown::Open)
        .inspector(Finds(vec![("Nightingale", project())]), WhenDown::Closed)
        .build()
        .unwrap();
    let seen = called(redactor, &chat("Nightingale, bob@example.org")).await;
    assert_eq!(seen.status, 200);
    assert!(
        !seen.upstream().contains("Nightingale") && !seen.upstream().contains("bob@"),
        "{}",
        seen.upstream()
    );
    let coverage = |seen: &Seen| seen.exchange.facts(|facts| facts.redaction.as_ref().unwrap().coverage);
    assert_eq!(coverage(&seen), Coverage::Partial);
    let seen = called(finding(&[]), &chat("hi")).await;
    assert_eq!(coverage(&seen), Coverage::Full);
}

/// Never answers; counts who asked and who gave up.
#[derive(Clone, Default)]
struct Waits(Arc<AtomicUsize>, Arc<AtomicUsize>);

struct GivenUp(Arc<AtomicUsize>);

impl Drop for GivenUp {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

impl Inspect for Waits {
    async fn inspect(&self, _: &[&str]) -> Result<Inspection, Fault> {
        self.0.fetch_add(1, Ordering::SeqCst);
        let _given_up = GivenUp(Arc::clone(&self.1));
        std::future::pending().await
    }
}

#[tokio::test]
async fn who_leaves_is_waited_for_no_longer() {
    let waits = Waits::default();
    let redactor = builder().inspector(waits.clone(), WhenDown::Closed).build().unwrap();
    let body = chat("hi");
    let mut call = Box::pin(called(redactor, &body));
    while waits.0.load(Ordering::SeqCst) == 0 {
        tokio::select! {
            biased;
            _ = &mut call => panic!("nobody answered"),
            () = tokio::task::yield_now() => {}
        }
    }
    drop(call);
    assert_eq!(waits.1.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn what_is_refused_before_or_says_nothing_is_not_shown() {
    let waits = Waits::default();
    let redactor = builder().inspector(waits.clone(), WhenDown::Closed).build().unwrap();
    let image = json!({"model": "m", "messages": [{"role": "user", "content": [
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}]}]});
    assert_eq!(called(redactor.clone(), &image.to_string()).await.status, 422);
    assert_eq!(called(redactor, &chat("… !?")).await.status, 200);
    assert_eq!(waits.0.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_text_of_ones_own_is_never_redacted_without_its_inspectors() {
    let redactor = finding(&[("Nightingale", project())]);
    let text = "Nightingale, bob@example.org";
    let Err(RedactError::Fault(fault)) = redactor.redact_text(&Scope::anonymous(), text) else {
        panic!("it cannot wait for them")
    };
    assert!(fault.to_string().contains("inspect_text"));
    let redacted = redactor.inspect_text(&Scope::anonymous(), text).await.unwrap();
    assert!(!redacted.text().contains("Nightingale") && !redacted.text().contains("bob@"));
    assert_eq!(redacted.restore(redacted.text()), text);
    let refusing = builder().inspector(Refuses, WhenDown::Closed).build().unwrap();
    let refused = refusing.inspect_text(&Scope::anonymous(), text).await.unwrap_err();
    assert_eq!(refused.to_string(), "blocked by topicPolicy");
}
