//! A disk that fails: nothing is answered without a record, nothing acknowledged is lost, and it goes on by itself.

use std::io::{self, Read};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use attach_audit::Audit;
use attach_audit::log::{Disk, Log, Options, Segment, Storage};
use axum::Router;
use axum::middleware::from_fn;
use axum::routing::post;

use crate::support::{Dir, Wire, alice, eventually, kinds, serve};

/// A disk whose next `n` syncs, or creations, fail.
#[derive(Clone, Default)]
struct Faults {
    syncs: Arc<AtomicU32>,
    creates: Arc<AtomicU32>,
}

struct Faulty(Disk, Faults);

struct FaultySegment {
    inner: Box<dyn Segment>,
    faults: Faults,
    failed: bool,
}

fn takes(count: &AtomicU32) -> bool {
    count.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok()
}

impl Storage for Faulty {
    fn list(&self) -> io::Result<Vec<String>> {
        self.0.list()
    }
    fn read(&self, name: &str) -> io::Result<Box<dyn Read>> {
        self.0.read(name)
    }
    fn create(&self, name: &str) -> io::Result<Box<dyn Segment>> {
        if takes(&self.1.creates) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        Ok(Box::new(FaultySegment { inner: self.0.create(name)?, faults: self.1.clone(), failed: false }))
    }
    fn remove(&self, _: &str) {
        // As on a disk that has become read-only.
    }
}

impl Segment for FaultySegment {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        assert!(!self.failed, "a segment that failed is written to");
        self.inner.append(bytes)
    }
    fn sync(&mut self) -> io::Result<()> {
        assert!(!self.failed, "a failed sync is tried again");
        self.failed = takes(&self.faults.syncs);
        if self.failed { Err(io::Error::other("EIO")) } else { self.inner.sync() }
    }
}

fn open(dir: &Dir, faults: &Faults, patience: Duration) -> Audit {
    let storage = Faulty(Disk::open(dir.path()).expect("a directory"), faults.clone());
    Audit::new(Log::open_on(storage, Options::new("n").patience(patience)).expect("it opens"))
}

async fn served(audit: &Audit) -> std::net::SocketAddr {
    let router = Router::new()
        .route("/work", post(async || "done"))
        .layer(audit.intent_layer())
        .layer(from_fn(alice))
        .layer(audit.layer());
    serve(router).await
}

fn names(dir: &Dir) -> Vec<PathBuf> {
    dir.segments()
}

#[tokio::test]
async fn a_failed_sync_seals_the_segment_and_nobody_notices() {
    let (dir, faults) = (Dir::new(), Faults::default());
    let audit = open(&dir, &faults, Duration::from_secs(5));
    let addr = served(&audit).await;
    Wire::post(addr, "/work").await.until("done").await;
    faults.syncs.store(1, Ordering::SeqCst);
    Wire::post(addr, "/work").await.until("done").await;
    assert_eq!(names(&dir).len(), 2);
    attach_audit::verify::verify(dir.path()).expect("what was not acknowledged does not count");
    let second = std::fs::read_to_string(&names(&dir)[1]).expect("readable");
    let second: Vec<_> = second.lines().map(crate::schema::checked).collect();
    assert_eq!(kinds(&second), ["segment", "intent", "outcome"]);
    assert_eq!(second[0]["seq"], 3);
    assert!(second[0]["after"]["disowned"].as_u64().expect("a number") > 0);
}

#[tokio::test]
async fn a_disk_that_stays_broken_refuses_and_resumes_by_itself_with_a_gap_record() {
    let (dir, faults) = (Dir::new(), Faults::default());
    let audit = open(&dir, &faults, Duration::ZERO);
    let addr = served(&audit).await;
    Wire::post(addr, "/work").await.until("done").await;
    faults.syncs.store(3, Ordering::SeqCst);
    let answer = Wire::post(addr, "/work").await.until("audit_unavailable").await.to_owned();
    assert!(answer.starts_with("HTTP/1.1 503"), "{answer}");
    Wire::post(addr, "/work").await.until("503").await;

    let mut answered = false;
    for _ in 0..100 {
        if Wire::post(addr, "/work").await.until("\r\n\r\n").await.starts_with("HTTP/1.1 200") {
            answered = true;
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(answered, "it does not resume");
    audit.close().await;
    let report = attach_audit::verify::verify(dir.path()).expect("verifies");
    assert!(report.to_string().contains("was given up on"), "{report}");
    let last = std::fs::read_to_string(names(&dir).last().expect("some")).expect("readable");
    let last: Vec<_> = last.lines().map(crate::schema::checked).collect();
    assert_eq!(
        kinds(&last)[..3],
        ["segment", "gap", "intent"],
        "what was refused is on record too: {last:?}"
    );
    assert_eq!(last[1]["fold"]["n"], 1);
    let counted = last.iter().find(|record| record["fold"]["n"].is_u64() && record["kind"] == "reject");
    assert_eq!(
        counted.expect("refusals without a record are counted")["decision"]["reason"],
        "audit_unavailable"
    );
    assert_eq!(last.last().expect("some")["kind"], "stop");
}

#[tokio::test]
async fn a_running_answer_waits_out_a_short_outage() {
    let (dir, faults) = (Dir::new(), Faults::default());
    let audit = open(&dir, &faults, Duration::from_secs(30));
    let addr = served(&audit).await;
    faults.syncs.store(1, Ordering::SeqCst);
    faults.creates.store(2, Ordering::SeqCst);
    Wire::post(addr, "/work").await.until("done").await;
    eventually("the log verifies", || attach_audit::verify::verify(dir.path()).is_ok()).await;
}
