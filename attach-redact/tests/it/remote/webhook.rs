use attach_redact::remote::Webhook;
use serde_json::json;

use super::server::{Server, json as body_of};
use super::{called, remote};
use crate::support::chat;

#[tokio::test]
async fn it_gets_every_text_at_once_and_shows_who_asks() {
    let body = json!({"model": "m", "messages": [
        {"role": "system", "content": "é Nightingale"}, {"role": "user", "content": "hello"}]});
    let found = json!({"findings": [[{"start": 2, "end": 13, "entity": "PROJECT", "score": 0.9}], []]});
    let server = Server::answering(found).await;
    let webhook = Webhook::new(&format!("{}/find", server.url), remote()).unwrap().bearer("s3cret").unwrap();
    let seen = called(webhook, &body.to_string()).await;
    assert!(seen.upstream().contains("é PII_PROJECT_"), "{}", seen.upstream());
    assert_eq!(seen.client, body.to_string());
    let [request] = &server.seen()[..] else { panic!("one call") };
    assert_eq!(request.uri().path(), "/find");
    assert_eq!(request.headers()["authorization"], "Bearer s3cret");
    assert_eq!(body_of(request), json!({"texts": ["é Nightingale", "hello"]}));
}

#[tokio::test]
async fn it_may_refuse() {
    let server = Server::answering(json!({"findings": [[]], "refuse": ["export control"]})).await;
    let seen = called(Webhook::new(&server.url, remote()).unwrap(), &chat("hello")).await;
    assert_eq!((seen.status, &seen.upstream), (400, &None));
    assert!(
        seen.client.contains("content_blocked") && seen.client.contains("export control"),
        "{}",
        seen.client
    );
}

#[test]
fn a_secret_that_no_header_can_have_is_refused_at_start() {
    assert!(Webhook::new("http://x/", remote()).unwrap().bearer("a\nb").is_err());
}
