//! What the upstream gets to see.

use attach_core::destination::{Candidate, Destination, Labels};
use attach_core::{Body, Exchange};
use attach_redact::RedactLayer;
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use serde_json::{Value, json};
use std::convert::Infallible;
use std::sync::Arc;
use tower::{Layer, ServiceExt, service_fn};

use crate::support::{CHAT, MESSAGES, OLLAMA, RESPONSES, call, chat, placeholders, redactor};

const JSON: &str = "application/json";

async fn upstream(path: &str, body: &Value) -> Value {
    let seen = call(path, &body.to_string(), JSON, |_| "{}".into()).await;
    assert_eq!(seen.status, 200, "{}", seen.client);
    serde_json::from_str(seen.upstream()).unwrap()
}

#[tokio::test]
async fn every_string_of_a_chat_is_looked_at() {
    let mail = "bob@example.org";
    let body = json!({
        "model": "m",
        "user": mail,
        "metadata": {"about": mail, "bob@example.org": "x"},
        "stop": [mail],
        "messages": [
            {"role": "system", "content": mail, "name": "Zbigniew Nowak"},
            {"role": "user", "content": [{"type": "text", "text": mail}]},
            {"role": "assistant", "content": null, "refusal": mail, "tool_calls": [
                {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{\"to\":\"bob@example.org\"}"}}
            ]},
            {"role": "tool", "tool_call_id": "c1", "content": mail},
            {"role": "user", "content": "x", "x_unknown": {"deep": [mail]}},
        ],
        "tools": [{"type": "function", "function": {
            "name": "f", "description": mail,
            "parameters": {"type": "object", "properties": {"p": {"type": "string", "description": mail}}},
        }}],
    });
    let sent = upstream(CHAT, &body).await;
    let text = sent.to_string();
    assert!(!text.contains("bob@") && !text.contains("Nowak"), "{text}");
    assert_eq!(sent["messages"][0]["role"], "system");
    assert_eq!(sent["model"], "m");
    assert_eq!(sent["messages"][2]["tool_calls"][0]["id"], "c1");
}

#[tokio::test]
async fn every_string_of_anthropic_messages_is_looked_at() {
    let mail = "bob@example.org";
    let body = json!({
        "model": "m", "max_tokens": 5,
        "system": [{"type": "text", "text": mail}],
        "metadata": {"user_id": mail},
        "messages": [
            {"role": "user", "content": mail},
            {"role": "assistant", "content": [{"type": "tool_use", "id": "t1", "name": "f", "input": {"to": mail, "phone": 4155552671_u64}}]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t1", "content": [{"type": "text", "text": mail}]}]},
        ],
    });
    let sent = upstream(MESSAGES, &body).await;
    let text = sent.to_string();
    assert!(!text.contains("bob@") && !text.contains("4155552671"), "{text}");
    assert!(sent["messages"][1]["content"][0]["input"]["phone"].as_str().unwrap().starts_with("PII_PHONE_"));
}

#[tokio::test]
async fn every_string_of_the_other_two_is_looked_at() {
    let mail = "bob@example.org";
    let responses = json!({"model": "m", "instructions": mail, "input": [
        {"role": "user", "content": [{"type": "input_text", "text": mail}]},
        {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{\"a\":[\"bob@example.org\"]}"},
        {"type": "function_call_output", "call_id": "c", "output": mail},
    ]});
    let ollama = json!({"model": "m", "messages": [
        {"role": "user", "content": mail},
        {"role": "assistant", "content": "", "tool_calls": [{"function": {"name": "f", "arguments": {"to": mail}}}]},
    ]});
    for (path, body) in [(RESPONSES, responses), (OLLAMA, ollama)] {
        let sent = upstream(path, &body).await.to_string();
        assert!(!sent.contains("bob@"), "{sent}");
        assert!(placeholders(&sent).len() >= 2, "{sent}");
    }
}

#[tokio::test]
async fn the_bytes_around_a_finding_stay_as_they_were() {
    let body = r#"{ "model":"m" ,"temperature":1.50,"x":[1e2],"messages":[{"content":"to \"bob@example.org\"\u00e9","role":"user"}]}"#;
    let seen = call(CHAT, body, JSON, |_| "{}".into()).await;
    let placeholder = placeholders(seen.upstream()).remove(0);
    let expected = body.replace("bob@example.org", &placeholder).replace(r"\u00e9", "é");
    assert_eq!(seen.upstream(), expected);
}

#[tokio::test]
async fn clean_requests_and_their_answers_pass_byte_for_byte() {
    let body = r#"{"model":"m","messages":[{"role":"user","content":"What is a monad?"}]}"#;
    let seen = call(CHAT, body, JSON, |_| r#"{ "odd" : "PII_EMAIL_k7f3q2ab" }"#.into()).await;
    assert_eq!(seen.upstream(), body);
    assert_eq!(seen.client, r#"{ "odd" : "PII_EMAIL_k7f3q2ab" }"#);
}

#[tokio::test]
async fn escapes_hide_nothing() {
    let body = r#"{"model":"m","messages":[{"role":"user","content":"bob\u0040example.org and contact:\nalice@example.org"}]}"#;
    let seen = call(CHAT, body, JSON, |_| "{}".into()).await;
    let sent: Value = serde_json::from_str(seen.upstream()).unwrap();
    let text = sent["messages"][0]["content"].as_str().unwrap();
    assert!(text.contains("contact:\nPII_EMAIL_") && text.starts_with("PII_EMAIL_"), "{text}");
}

#[tokio::test]
async fn a_name_found_in_one_message_is_replaced_in_all() {
    let body = json!({"model": "m", "messages": [
        {"role": "user", "content": "summarise what Quetzalina did"},
        {"role": "user", "content": "My name is Quetzalina Overbeck."},
        {"role": "user", "content": "```\nauthor = \"Quetzalina Overbeck\"\n```"},
    ]});
    let sent = upstream(CHAT, &body).await.to_string();
    assert!(!sent.contains("Quetzalina") && !sent.contains("Overbeck"), "{sent}");
}

#[tokio::test]
async fn the_same_value_has_the_same_placeholder_across_turns_and_another_for_another_caller() {
    let first = call(CHAT, &chat("I am bob@example.org"), JSON, |_| "{}".into()).await;
    let second =
        call(CHAT, &chat("again: bob@example.org, and Bob@example.org"), JSON, |_| "{}".into()).await;
    let (first, second) = (placeholders(first.upstream()), placeholders(second.upstream()));
    assert_eq!(first[0], second[0]);
    assert_ne!(second[0], second[1], "two spellings, two placeholders");
}

#[tokio::test]
async fn a_trusted_destination_gets_the_request_as_it_is() {
    let labels = |trusted| {
        let mut labels = Labels::default();
        labels.trusted = trusted;
        Arc::new(labels)
    };
    for (destination, trusted) in [
        (Destination::new(vec![Candidate::new("in", "m", labels(true))]), true),
        (
            Destination::new(vec![
                Candidate::new("in", "m", labels(true)),
                Candidate::new("out", "m", labels(false)),
            ]),
            false,
        ),
        (Destination::default(), false),
    ] {
        let model = service_fn(|request: Request<Body>| async move {
            let body = request.into_body().collect().await.unwrap().to_bytes();
            Ok::<_, Infallible>(Response::new(Full::new(body)))
        });
        let request: Request<Full<Bytes>> =
            Request::post(CHAT).extension(destination).body(Full::from(chat("bob@example.org"))).unwrap();
        let answer = RedactLayer::new(redactor()).layer(model).oneshot(request).await.unwrap();
        let sent = answer.into_body().collect().await.unwrap().to_bytes();
        assert_eq!(String::from_utf8_lossy(&sent).contains("bob@example.org"), trusted);
    }
}

#[tokio::test]
async fn what_is_no_call_passes() {
    let model = service_fn(|request: Request<Body>| async move {
        Ok::<_, Infallible>(Response::new(request.into_body()))
    });
    let mut request: Request<Full<Bytes>> = Request::get("/v1/models").body(Full::default()).unwrap();
    let exchange = Exchange::of_request(&mut request);
    let answer = RedactLayer::new(redactor()).layer(model).oneshot(request).await.unwrap();
    assert_eq!(answer.status(), 200);
    assert!(exchange.facts(|facts| facts.redaction.is_none()));
}
