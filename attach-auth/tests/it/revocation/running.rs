//! Answers that run when their caller loses the right to them.

use std::time::{Duration, Instant};

use attach_auth::AuthLayer;
use attach_auth::revocation::Effect;
use attach_core::{Exchange, Outcome};
use axum::body::Body;
use http::Request;
use http_body_util::BodyExt;
use tower::ServiceExt;

use super::script::{Connection, Script, Server};
use super::{Facts, Names, user};

const SSE: &str = "text/event-stream";
const NDJSON: &str = "application/x-ndjson";
const CHAT: &str = "/v1/chat/completions";
const OPENAI_EVENT: &str = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\"}}]}\n\n";
const ANTHROPIC_EVENT: &str = "event: ping\ndata: {\"type\":\"ping\"}\n\n";
const OLLAMA_EVENT: &str = "{\"message\":{\"role\":\"assistant\",\"content\":\"a\"},\"done\":false}\n";
const DIALECTS: [(&str, &str, &str); 3] =
    [(CHAT, SSE, OPENAI_EVENT), ("/v1/messages", SSE, ANTHROPIC_EVENT), ("/api/chat", NDJSON, OLLAMA_EVENT)];

/// Whether the answer ended as an answer does, with an event that says `code` in the dialect of `path`.
fn assert_terminal(text: &str, path: &str, code: &str) {
    assert!(text.ends_with("0\r\n\r\n"), "not whole: {text}");
    let code = format!("\"code\":\"{code}\"");
    let expected = match path {
        "/v1/messages" => "event: error\ndata: {",
        "/api/chat" => "\n{\"",
        _ => "data: [DONE]\n\n",
    };
    assert!(text.contains(expected) && text.matches(&code).count() == 1, "{text}");
}

async fn in_time(connection: Connection) -> (String, Duration) {
    let start = Instant::now();
    let text =
        tokio::time::timeout(Duration::from_secs(1), connection.rest()).await.expect("within a second");
    (text, start.elapsed())
}

#[tokio::test]
async fn an_idle_stream_ends_within_a_second_in_an_event_of_its_dialect() {
    for (path, kind, event) in DIALECTS {
        let (facts, script) = (Facts::new().await, Script::default());
        let server = Server::of(script.router(kind, facts.layer())).await;
        let (mut alice, mut bob) = (server.ask("alice", path).await, server.ask("bob", path).await);
        for (name, connection) in [("alice", &mut alice), ("bob", &mut bob)] {
            script.write(name, event).await;
            connection.until(event).await;
        }
        facts.record(user("alice"), Effect::Disabled).await;
        let (text, took) = in_time(alice).await;
        println!("{path}: ended after {took:?}");
        assert_terminal(&text, path, "revoked");
        script.write("bob", event).await;
        script.end("bob");
        let text = bob.rest().await;
        assert!(!text.contains("revoked") && text.matches(event.trim_end()).count() == 2, "{text}");
    }
}

#[tokio::test]
async fn a_busy_stream_ends_between_two_events() {
    for (path, kind, event) in DIALECTS {
        let (facts, script) = (Facts::new().await, Script::default());
        let server = Server::of(script.router(kind, facts.layer())).await;
        let mut alice = server.ask("alice", path).await;
        let writer = {
            let (script, (first, second)) = (script.clone(), event.split_at(event.len() / 2));
            tokio::spawn(async move {
                loop {
                    script.write("alice", first).await;
                    tokio::time::sleep(Duration::from_millis(1)).await;
                    script.write("alice", second).await;
                }
            })
        };
        alice.until(event).await;
        facts.record(user("alice"), Effect::NotBefore(super::at(0))).await;
        let (text, _) = in_time(alice).await;
        writer.abort();
        assert_terminal(&text, path, "revoked");
        let (before, _) = text.split_once("\"code\":\"revoked\"").expect("was found");
        let halves = before.matches(event.split_at(event.len() / 2).0).count();
        assert_eq!(halves, before.matches(event).count(), "no half event before ours: {text}");
    }
}

#[tokio::test]
async fn the_audit_trail_learns_that_the_caller_was_revoked() {
    let (facts, script) = (Facts::new().await, Script::default());
    let mut request =
        Request::post(CHAT).header("authorization", "Bearer alice").body(Body::empty()).expect("a request");
    let exchange = Exchange::of_request(&mut request);
    let response = script.router(SSE, facts.layer()).oneshot(request).await.expect("infallible");
    script.write("alice", OPENAI_EVENT).await;
    let mut body = response.into_body();
    body.frame().await.expect("an event").expect("is whole");
    facts.record(user("alice"), Effect::Disabled).await;
    body.collect().await.expect("ends well");
    assert_eq!(exchange.outcome(), Some(Outcome::Revoked));
    exchange.facts(|facts| assert_eq!(facts.refusal.as_ref().expect("a refusal").code, "revoked"));
}

#[tokio::test]
async fn a_unary_answer_that_runs_goes_whole() {
    let (facts, script) = (Facts::new().await, Script::default());
    let server = Server::of(script.router("application/json; charset=utf-8", facts.layer())).await;
    let mut alice = server.ask("alice", CHAT).await;
    script.write("alice", "{\"choices\":").await;
    alice.until("choices").await;
    facts.record(user("alice"), Effect::Disabled).await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    script.write("alice", "[]}").await;
    script.end("alice");
    let text = alice.rest().await;
    assert!(text.contains("[]}") && text.ends_with("0\r\n\r\n"), "{text}");
}

#[tokio::test]
async fn an_answer_that_begins_after_the_fact_does_not_go_at_all() {
    let facts = Facts::new().await;
    let (layer, revocations) = (facts.layer(), facts.revocations.clone());
    let slow = move || async move {
        let fact = attach_auth::revocation::Fact::new("acme", user("alice"), Effect::Disabled, "test");
        revocations.record(&[fact]).await.expect("is durable");
        "too late"
    };
    let router = axum::Router::new().fallback(slow).layer(layer);
    let request =
        Request::post(CHAT).header("authorization", "Bearer alice").body(Body::empty()).expect("a request");
    assert_eq!(router.oneshot(request).await.expect("infallible").status(), 401);
}

#[tokio::test]
async fn a_stream_of_something_else_is_broken_off_for_want_of_an_event() {
    let (facts, script) = (Facts::new().await, Script::default());
    let server = Server::of(script.router("application/octet-stream", facts.layer())).await;
    let mut alice = server.ask("alice", "/files/1").await;
    script.write("alice", "abc").await;
    alice.until("abc").await;
    facts.record(user("alice"), Effect::Disabled).await;
    let (text, _) = in_time(alice).await;
    assert!(!text.ends_with("0\r\n\r\n"), "it must not look whole: {text}");
}

#[tokio::test]
async fn of_a_thousand_streams_only_the_revoked_one_ends() {
    let (facts, script) = (Facts::new().await, Script::default());
    let router = script.router(SSE, facts.layer());
    let mut running = Vec::new();
    for number in 0..1000 {
        let name = format!("user{number}");
        let request = Request::post(CHAT).header("authorization", format!("Bearer {name}"));
        let response = router.clone().oneshot(request.body(Body::empty()).expect("a request")).await;
        let mut body = response.expect("infallible").into_body();
        script.write(&name, OPENAI_EVENT).await;
        body.frame().await.expect("an event").expect("is whole");
        running.push(tokio::spawn(body.collect()));
    }
    tokio::time::sleep(Duration::from_millis(100)).await;
    let start = Instant::now();
    facts.record(user("user500"), Effect::Disabled).await;
    let rest = tokio::time::timeout(Duration::from_secs(1), &mut running[500]).await.expect("in time");
    println!("1 of 1,000 streams ended after {:?}", start.elapsed());
    let rest = rest.expect("no panic").expect("ends well").to_bytes();
    assert!(String::from_utf8_lossy(&rest).contains("\"code\":\"revoked\""));
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(running.iter().filter(|task| task.is_finished()).count(), 1);
}

#[tokio::test]
async fn a_stream_outlives_its_token_for_a_while_and_no_longer() {
    for (path, kind, event) in DIALECTS {
        // Without any revocations.
        let clock = crate::support::TestClock::default();
        let layer = AuthLayer::new(Names).with_clock(std::sync::Arc::new(clock.clone()));
        let script = Script::default();
        let server = Server::of(script.router(kind, layer.clone())).await;
        let (mut idle, mut busy) = (server.ask("idle", path).await, server.ask("busy", path).await);
        for (name, connection) in [("idle", &mut idle), ("busy", &mut busy)] {
            script.write(name, event).await;
            connection.until(event).await;
        }
        // The token lives for a minute, the stream for five more.
        clock.advance(Duration::from_secs(359));
        layer.sweep();
        script.write("busy", event.replace('a', "b")).await;
        busy.until(&event.replace('a', "b")).await;
        clock.advance(Duration::from_secs(1));
        script.write("busy", event.replace('a', "c")).await;
        let (text, _) = in_time(busy).await;
        assert_terminal(&text, path, "token_expired");
        layer.clone().sweep();
        let (text, _) = in_time(idle).await;
        assert_terminal(&text, path, "token_expired");
    }
}

#[tokio::test]
async fn how_long_a_stream_may_outlive_its_token_can_be_set() {
    let clock = crate::support::TestClock::default();
    let layer = AuthLayer::new(Names).with_clock(std::sync::Arc::new(clock.clone()));
    let layer = layer.max_stream_past_exp(Duration::ZERO);
    let script = Script::default();
    let server = Server::of(script.router(SSE, layer.clone())).await;
    let mut alice = server.ask("alice", CHAT).await;
    script.write("alice", OPENAI_EVENT).await;
    alice.until(OPENAI_EVENT).await;
    clock.advance(Duration::from_secs(60));
    layer.sweep();
    assert_terminal(&in_time(alice).await.0, CHAT, "token_expired");
}

#[tokio::test]
async fn nothing_follows_the_last_event_of_an_answer() {
    let (facts, script) = (Facts::new().await, Script::default());
    let server = Server::of(script.router(SSE, facts.layer())).await;
    let mut alice = server.ask("alice", CHAT).await;
    script.write("alice", format!("{OPENAI_EVENT}data: [DONE]\n\n")).await;
    alice.until("[DONE]").await;
    facts.record(user("alice"), Effect::Disabled).await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    script.end("alice");
    let text = alice.rest().await;
    assert!(!text.contains("revoked"), "{text}");
}
