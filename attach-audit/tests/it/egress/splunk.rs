//! Splunk's HTTP Event Collector, as documented, on a socket.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use attach_audit::egress::{Egress, SplunkHec};
use attach_core::client::Client;
use serde_json::Value;

use super::server::{Answer, Seen, Server};
use super::{open, record, status, until, written};
use crate::support::Dir;

const TOKEN: &str = "00000000-0000-0000-0000-000000000000";
const TAKEN: &str = r#"{"text":"Success","code":0}"#;

fn target(server: &Server) -> SplunkHec {
    let client = Client::new().expect("a client");
    SplunkHec::new("splunk", &server.url(), TOKEN, Arc::new(client)).expect("a target")
}

/// The event that a line has to become, byte by byte.
fn event(line: &str) -> String {
    let record: Value = serde_json::from_str(line).expect("JSON");
    let text = |name: &str| record[name].as_str().expect("text").to_owned();
    let time = millis(&text("ts"));
    format!(
        r#"{{"time":{}.{:03},"host":"node-1","source":"attach","sourcetype":"attach:audit","index":"ai","fields":{{"id":"{}","kind":"{}"}},"event":{line}}}"#,
        time / 1000,
        time % 1000,
        text("id"),
        text("kind"),
    )
}

/// By way of the day of the year, unlike what is tested.
fn millis(ts: &str) -> u64 {
    let number = |range: std::ops::Range<usize>| ts[range].parse::<u64>().expect("digits");
    let (year, month, day) = (number(0..4), number(5..7), number(8..10));
    let leap = |year: u64| year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let lengths = [31, if leap(year) { 29 } else { 28 }, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let before: u64 = (1970..year).map(|year| if leap(year) { 366 } else { 365 }).sum();
    let days = before + lengths.iter().take(month as usize - 1).sum::<u64>() + day - 1;
    let seconds = days * 86_400 + number(11..13) * 3600 + number(14..16) * 60 + number(17..19);
    seconds * 1000 + number(20..23)
}

/// The events of a body, in order.
fn events(body: &str) -> Vec<Value> {
    let events = serde_json::Deserializer::from_str(body).into_iter::<Value>();
    events.map(|event| event.expect("an event")["event"].clone()).collect()
}

fn lines(dir: &Dir) -> Vec<Value> {
    written(dir).iter().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

/// Each once, in the order they came first.
fn distinct(events: Vec<Value>) -> Vec<Value> {
    let mut seen = std::collections::HashSet::new();
    events.into_iter().filter(|event| seen.insert(event["id"].to_string())).collect()
}

#[tokio::test]
async fn events_are_what_splunk_documents_byte_by_byte() {
    let server = Server::start(|_| (200, TAKEN.into()));
    let dir = Dir::new();
    let (audit, tail) = open(&dir);
    record(&audit, 30).await;
    audit.close().await;
    drop(audit);
    let egress = Egress::new(tail, dir.path()).to(Arc::new(target(&server).index("ai"))).expect("a target");
    egress.run().await;
    let seen = server.seen();
    assert_eq!(seen.len(), 1);
    assert_eq!(seen[0].uri, "/services/collector/event");
    assert_eq!(seen[0].header("authorization"), format!("Splunk {TOKEN}"));
    assert_eq!(seen[0].header("content-type"), "application/json");
    assert_eq!(seen[0].header("x-splunk-request-channel"), "");
    let expected: String = written(&dir).iter().map(|line| event(line)).collect();
    assert_eq!(seen[0].text(), expected);
    assert_eq!(status(&egress).sent, written(&dir).len() as u64);
}

#[tokio::test]
async fn nothing_is_lost_over_failures_refusals_and_restarts_of_both_sides() {
    let calls = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&calls);
    let mut server = Server::start(move |_| match counted.fetch_add(1, Ordering::SeqCst) {
        0 => (503, r#"{"text":"Server is busy","code":9}"#.into()),
        1 => (403, r#"{"text":"Invalid token","code":4}"#.into()),
        2 => (500, "<html>proxy".into()),
        _ => (200, TAKEN.into()),
    });
    let dir = Dir::new();
    let mut taken_before = 0;
    for round in 0..3 {
        let (audit, tail) = open(&dir);
        let egress = Egress::new(tail, dir.path()).to(Arc::new(target(&server))).expect("a target");
        let egress = egress.drain(Duration::from_secs(60));
        let working = async {
            record(&audit, 20).await;
            until("some was taken", || status(&egress).sent > 0).await;
            server.stop().await;
            record(&audit, 20).await;
            until("it is noticed", || !status(&egress).up).await;
            server.resume();
            record(&audit, 5).await;
            audit.close().await;
        };
        tokio::join!(egress.run(), working);
        let status = status(&egress);
        assert!(status.up && status.lag_bytes == 0, "round {round}: {status:?}");
        assert!(status.failures > 0);
        taken_before += status.sent;
    }
    let taken: Vec<_> = server.seen().iter().skip(3).flat_map(|seen| events(seen.text())).collect();
    assert_eq!(distinct(taken), lines(&dir));
    assert_eq!(taken_before, lines(&dir).len() as u64);
}

/// A collector with indexer acknowledgement: what is not indexed when it goes away is lost.
#[derive(Default)]
struct Indexer {
    next: u64,
    channel: Option<String>,
    waiting: HashMap<u64, (u64, String)>,
    indexed: Vec<Value>,
    polls: u64,
    forgetful: bool,
}

impl Indexer {
    fn answer(&mut self, seen: &Seen) -> Answer {
        let channel = seen.header("x-splunk-request-channel").to_owned();
        if channel.parse::<uuid::Uuid>().is_err() {
            return (400, r#"{"text":"Data channel is missing","code":10}"#.into());
        }
        assert_eq!(*self.channel.get_or_insert_with(|| channel.clone()), channel);
        if seen.uri == format!("/services/collector/ack?channel={channel}") {
            return self.acks(seen);
        }
        assert_eq!(seen.uri, "/services/collector/event");
        let id = self.next;
        self.next += 1;
        if !self.forgetful {
            self.waiting.insert(id, (2, seen.text().to_owned()));
        }
        (200, format!(r#"{{"text":"Success","code":0,"ackId":{id}}}"#))
    }

    fn acks(&mut self, seen: &Seen) -> Answer {
        self.polls += 1;
        let asked: Value = serde_json::from_slice(&seen.body).expect("JSON");
        let mut acks = serde_json::Map::new();
        for id in asked["acks"].as_array().expect("a list").iter().map(|id| id.as_u64().expect("a number")) {
            let left = self.waiting.get_mut(&id).map(|(left, _)| {
                *left = left.saturating_sub(1);
                *left
            });
            if left == Some(0) {
                let (_, body) = self.waiting.remove(&id).expect("there");
                self.indexed.extend(events(&body));
            }
            acks.insert(id.to_string(), (left == Some(0)).into());
        }
        (200, serde_json::json!({ "acks": acks }).to_string())
    }
}

#[tokio::test]
async fn with_acknowledgement_a_batch_is_delivered_when_it_is_indexed_and_sent_again_if_it_is_not() {
    let indexer = Arc::new(Mutex::new(Indexer { forgetful: true, ..Indexer::default() }));
    let shared = Arc::clone(&indexer);
    let server = Server::start(move |seen| shared.lock().expect("unpoisoned").answer(seen));
    let dir = Dir::new();
    let (audit, tail) = open(&dir);
    let target = target(&server).ack(Duration::from_secs(2)).expect("a target");
    let egress = Egress::new(tail, dir.path()).to(Arc::new(target)).expect("a target");
    let egress = egress.drain(Duration::from_secs(60));
    let working = async {
        record(&audit, 10).await;
        until("the deadline is over", || status(&egress).failures > 0).await;
        assert_eq!(status(&egress).sent, 0, "taken is not indexed");
        assert!(status(&egress).position.is_none());
        indexer.lock().expect("unpoisoned").forgetful = false;
        record(&audit, 10).await;
        audit.close().await;
    };
    tokio::join!(egress.run(), working);
    let indexer = indexer.lock().expect("unpoisoned");
    assert_eq!(distinct(indexer.indexed.clone()), lines(&dir));
    assert!(indexer.polls > 3);
    assert_eq!(status(&egress).sent, written(&dir).len() as u64);
}

#[tokio::test]
async fn a_token_without_acknowledgement_is_found_out_before_anything_is_sent() {
    let disabled = r#"{"text":"ACK is disabled","code":14}"#;
    let server = Server::start(move |_| (400, disabled.into()));
    let dir = Dir::new();
    let (audit, tail) = open(&dir);
    let target = target(&server).ack(Duration::from_secs(1)).expect("a target");
    let egress = Egress::new(tail, dir.path()).to(Arc::new(target)).expect("a target");
    let egress = egress.drain(Duration::ZERO);
    let working = async {
        until("it is refused", || !status(&egress).up).await;
        audit.close().await;
    };
    tokio::join!(egress.run(), working);
    assert_eq!(status(&egress).problem.as_deref(), Some("refused: it answered 400: ACK is disabled"));
    assert!(server.seen().iter().all(|seen| seen.uri.starts_with("/services/collector/ack")));
}

#[tokio::test]
async fn only_what_splunk_refuses_by_itself_is_put_aside() {
    for (counts_from, numbered) in [(0, true), (1, true), (0, false)] {
        let taken = Arc::new(Mutex::new(Vec::new()));
        let shared = Arc::clone(&taken);
        let server = Server::start(move |seen| {
            let all = events(seen.text());
            let bad = |event: &Value| event["actor"]["uid"] == "admin-7" || event["kind"] == "stop";
            match all.iter().position(bad) {
                None => {
                    shared.lock().expect("unpoisoned").extend(all);
                    (200, TAKEN.into())
                }
                Some(at) if numbered => {
                    let number = at + counts_from;
                    (
                        400,
                        format!(
                            r#"{{"text":"Invalid data format","code":6,"invalid-event-number":{number}}}"#
                        ),
                    )
                }
                Some(_) => (400, r#"{"text":"Invalid data format","code":6}"#.into()),
            }
        });
        let dir = Dir::new();
        let (audit, tail) = open(&dir);
        record(&audit, 20).await;
        audit.close().await;
        drop(audit);
        let egress = Egress::new(tail, dir.path()).to(Arc::new(target(&server))).expect("a target");
        egress.run().await;
        let mut expected = lines(&dir);
        expected.retain(|line| line["actor"]["uid"] != "admin-7" && line["kind"] != "stop");
        assert_eq!(*taken.lock().expect("unpoisoned"), expected);
        let status = status(&egress);
        assert_eq!((status.sent, status.rejected, status.failures), (expected.len() as u64, 0, 0));
        let aside = std::fs::read_to_string(dir.path().join("egress-splunk.refused")).expect("put aside");
        let aside: Vec<Value> = aside.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
        assert_eq!((aside.len() as u64, status.put_aside), (2, 2), "{aside:?}");
        assert_eq!(aside[0]["record"]["actor"]["uid"], "admin-7");
        assert!(aside[0]["why"].as_str().is_some_and(|why| why.contains("malformed")), "{aside:?}");
    }
}

#[tokio::test]
async fn a_collector_that_refuses_every_event_is_told_from_one_that_refuses_some() {
    let refused = r#"{"text":"Invalid data format","code":6}"#;
    let server = Server::start(move |_| (400, refused.into()));
    let dir = Dir::new();
    let (audit, tail) = open(&dir);
    record(&audit, 20).await;
    let egress = Egress::new(tail, dir.path()).to(Arc::new(target(&server))).expect("a target");
    let egress = egress.drain(Duration::ZERO);
    let working = async {
        until("it waits", || status(&egress).problem.is_some()).await;
        audit.close().await;
    };
    tokio::join!(egress.run(), working);
    let status = status(&egress);
    assert_eq!((status.sent, status.rejected, status.put_aside), (0, 0, 10), "the others wait in the log");
    assert_eq!(status.problem.as_deref(), Some("refused: it refuses records that cannot be put aside"));
}

#[tokio::test]
async fn neither_the_token_nor_a_record_is_in_debug_or_in_an_error() {
    let server = Server::start(|_| (401, r#"{"text":"Token is required","code":2}"#.into()));
    let target = target(&server);
    assert!(!format!("{target:?}").contains(TOKEN));
    let dir = Dir::new();
    let (audit, tail) = open(&dir);
    record(&audit, 1).await;
    let egress = Egress::new(tail, dir.path()).to(Arc::new(target)).expect("a target").drain(Duration::ZERO);
    let working = async {
        until("it is refused", || !status(&egress).up).await;
        audit.close().await;
    };
    tokio::join!(egress.run(), working);
    assert_eq!(status(&egress).problem.as_deref(), Some("refused: it answered 401: Token is required"));
}
