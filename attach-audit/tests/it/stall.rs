//! A disk that does not answer, and one whose code panics: nobody waits for ever.

use std::io::{self, Read};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use attach_audit::log::{Disk, Log, Options, Segment, Storage};
use attach_audit::{Audit, Mode};
use axum::Router;
use axum::middleware::from_fn;
use axum::routing::post;
use serde_json::Value;

use crate::support::{Dir, Wire, alice, eventually, kinds, serve};

const PATIENCE: Duration = Duration::from_millis(200);

/// A disk whose syncs hang, or panic, while it is told so.
#[derive(Clone, Default)]
struct Gate(Arc<(Mutex<Mood>, Condvar)>);

#[derive(Default)]
struct Mood {
    hangs: bool,
    panics: bool,
    /// Syncs that hang at the moment.
    hung: u32,
}

impl Gate {
    fn mood(&self) -> MutexGuard<'_, Mood> {
        self.0.0.lock().expect("unpoisoned")
    }

    fn hang(&self) {
        self.mood().hangs = true;
    }

    fn release(&self) {
        self.mood().hangs = false;
        self.0.1.notify_all();
    }

    fn pass(&self) {
        let mut mood = self.mood();
        mood.hung += 1;
        let mut mood = self.0.1.wait_while(mood, |mood| mood.hangs).expect("unpoisoned");
        mood.hung -= 1;
        let panics = mood.panics;
        drop(mood);
        assert!(!panics, "a panic on purpose");
    }
}

struct Gated<T>(T, Gate);

impl Storage for Gated<Disk> {
    fn list(&self) -> io::Result<Vec<String>> {
        self.0.list()
    }
    fn read(&self, name: &str) -> io::Result<Box<dyn Read>> {
        self.0.read(name)
    }
    fn create(&self, name: &str) -> io::Result<Box<dyn Segment>> {
        Ok(Box::new(Gated(self.0.create(name)?, self.1.clone())))
    }
    fn remove(&self, name: &str) {
        self.0.remove(name);
    }
}

impl Segment for Gated<Box<dyn Segment>> {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.append(bytes)
    }
    fn sync(&mut self) -> io::Result<()> {
        self.1.pass();
        self.0.sync()
    }
}

async fn served(dir: &Dir, gate: &Gate, mode: Mode) -> (Audit, std::net::SocketAddr) {
    let storage = Gated(Disk::open(dir.path()).expect("a directory"), gate.clone());
    let log = Log::open_on(storage, Options::new("n").patience(PATIENCE)).expect("it opens");
    let audit = Audit::new(log).mode(mode);
    let router = Router::new()
        .route("/work", post(async || "done"))
        .layer(audit.intent_layer())
        .layer(from_fn(alice))
        .layer(audit.layer());
    (audit, serve(router).await)
}

fn gap(records: &[Value]) -> &Value {
    let mut gaps = records.iter().filter(|record| record["kind"] == "gap");
    let gap = gaps.next().expect("it says that it did not work");
    assert!(gaps.next().is_none(), "once");
    assert_eq!(gap["decision"]["reason"], "log_unavailable");
    gap
}

#[tokio::test]
async fn a_sync_that_hangs_refuses_and_resumes_by_itself_with_a_gap_record() {
    let (dir, gate) = (Dir::new(), Gate::default());
    let (audit, addr) = served(&dir, &gate, Mode::Strict).await;
    Wire::post(addr, "/work").await.until("done").await;

    gate.hang();
    let began = Instant::now();
    // The second comes while the first is being written, so it waits in the queue.
    let mut first = Wire::post(addr, "/work").await;
    eventually("it hangs", || gate.mood().hung == 1).await;
    let mut second = Wire::post(addr, "/work").await;
    assert!(first.until("audit_unavailable").await.starts_with("HTTP/1.1 503"));
    assert!(second.until("audit_unavailable").await.starts_with("HTTP/1.1 503"));
    assert!(began.elapsed() >= PATIENCE, "{:?}", began.elapsed());
    assert!(!audit.is_ready());
    // At the door: nothing is waited for.
    Wire::post(addr, "/work").await.until("audit_unavailable").await;
    assert_eq!(gate.mood().hung, 1);

    gate.release();
    eventually("it resumes", || audit.is_ready()).await;
    Wire::post(addr, "/work").await.until("done").await;
    audit.close().await;
    let records = dir.records();
    let gap = gap(&records);
    assert!(matches!(gap["fold"]["n"].as_u64(), Some(1 | 2)), "the second may have come too late: {gap}");
    let intents = kinds(&records).iter().filter(|kind| **kind == "intent").count() as u64;
    assert_eq!(intents, 2 + gap["fold"]["n"].as_u64().expect("a number"), "what was given up on is there");
    assert_eq!(dir.segments().len(), 1, "a slow segment is not given up on");
    assert_eq!(records.last().expect("some")["kind"], "stop");
}

#[tokio::test]
async fn a_running_answer_is_cut_when_its_outcome_hangs() {
    let (dir, gate) = (Dir::new(), Gate::default());
    let (audit, addr) = served(&dir, &gate, Mode::Single).await;
    gate.hang();
    let seen = Wire::post(addr, "/work").await.rest().await;
    assert!(!seen.contains("done"), "{seen}");
    gate.release();
    eventually("it resumes", || audit.is_ready()).await;
    assert_eq!(gap(&dir.records())["fold"]["n"], 1);
}

#[tokio::test]
async fn a_short_delay_is_waited_out() {
    let (dir, gate) = (Dir::new(), Gate::default());
    let storage = Gated(Disk::open(dir.path()).expect("a directory"), gate.clone());
    let log = Log::open_on(storage, Options::new("n").patience(Duration::from_secs(60))).expect("it opens");
    let audit = Audit::new(log).mode(Mode::Single);
    let addr = serve(Router::new().route("/work", post(async || "done")).layer(audit.layer())).await;
    gate.hang();
    let mut client = Wire::post(addr, "/work").await;
    assert!(client.lacks("done").await && audit.is_ready());
    gate.release();
    client.until("done").await;
    assert_eq!(kinds(&dir.records()), ["start", "outcome"]);
}

#[tokio::test]
async fn a_disk_that_hangs_while_nobody_waits_is_noticed_too() {
    let (dir, gate) = (Dir::new(), Gate::default());
    let (audit, addr) = served(&dir, &gate, Mode::Relaxed).await;
    gate.hang();
    Wire::post(addr, "/work").await.until("done").await;
    eventually("it is noticed", || !audit.is_ready()).await;
    Wire::post(addr, "/work").await.until("done").await;
    gate.release();
    eventually("it resumes", || audit.is_ready()).await;
    assert_eq!(gap(&dir.records())["fold"]["n"], 0, "nobody was refused");
    audit.close().await;
    let records = dir.records();
    let lost = records.iter().find(|record| record["decision"]["reason"] == "queue_full");
    assert!(lost.is_some_and(|lost| lost["fold"]["n"] == 1), "{records:?}");
}

#[tokio::test]
async fn a_log_whose_writer_panics_refuses_instead_of_hanging() {
    let (dir, gate) = (Dir::new(), Gate::default());
    let (audit, addr) = served(&dir, &gate, Mode::Strict).await;
    gate.hang();
    gate.mood().panics = true;
    let mut first = Wire::post(addr, "/work").await;
    eventually("it hangs", || gate.mood().hung == 1).await;
    gate.release();
    assert!(first.until("audit_unavailable").await.starts_with("HTTP/1.1 503"));
    eventually("it is noticed", || !audit.is_ready()).await;
    Wire::post(addr, "/work").await.until("audit_unavailable").await;
    audit.close().await;
    drop(audit);
    gate.mood().panics = false;
    // The directory is free, and what was not acknowledged is where a crash would have left it.
    eventually("it opens again", || Log::open(dir.path(), Options::new("n")).is_ok()).await;
    attach_audit::verify::verify(dir.path()).expect("it verifies");
}
