//! The wire format is that of the API reference of `ApplyGuardrail`, the signature is computed again by its rules.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use attach_redact::Fault;
use attach_redact::remote::bedrock::{AccessKey, BedrockGuardrails, Credentials};
use bytes::Bytes;
use hmac::{Hmac, KeyInit, Mac};
use http::Request;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::server::{Reply, Server, json as body_of};
use super::{called, remote};
use crate::support::{Seen, chat};

const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

fn key() -> AccessKey {
    AccessKey::new("AKIDEXAMPLE", SECRET).session_token("the+token=")
}

fn guardrail(server: &Server, credentials: impl Credentials) -> BedrockGuardrails {
    let guardrail = BedrockGuardrails::new("eu-central-1", "gr1d2e3f4g5h", "7", credentials, remote());
    guardrail.unwrap().endpoint(&server.url).unwrap()
}

async fn asked(server: &Server, message: &str) -> Seen {
    called(guardrail(server, key()), &chat(message)).await
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn mac(key: &[u8], text: &str) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

/// What the server makes of the request's signature, for the service `bedrock`.
fn is_signed(request: &Request<Bytes>, secret: &str) -> bool {
    let header = |name: &str| request.headers().get(name).map_or("", |value| value.to_str().unwrap());
    let authorization = header("authorization");
    let part = |from: &str| authorization.split_once(from).unwrap().1.split(',').next().unwrap();
    let (names, scope) = (part("SignedHeaders="), part("Credential=").split_once('/').unwrap().1);
    assert!(
        ["host", "x-amz-date", "x-amz-security-token", "content-type"]
            .iter()
            .all(|name| { names.split(';').any(|signed| signed == *name) })
    );
    let headers: String = names.split(';').map(|name| format!("{name}:{}\n", header(name))).collect();
    let body = hex(&Sha256::digest(request.body()));
    let canonical = format!("{}\n{}\n\n{headers}\n{names}\n{body}", request.method(), request.uri().path());
    let date = header("x-amz-date");
    assert_eq!(scope, format!("{}/eu-central-1/bedrock/aws4_request", &date[..8]));
    let to_sign = format!("AWS4-HMAC-SHA256\n{date}\n{scope}\n{}", hex(&Sha256::digest(canonical)));
    let start = format!("AWS4{secret}").into_bytes();
    let key = scope.split('/').fold(start, |key, part| mac(&key, part));
    part("Signature=") == hex(&mac(&key, &to_sign))
}

/// An answer with everything the reference lists, for some findings.
fn intervened(pii: &Value, regexes: &Value) -> Value {
    json!({
        "usage": {"topicPolicyUnits": 0, "contentPolicyUnits": 1, "contentPolicyImageUnits": 0, "wordPolicyUnits": 0,
            "sensitiveInformationPolicyUnits": 1, "sensitiveInformationPolicyFreeUnits": 1, "contextualGroundingPolicyUnits": 0},
        "action": "GUARDRAIL_INTERVENED",
        "actionReason": "Guardrail masked.",
        "outputs": [{"text": "{NAME} …"}],
        "assessments": [{
            "contentPolicy": {"filters": [
                {"type": "PROMPT_ATTACK", "confidence": "NONE", "filterStrength": "HIGH", "action": "NONE", "detected": false}]},
            "sensitiveInformationPolicy": {"piiEntities": pii, "regexes": regexes},
            "invocationMetrics": {"guardrailProcessingLatency": 322,
                "guardrailCoverage": {"textCharacters": {"guarded": 84, "total": 84}}},
            "appliedGuardrailDetails": {"guardrailId": "gr1d2e3f4g5h", "guardrailVersion": "7"},
        }],
        "guardrailCoverage": {"textCharacters": {"guarded": 84, "total": 84}},
    })
}

#[tokio::test]
async fn a_call_is_signed_and_what_the_guardrail_masks_is_replaced() {
    let pii = json!([
        {"match": "Zoë Qorvath", "type": "NAME", "action": "ANONYMIZED", "detected": true},
        {"match": "12 Elm Row", "type": "ADDRESS", "action": "NONE", "detected": true},
        {"match": "", "type": "PHONE", "action": "NONE", "detected": false},
    ]);
    let regexes = json!([{"name": "badge number", "match": "QX-7", "regex": "QX-[0-9]", "action": "ANONYMIZED", "detected": true}]);
    let server = Server::answering(intervened(&pii, &regexes)).await;
    let message = "Zoë Qorvath, 12 Elm Row, badge QX-7 (not QX-70). Dear Zoë Qorvath…";
    let seen = asked(&server, message).await;
    for value in ["Zoë", "Qorvath", "Elm"] {
        assert!(!seen.upstream().contains(value), "{}", seen.upstream());
    }
    assert!(seen.upstream().contains("not QX-70"), "only whole words: {}", seen.upstream());
    assert_eq!(seen.client, chat(message));
    assert_eq!((seen.count("PERSON"), seen.count("ADDRESS"), seen.count("BADGE_NUMBER")), (2, 1, 1));
    let [request] = &server.seen()[..] else { panic!("one call") };
    assert_eq!(request.method(), "POST");
    assert_eq!(request.uri().path(), "/guardrail/gr1d2e3f4g5h/version/7/apply");
    assert_eq!(request.headers()["content-type"], "application/json");
    let expected =
        json!({"source": "INPUT", "outputScope": "FULL", "content": [{"text": {"text": message}}]});
    assert_eq!(body_of(request), expected);
    assert!(is_signed(request, SECRET) && !is_signed(request, "another secret"));
    let mut changed = request.clone();
    *changed.body_mut() = Bytes::from_static(b"{}");
    assert!(!is_signed(&changed, SECRET), "the body is signed");
}

#[tokio::test]
async fn what_a_policy_blocks_refuses_the_request_without_a_word_of_it() {
    let blocked = [
        (
            json!({"topicPolicy": {"topics": [{"name": "Fiduciary", "type": "DENY", "action": "BLOCKED", "detected": true}]}}),
            "topicPolicy",
        ),
        (
            json!({"contentPolicy": {"filters": [{"type": "VIOLENCE", "confidence": "HIGH", "filterStrength": "LOW", "action": "BLOCKED", "detected": true}]}}),
            "contentPolicy VIOLENCE",
        ),
        (
            json!({"wordPolicy": {"customWords": [{"match": "moonshot", "action": "BLOCKED"}], "managedWordLists": []}}),
            "wordPolicy",
        ),
        (
            json!({"sensitiveInformationPolicy": {"piiEntities": [{"match": "moonshot", "type": "PASSWORD", "action": "BLOCKED"}], "regexes": []}}),
            "sensitiveInformationPolicy PASSWORD",
        ),
    ];
    for (assessment, named) in blocked {
        let answer = json!({"usage": {}, "action": "GUARDRAIL_INTERVENED", "outputs": [{"text": "no"}], "assessments": [assessment]});
        let server = Server::answering(answer).await;
        let seen = asked(&server, "about moonshot").await;
        assert_eq!((seen.status, &seen.upstream), (400, &None));
        let answer: Value = serde_json::from_str(&seen.client).unwrap();
        assert_eq!(answer["error"]["attach"]["code"], "content_blocked");
        assert!(answer["error"]["message"].as_str().unwrap().ends_with(named), "{answer}");
        assert!(!seen.client.contains("moonshot") && !seen.client.contains("Fiduciary"), "{}", seen.client);
    }
}

#[tokio::test]
async fn a_long_text_is_shown_in_calls_of_the_size_bedrock_takes() {
    let server = Server::start(|request| {
        let content = body_of(request)["content"].clone();
        let texts = content.as_array().unwrap().iter().map(|block| block["text"]["text"].as_str().unwrap());
        let all: Vec<&str> = texts.collect();
        assert!(all.iter().map(|text| text.chars().count()).sum::<usize>() <= 2000);
        if !all.iter().any(|text| text.contains("Zoë Qorvath")) {
            return Reply::Json(json!({"action": "NONE", "assessments": [], "outputs": [], "usage": {}}));
        }
        let pii = json!([{"match": "Zoë Qorvath", "type": "NAME", "action": "ANONYMIZED", "detected": true}]);
        Reply::Json(intervened(&pii, &json!([])))
    })
    .await;
    for before in 390..405 {
        let message = format!("{}Zoë Qorvath {}", "wörd ".repeat(before), "wörd ".repeat(800));
        let seen = called(guardrail(&server, key()).characters(2000), &chat(&message)).await;
        assert!(!seen.upstream().contains("Qorvath"));
        assert_eq!(seen.client, chat(&message));
        assert!((3..=5).contains(&server.seen().len()));
    }
}

#[tokio::test]
async fn credentials_are_asked_for_each_signature_and_without_them_nothing_leaves() {
    let server =
        Server::answering(json!({"action": "NONE", "assessments": [], "outputs": [], "usage": {}})).await;
    let turn = Arc::new(AtomicUsize::new(0));
    let rotating = move || match turn.fetch_add(1, Ordering::SeqCst) {
        0 => Ok(AccessKey::new("FIRST", "one").session_token("t")),
        1 => Ok(AccessKey::new("SECOND", "two").session_token("t")),
        _ => Err(Fault::new("no key")),
    };
    let redactor = super::redactor(guardrail(&server, rotating), attach_redact::WhenDown::Closed);
    let body = chat("hello");
    let mut statuses = Vec::new();
    for _ in 0..3 {
        let call = crate::support::call_in_pieces(
            redactor.clone(),
            crate::support::CHAT,
            &body,
            "application/json",
            99,
            |_| "{}".into(),
        );
        statuses.push(call.await.status);
    }
    assert_eq!(statuses, [200, 200, 503]);
    let asked = server.seen();
    assert_eq!(asked.len(), 2);
    assert!(is_signed(&asked[0], "one") && is_signed(&asked[1], "two"));
}

#[tokio::test]
async fn an_answer_that_is_no_clearance_is_none() {
    let unseen = json!({"action": "NONE", "assessments": [], "guardrailCoverage": {"textCharacters": {"guarded": 1, "total": 5}}});
    let elsewhere = intervened(
        &json!([{"match": "not in it", "type": "NAME", "action": "ANONYMIZED", "detected": true}]),
        &json!([]),
    );
    for reply in [json!({}), json!([]), json!({"message": "throttled"}), unseen, elsewhere] {
        let server = Server::answering(reply.clone()).await;
        let seen = asked(&server, "hello").await;
        assert_eq!((seen.status, &seen.upstream), (503, &None), "{reply}");
    }
    let server = Server::start(|_| Reply::Status(403)).await;
    assert_eq!(asked(&server, "hello").await.status, 503);
}
