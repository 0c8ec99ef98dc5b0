//! A webhook of somebody's own, on a socket.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use attach_audit::egress::{Egress, SigningKey, Webhook};
use attach_core::client::Client;

use super::server::Server;
use super::{open, record, status, written};
use crate::support::Dir;

#[tokio::test]
async fn batches_are_signed_lines_and_sent_until_the_answer_is_2xx() {
    let calls = AtomicU64::new(0);
    let answers = [429, 500, 204];
    let server = Server::start(move |_| {
        let call = calls.fetch_add(1, Ordering::SeqCst) as usize;
        (*answers.get(call).unwrap_or(&202), String::new())
    });
    let dir = Dir::new();
    let (audit, tail) = open(&dir);
    record(&audit, 10).await;
    audit.close().await;
    drop(audit);
    let (key, client) = (SigningKey::new("a key of a test"), Arc::new(Client::new().expect("a client")));
    let target =
        Webhook::new("own", &format!("{}/in", server.url()), client).expect("a target").signed(key.clone());
    assert!(!format!("{target:?}").contains("/in"));
    let egress = Egress::new(tail, dir.path()).to(Arc::new(target)).expect("a target");
    egress.drain(Duration::from_secs(60)).run().await;

    let seen = server.seen();
    assert_eq!(seen.len(), 3);
    let expected: String = written(&dir).iter().map(|line| format!("{line}\n")).collect();
    let first: serde_json::Value = serde_json::from_str(&written(&dir)[0]).expect("JSON");
    for one in &seen {
        assert_eq!((&*one.method, &*one.uri), ("POST", "/in"));
        assert_eq!(one.text(), expected);
        assert_eq!(one.header("content-type"), "application/x-ndjson");
        assert_eq!(one.header("webhook-id"), first["id"].as_str().expect("text"));
        let parts = [one.header("webhook-id"), ".", one.header("webhook-timestamp"), ".", one.text()];
        assert_eq!(one.header("webhook-signature"), key.sign(&parts.map(str::as_bytes)));
    }
}

#[tokio::test]
async fn without_a_key_there_is_no_signature() {
    let server = Server::start(|_| (200, String::new()));
    let dir = Dir::new();
    let (audit, tail) = open(&dir);
    audit.close().await;
    drop(audit);
    let target =
        Webhook::new("own", &server.url(), Arc::new(Client::new().expect("a client"))).expect("a target");
    let egress = Egress::new(tail, dir.path()).to(Arc::new(target)).expect("a target");
    egress.run().await;
    assert_eq!(server.seen()[0].header("webhook-signature"), "");
    assert_eq!(status(&egress).sent, 2);
}
