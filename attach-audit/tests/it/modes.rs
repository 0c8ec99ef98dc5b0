//! When the inner service is called, and what an answer waits for.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use attach_audit::{Audit, Memory, Mode};
use axum::Router;
use axum::middleware::from_fn;
use axum::routing::post;

use crate::support::{Wire, alice, eventually, kinds, parsed, serve};

/// A service that counts its calls.
async fn counting(audit: &Audit) -> (std::net::SocketAddr, Arc<AtomicU32>) {
    let calls = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&calls);
    let handler = async move || {
        counted.fetch_add(1, Ordering::SeqCst);
        "done"
    };
    let router = Router::new()
        .route("/work", post(handler))
        .route("/livez", post(async || "alive"))
        .layer(audit.intent_layer())
        .layer(from_fn(alice))
        .layer(audit.layer());
    (serve(router).await, calls)
}

#[tokio::test]
async fn strict_calls_nobody_before_the_intent_is_durable() {
    let records = Memory::manual();
    let (addr, calls) = counting(&Audit::new(records.clone())).await;
    let mut client = Wire::post(addr, "/work").await;
    eventually("the intent is there", || records.held() == 1).await;
    assert!(client.lacks("HTTP").await);
    assert_eq!(calls.load(Ordering::SeqCst), 0);
    records.release();
    eventually("the outcome is there", || records.held() == 1).await;
    assert_eq!(calls.load(Ordering::SeqCst), 1);
    records.release();
    client.until("done").await;

    let records = parsed(&records);
    assert_eq!(records[1]["intent_id"], records[0]["id"]);
    assert_eq!(records[0]["req_id"], records[1]["req_id"]);
    assert_eq!((&records[0]["mode"], &records[1]["mode"]), (&"strict".into(), &"strict".into()));
    assert!(records[1]["timing"]["audit_wait_ms"].as_f64().is_some());
}

#[tokio::test]
async fn strict_refuses_when_the_intent_fails() {
    let records = Memory::new();
    records.set_failing(true);
    let (addr, calls) = counting(&Audit::new(records.clone())).await;
    let mut client = Wire::post(addr, "/work").await;
    let answer = client.until("audit_unavailable").await.to_owned();
    assert!(answer.starts_with("HTTP/1.1 503"), "{answer}");
    assert!(answer.to_lowercase().contains("retry-after: 1"), "{answer}");
    assert_eq!(calls.load(Ordering::SeqCst), 0);

    records.set_failing(false);
    Wire::post(addr, "/work").await.until("done").await;
}

#[tokio::test]
async fn overlap_calls_at_once_but_answers_only_after_the_intent() {
    let records = Memory::manual();
    let (addr, calls) = counting(&Audit::new(records.clone()).mode(Mode::Overlap)).await;
    let mut client = Wire::post(addr, "/work").await;
    eventually("the inner service was called", || calls.load(Ordering::SeqCst) == 1).await;
    assert!(client.lacks("HTTP").await);
    assert_eq!(kinds(&parsed(&records)), ["intent"]);
    records.release();
    eventually("the outcome is there", || records.held() == 1).await;
    records.release();
    client.until("done").await;
}

#[tokio::test]
async fn overlap_answers_503_when_the_intent_fails() {
    let records = Memory::manual();
    let (addr, calls) = counting(&Audit::new(records.clone()).mode(Mode::Overlap)).await;
    let mut client = Wire::post(addr, "/work").await;
    eventually("the inner service was called", || calls.load(Ordering::SeqCst) == 1).await;
    records.fail();
    client.until("503").await;
}

#[tokio::test]
async fn a_full_queue_refuses_and_takes_again_when_there_is_room() {
    let records = Memory::manual();
    let (addr, calls) = counting(&Audit::new(records.clone()).slots(1)).await;
    let mut first = Wire::post(addr, "/work").await;
    eventually("the first has its place", || records.held() == 1).await;
    let answer = Wire::post(addr, "/work").await.until("audit_unavailable").await.to_owned();
    assert!(answer.starts_with("HTTP/1.1 503"), "{answer}");
    assert_eq!(calls.load(Ordering::SeqCst), 0);

    records.release();
    eventually("the outcome is there", || records.held() == 1).await;
    records.release();
    first.until("done").await;
    let mut third = Wire::post(addr, "/work").await;
    eventually("the third has its place", || records.held() == 1).await;
    records.release();
    eventually("the outcome is there", || records.held() == 1).await;
    records.release();
    third.until("done").await;
}

#[tokio::test]
async fn a_full_queue_in_relaxed_mode_is_counted_as_a_gap() {
    let records = Memory::manual();
    let audit = Audit::new(records.clone()).mode(Mode::Relaxed).slots(1);
    let (addr, _) = counting(&audit).await;
    Wire::post(addr, "/work").await.until("done").await;
    Wire::post(addr, "/work").await.until("done").await;
    let close = tokio::spawn(async move { audit.close().await });
    eventually("the stop record is there", || parsed(&records).iter().any(|r| r["kind"] == "stop")).await;
    records.release();
    close.await.expect("closed");
    let records = parsed(&records);
    let gap = records.iter().find(|record| record["kind"] == "gap").expect("a gap");
    assert_eq!((&gap["fold"]["n"], &gap["decision"]["reason"]), (&1.into(), &"queue_full".into()));
}

#[tokio::test]
async fn an_exempt_path_leaves_no_record_and_needs_none() {
    let records = Memory::new();
    records.set_failing(true);
    let (addr, _) = counting(&Audit::new(records.clone()).exempt(["/livez"])).await;
    Wire::post(addr, "/livez").await.until("alive").await;
    Wire::post(addr, "/livez?x").await.until("alive").await;
    assert!(records.lines().is_empty());
}

#[tokio::test]
async fn an_intent_layer_alone_refuses() {
    let audit = Audit::new(Memory::new());
    let router = Router::new().route("/work", post(async || "done")).layer(audit.intent_layer());
    Wire::post(serve(router).await, "/work").await.until("layer_misconfigured").await;
}

#[tokio::test]
async fn records_name_ids_and_no_people() {
    let records = Memory::new();
    let (addr, _) = counting(&Audit::new(records.clone())).await;
    let secret = "POST /work?token=hunter2 HTTP/1.1\r\nhost: t\r\nauthorization: Bearer hunter2\r\ncontent-length: 7\r\n\r\nhunter2";
    Wire::send(addr, secret).await.until("done").await;
    let lines = records.lines().join("\n");
    assert!(lines.contains("00u-alice") && lines.contains("\"directory\":\"acme\""), "{lines}");
    for hidden in ["hunter2", "alice@example.test", "Alice Example"] {
        assert!(!lines.contains(hidden), "{lines}");
    }
}
