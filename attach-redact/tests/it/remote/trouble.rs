//! Servers that do not answer as they should: nothing leaves.

use std::time::Duration;

use attach_core::exchange::Coverage;
use attach_redact::WhenDown;
use attach_redact::remote::{Presidio, Webhook};
use serde_json::json;

use super::server::{Reply, Server};
use super::{PATIENCE, called, redactor, remote};
use crate::support::{CHAT, Seen, call_in_pieces, chat};

fn assert_kept_in(seen: &Seen, what: &str) {
    assert_eq!((seen.status, &seen.upstream), (503, &None), "{what}");
    assert!(seen.client.contains("redaction_failed"), "{what}: {}", seen.client);
    let reason = seen.exchange.facts(|facts| facts.refusal.clone().and_then(|refusal| refusal.reason));
    let reason = reason.expect("the audit trail is told why");
    assert!(!reason.contains("bob"), "{what}: {reason}");
}

#[tokio::test]
async fn a_slow_engine_has_its_deadline() {
    let server = Server::start(|_| Reply::Never).await;
    let hasty = || remote().deadline(Duration::from_millis(50));
    let start = std::time::Instant::now();
    let seen = called(Presidio::new(&server.url, hasty()).unwrap(), &chat("bob")).await;
    assert_kept_in(&seen, "presidio");
    let seen = called(Webhook::new(&server.url, hasty()).unwrap(), &chat("bob")).await;
    assert_kept_in(&seen, "webhook");
    assert!(start.elapsed() < PATIENCE, "the client's own timeout ended it");
}

#[tokio::test]
async fn who_waits_for_a_turn_waits_no_longer_than_the_deadline() {
    let server = Server::start(|_| Reply::Never).await;
    let narrow = remote().concurrency(1).deadline(Duration::from_millis(50));
    let body = json!({"model": "m", "messages": [
        {"role": "user", "content": "bob"}, {"role": "user", "content": "and bob"}]});
    let presidio = Presidio::new(&server.url, narrow).unwrap().batch(false);
    assert_kept_in(&called(presidio, &body.to_string()).await, "no turn");
    assert!(server.seen().len() <= 1, "the second never had its turn");
}

#[tokio::test]
async fn an_answer_that_makes_no_sense_is_none() {
    let long = format!("[{}]", " ".repeat(65 << 10));
    let finding = |start: i64, end: i64, score: f32| {
        json!([{"entity_type": "PERSON", "start": start, "end": end, "score": score}]).to_string()
    };
    let answers = [
        String::new(),
        "not JSON".into(),
        "{}".into(),
        "[[]]".into(),
        long,
        finding(0, 99, 0.9),
        finding(2, 1, 0.9),
        finding(1, 1, 0.9),
        finding(-1, 1, 0.9),
        finding(0, 1, 7.0),
        r#"[{"start":0,"end":1,"score":0.9}]"#.into(),
    ];
    for answer in answers {
        let told = answer.clone();
        let server = Server::start(move |_| Reply::Text(told.clone())).await;
        let seen = called(Presidio::new(&server.url, remote()).unwrap(), &chat("bób")).await;
        assert_kept_in(&seen, &answer);
    }
    for count in [0, 2] {
        let server = Server::answering(json!({"findings": vec![json!([]); count]})).await;
        let seen = called(Webhook::new(&server.url, remote()).unwrap(), &chat("bob")).await;
        assert_kept_in(&seen, "another number of texts");
    }
}

#[tokio::test]
async fn a_server_that_fails_or_is_not_there_keeps_the_request_in() {
    for status in [204, 302, 403, 429, 500] {
        let server = Server::start(move |_| Reply::Status(status)).await;
        let seen = called(Presidio::new(&server.url, remote()).unwrap(), &chat("bob")).await;
        assert_kept_in(&seen, &status.to_string());
    }
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let nobody = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    assert_kept_in(&called(Presidio::new(&nobody, remote()).unwrap(), &chat("bob")).await, "nobody there");
}

#[tokio::test]
async fn open_lets_the_call_go_on_as_partly_looked_at() {
    let server = Server::start(|_| Reply::Status(500)).await;
    let open = redactor(Presidio::new(&server.url, remote()).unwrap(), WhenDown::Open);
    let body = chat("bob@example.org, Zürich");
    let seen = call_in_pieces(open, CHAT, &body, "application/json", usize::MAX, str::to_owned).await;
    assert!(seen.upstream().contains("Zürich") && !seen.upstream().contains("bob@"), "{}", seen.upstream());
    let coverage = seen.exchange.facts(|facts| facts.redaction.as_ref().unwrap().coverage);
    assert_eq!(coverage, Coverage::Partial);
}
