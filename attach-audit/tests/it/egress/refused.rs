//! Batches that a receiver does not accept.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use attach_audit::egress::{Egress, Webhook};
use attach_core::client::Client;
use serde_json::Value;

use super::server::Server;
use super::{open, record, status, until, written};
use crate::support::Dir;

/// The record that some receivers do not like.
const DISLIKED: &str = "\"admin-7\"";

fn webhook(server: &Server) -> Arc<Webhook> {
    let client = Arc::new(Client::new().expect("a client"));
    Arc::new(Webhook::new("own", &server.url(), client).expect("a target"))
}

#[tokio::test]
async fn a_record_that_is_refused_again_and_again_is_put_aside_and_on_record_and_the_others_arrive() {
    let server =
        Server::start(|seen| (if seen.text().contains(DISLIKED) { 400 } else { 204 }, String::new()));
    let dir = Dir::new();
    let (audit, tail) = open(&dir);
    record(&audit, 20).await;
    let egress = Egress::new(tail, dir.path()).to(webhook(&server)).expect("a target").recording(&audit);
    let working = async {
        until("it is put aside", || status(&egress).put_aside == 1).await;
        audit.close().await;
    };
    tokio::join!(egress.run(), working);

    let all = written(&dir);
    let disliked = all.iter().find(|line| line.contains(DISLIKED)).expect("it is in the log");
    let taken = server.seen().into_iter().filter(|seen| !seen.text().contains(DISLIKED));
    let taken: String = taken.map(|seen| seen.text().to_owned()).collect();
    let expected: Vec<_> = all.iter().filter(|line| *line != disliked).collect();
    assert_eq!(taken.lines().collect::<Vec<_>>(), expected, "once, and in order");

    let file = fs::read_to_string(dir.path().join("egress-own.refused")).expect("there");
    assert!(file.lines().count() == 1 && file.contains(&**disliked), "{file}");
    let kept: Value = serde_json::from_str(&file).expect("JSON");
    assert_eq!(kept["why"], "not acceptable: it answered 400");
    let records = dir.records();
    let deed =
        records.iter().find(|record| record["decision"]["reason"] == "egress.put_aside").expect("on record");
    assert_eq!(
        (&deed["custom"]["target"], &deed["custom"]["seq"]),
        (&"own".into(), &kept["record"]["seq"].to_string().into())
    );
    let status = status(&egress);
    assert!(status.up && status.lag_bytes == 0 && status.rejected == 0, "{status:?}");
}

#[tokio::test]
async fn a_batch_that_is_too_large_arrives_in_pieces() {
    let server =
        Server::start(|seen| (if seen.text().lines().count() > 3 { 413 } else { 200 }, String::new()));
    let dir = Dir::new();
    let (audit, tail) = open(&dir);
    record(&audit, 20).await;
    audit.close().await;
    drop(audit);
    let egress = Egress::new(tail, dir.path()).to(webhook(&server)).expect("a target");
    egress.drain(Duration::from_secs(60)).run().await;
    let taken = server.seen().into_iter().filter(|seen| seen.text().lines().count() <= 3);
    let taken: String = taken.map(|seen| seen.text().to_owned()).collect();
    assert_eq!(taken.lines().collect::<Vec<_>>(), written(&dir));
}

#[tokio::test]
async fn what_is_not_on_record_is_not_put_aside_and_arrives_once_the_receiver_is_mended() {
    let strict = Arc::new(AtomicBool::new(true));
    let server = Server::start({
        let strict = Arc::clone(&strict);
        move |seen| {
            (
                if strict.load(Ordering::SeqCst) && seen.text().contains(DISLIKED) { 422 } else { 200 },
                String::new(),
            )
        }
    });
    let dir = Dir::new();
    let (audit, tail) = open(&dir);
    record(&audit, 9).await;
    audit.close().await;
    // The log takes no record any more.
    let egress = Egress::new(tail, dir.path()).to(webhook(&server)).expect("a target").recording(&audit);
    let egress = egress.drain(Duration::from_secs(120));
    let mending = async {
        until("it tried often enough", || status(&egress).failures > 4).await;
        strict.store(false, Ordering::SeqCst);
    };
    tokio::join!(egress.run(), mending);
    assert!(!dir.path().join("egress-own.refused").exists());
    let status = status(&egress);
    assert!(status.up && status.put_aside == 0 && status.lag_bytes == 0, "{status:?}");
}
