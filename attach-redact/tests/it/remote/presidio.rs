//! The wire format is that of `presidio-analyzer/app.py`, for one text and for a batch.

use attach_redact::remote::Presidio;
use bytes::Bytes;
use http::Request;
use serde_json::{Value, json};

use super::server::{Reply, Server, json as body_of};
use super::{called, remote};
use crate::support::chat;

/// Finds the word `Zoë`, as an analyzer would: in characters.
fn analyze(text: &str) -> Value {
    let at = text.find("Zoë").map(|at| text[..at].chars().count());
    let found = at.map(|at| {
        json!({"analysis_explanation": null, "end": at + 3, "entity_type": "PERSON", "score": 0.85, "start": at})
    });
    found.into_iter().collect()
}

fn analyzer(request: &Request<Bytes>) -> Reply {
    Reply::Json(match &body_of(request)["text"] {
        Value::String(text) => analyze(text),
        Value::Array(texts) => texts.iter().map(|text| analyze(text.as_str().unwrap())).collect(),
        other => panic!("{other}"),
    })
}

fn three_texts() -> String {
    json!({"model": "m", "messages": [
        {"role": "system", "content": "Grüße 😀 von Zoë!"},
        {"role": "user", "content": "nobody here"},
        {"role": "user", "content": "Ask Zoë."},
    ]})
    .to_string()
}

#[tokio::test]
async fn a_batch_is_asked_once_and_its_characters_become_bytes() {
    let server = Server::start(analyzer).await;
    let presidio = Presidio::new(&server.url, remote()).unwrap().language("de").score_threshold(0.5);
    let seen = called(presidio.entities(["PERSON"]), &three_texts()).await;
    assert!(!seen.upstream().contains("Zoë"), "{}", seen.upstream());
    assert!(seen.upstream().contains("Grüße 😀 von PII_PERSON_"), "{}", seen.upstream());
    assert_eq!(seen.client, three_texts());
    let [request] = &server.seen()[..] else { panic!("one call") };
    assert_eq!((request.method().as_str(), request.uri().path()), ("POST", "/analyze"));
    let expected = json!({
        "text": ["Grüße 😀 von Zoë!", "nobody here", "Ask Zoë."],
        "language": "de", "score_threshold": 0.5, "entities": ["PERSON"],
    });
    assert_eq!(body_of(request), expected);
}

#[tokio::test]
async fn an_analyzer_without_batches_is_asked_for_each_text() {
    let server = Server::start(analyzer).await;
    let presidio = Presidio::new(&format!("{}/pii/", server.url), remote()).unwrap().batch(false);
    let seen = called(presidio, &three_texts()).await;
    assert!(!seen.upstream().contains("Zoë"), "{}", seen.upstream());
    let mut asked = server.seen();
    assert!(asked.iter().all(|request| request.uri().path() == "/pii/analyze"));
    asked.sort_by_key(|request| request.body().clone());
    let texts: Vec<Value> = asked.iter().map(|request| body_of(request)["text"].clone()).collect();
    assert_eq!(texts, ["Ask Zoë.", "Grüße 😀 von Zoë!", "nobody here"]);
    assert_eq!(body_of(&asked[0]), json!({"text": "Ask Zoë.", "language": "en"}));
}

#[tokio::test]
async fn one_text_is_no_batch_and_an_unknown_entity_is_replaced_under_its_name() {
    let found = json!([{"entity_type": "NRP", "start": 0, "end": 6, "score": 0.6}]);
    let server = Server::answering(found).await;
    let seen = called(Presidio::new(&server.url, remote()).unwrap(), &chat("French cuisine")).await;
    assert!(seen.upstream().contains("PII_NRP_"), "{}", seen.upstream());
    assert_eq!(body_of(&server.seen()[0])["text"], "French cuisine");
}

#[tokio::test]
async fn what_scores_too_little_is_left_alone() {
    let found = json!([{"entity_type": "NRP", "start": 0, "end": 6, "score": 0.1}]);
    let server = Server::answering(found).await;
    let seen = called(Presidio::new(&server.url, remote()).unwrap(), &chat("French cuisine")).await;
    assert!(seen.upstream().contains("French"), "{}", seen.upstream());
}
