//! A guardrail of Bedrock's and a webhook, on real sockets.

use attach_redact::remote::Webhook;
use attach_redact::remote::bedrock::{AccessKey, BedrockGuardrails};
use attach_redact::{Inspect, Redactor, Remembering, WhenDown};
use serde_json::{Value, json};

use super::{JSON, ask, judging, kind, stream, told};
use crate::remote::remote;
use crate::remote::server::{Reply, Server, json as body_of};
use crate::support::{CHAT, MESSAGES};

fn guardrail(server: &Server) -> BedrockGuardrails {
    let key = AccessKey::new("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY");
    let guardrail = BedrockGuardrails::new("eu-central-1", "gr1", "1", key, remote()).unwrap();
    guardrail.endpoint(&server.url).unwrap()
}

/// As `ApplyGuardrail` documents: a denied topic, a name that is masked, and an address that is only detected.
async fn bedrock() -> Server {
    Server::start(|request| {
        let text = body_of(request)["content"].to_string();
        let topic = json!({"topicPolicy": {"topics": [{"name": "Poisons", "type": "DENY", "action": "BLOCKED", "detected": true}]}});
        let pii = |action: &str, kind: &str, word: &str| {
            json!({"sensitiveInformationPolicy": {"piiEntities": [{"match": word, "type": kind, "action": action, "detected": true}], "regexes": []}})
        };
        let (action, assessment) = match () {
            () if text.contains("poison") => ("GUARDRAIL_INTERVENED", topic),
            () if text.contains("Nightingale") => ("GUARDRAIL_INTERVENED", pii("ANONYMIZED", "NAME", "Nightingale")),
            () if text.contains("Scutari") => ("NONE", pii("NONE", "ADDRESS", "Scutari")),
            () => ("NONE", json!({})),
        };
        Reply::Json(json!({"usage": {}, "action": action, "outputs": [], "assessments": [assessment]}))
    })
    .await
}

fn message(text: &str) -> String {
    json!({"id": "msg_1", "type": "message", "role": "assistant", "model": "m", "content": [{"type": "text", "text": text}],
        "stop_reason": "end_turn", "stop_sequence": null, "usage": {"input_tokens": 9, "output_tokens": 4}})
    .to_string()
}

#[tokio::test]
async fn a_guardrail_is_asked_about_the_output_and_its_verdict_holds() {
    let server = bedrock().await;
    let redactor = judging(guardrail(&server).of_answers(), WhenDown::Closed);
    let seen = ask(redactor.clone(), MESSAGES, JSON, 9, &message("a poison recipe")).await;
    assert_eq!(serde_json::from_str::<Value>(&seen.client).unwrap()["stop_reason"], "refusal");
    assert_eq!(told(&seen), "200 content_blocked the answer, by bedrock-guardrails: topicPolicy");
    let [request] = &server.seen()[..] else { panic!("it is asked once") };
    assert_eq!(request.uri().path(), "/guardrail/gr1/version/1/apply");
    assert!(request.headers().contains_key("authorization"));
    let asked = body_of(request);
    assert_eq!(
        (&asked["source"], &asked["content"][0]["text"]["text"]),
        (&json!("OUTPUT"), &json!("a poison recipe"))
    );

    let seen = ask(redactor.clone(), MESSAGES, JSON, 9, &message("Nightingale at Scutari")).await;
    assert!(seen.client.contains("*********** at Scutari"), "{}", seen.client);
    let seen = ask(redactor.clone(), MESSAGES, JSON, 9, &message("Scutari")).await;
    assert!(
        seen.client.contains("Scutari"),
        "what is only detected is the guardrail's to judge: {}",
        seen.client
    );

    let seen = ask(redactor, CHAT, kind(CHAT), 9, &stream(CHAT, &["a poi", "son recipe"])).await;
    assert!(seen.client.contains("content_filter") && !seen.client.contains("recipe"), "{}", seen.client);
}

#[tokio::test]
async fn what_is_remembered_of_requests_is_not_said_of_answers() {
    let server = bedrock().await;
    let remembering = |guardrail: BedrockGuardrails| Remembering::new(guardrail, 100).unwrap();
    let redactor = Redactor::builder()
        .key(b"0123456789abcdef")
        .inspector(remembering(guardrail(&server)), WhenDown::Closed)
        .answer_inspector(remembering(guardrail(&server).of_answers()), WhenDown::Closed)
        .build()
        .unwrap();
    for _ in 0..2 {
        ask(redactor.clone(), MESSAGES, JSON, 99, &message("hi")).await;
    }
    let sources: Vec<Value> =
        server.seen().iter().map(|request| body_of(request)["source"].clone()).collect();
    assert_eq!(sources, ["INPUT", "OUTPUT"], "each side once");
}

#[tokio::test]
async fn a_webhook_is_told_that_it_is_an_answer() {
    let server = Server::answering(json!({"findings": [[]], "refuse": ["export control"]})).await;
    let webhook = Webhook::new(&server.url, remote()).unwrap().of_answers();
    assert_eq!(Inspect::name(&webhook), "webhook");
    let seen = ask(judging(webhook, WhenDown::Closed), MESSAGES, JSON, 9, &message("hello")).await;
    assert_eq!(told(&seen), "200 content_blocked the answer, by webhook: export control");
    let [request] = &server.seen()[..] else { panic!("it is asked once") };
    assert_eq!(body_of(request), json!({"source": "answer", "texts": ["hello"]}));
}

#[tokio::test]
async fn a_guardrail_that_is_down_keeps_the_answer_back() {
    let server = Server::start(|_| Reply::Status(500)).await;
    let redactor = judging(guardrail(&server).of_answers(), WhenDown::Closed);
    let seen = ask(redactor.clone(), MESSAGES, JSON, 9, &message("hello")).await;
    assert_eq!(seen.status, 503);
    let seen = ask(redactor, MESSAGES, kind(MESSAGES), 9, &stream(MESSAGES, &["hello"])).await;
    assert!(seen.client.contains("event: error") && !seen.client.contains("hello"), "{}", seen.client);
}
