//! Starting again reads the last segment and nothing else, however long the log is.
//!
//! With a GiB of log, measured: `cargo test --release -p attach-audit --test it restart::gib -- --ignored --nocapture`.

use std::fs::{self, File};
use std::io::{self, Read};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use attach_audit::log::{Disk, Log, Options, Segment, Storage};
use attach_audit::{Audit, Deed, verify};

use crate::support::Dir;

/// Notes what is read.
struct Noting(Disk, Arc<Mutex<Vec<String>>>);

impl Storage for Noting {
    fn list(&self) -> io::Result<Vec<String>> {
        self.0.list()
    }
    fn read(&self, name: &str) -> io::Result<Box<dyn Read>> {
        self.1.lock().expect("unpoisoned").push(name.into());
        self.0.read(name)
    }
    fn create(&self, name: &str) -> io::Result<Box<dyn Segment>> {
        self.0.create(name)
    }
    fn remove(&self, name: &str) {
        self.0.remove(name);
    }
}

#[tokio::test]
async fn only_the_last_segment_is_read() {
    let dir = Dir::new();
    let options = || Options::new("n").segment_bytes(2000).reserve(0).patience(Duration::from_secs(60));
    let audit = Audit::new(Log::open(dir.path(), options()).expect("it opens"));
    for _ in 0..40 {
        audit.record(&Deed::admin("test", "somebody")).await.expect("recorded");
    }
    drop(audit);
    let segments = dir.segments();
    assert!(segments.len() > 10);
    let read = Arc::new(Mutex::new(Vec::new()));
    let storage = Noting(Disk::open(dir.path()).expect("free"), Arc::clone(&read));
    drop(Log::open_on(storage, options()).expect("it opens"));
    let last = segments.last().and_then(|path| path.file_name()).expect("a name").to_string_lossy();
    assert_eq!(*read.lock().expect("unpoisoned"), [last]);
    verify::verify(dir.path()).expect("it verifies");
}

/// Sixteen segments of 64 MiB. All but the last are holes, which nothing could be made of if they were read.
#[tokio::test]
#[ignore = "writes 64 MiB; a measurement"]
async fn gib() {
    const SEGMENT: u64 = 64 << 20;
    let dir = Dir::new();
    let open =
        || Log::open(dir.path(), Options::new("n").segment_bytes(SEGMENT).patience(Duration::from_secs(60)));
    let audit = Audit::new(open().expect("it opens"));
    let last = dir.segments()[0].clone();
    let text = "x".repeat(500);
    while fs::metadata(&last).expect("there").len() < SEGMENT - (1 << 20) {
        let deeds = (0..1000).map(|_| {
            let (audit, deed) = (audit.clone(), Deed::admin("test", "somebody").detail("text", text.clone()));
            tokio::spawn(async move { audit.record(&deed).await })
        });
        for deed in deeds.collect::<Vec<_>>() {
            deed.await.expect("no panic").expect("recorded");
        }
    }
    drop(audit);
    for n in 1..16 {
        let name = format!("audit-n-{n:013}-000000.jsonl");
        File::create(dir.path().join(name)).and_then(|file| file.set_len(SEGMENT)).expect("created");
    }
    let began = Instant::now();
    drop(open().expect("it opens"));
    let took = began.elapsed();
    println!("ready after {took:?} with 1 GiB of log");
    // Without optimisation it says nothing.
    assert!(cfg!(debug_assertions) || took < Duration::from_secs(2), "{took:?}");
}
