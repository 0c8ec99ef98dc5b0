//! Records sent to other systems: that all arrive, in order, whatever happens on the way.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use attach_audit::egress::{Batch, Delivered, Egress, SendError, SendFuture, Status, Target};
use attach_audit::log::{Log, Options, Tail};
use attach_audit::{Audit, Deed};

use crate::support::Dir;

mod refused;
mod runner;
#[cfg(feature = "s3")]
mod s3;
mod server;
mod splunk;
mod webhook;

/// A log with small segments, and how far it is.
fn open(dir: &Dir) -> (Audit, Tail) {
    let log =
        Log::open(dir.path(), Options::new("node-1").segment_bytes(4_000).egress(true)).expect("it opens");
    let tail = log.tail().expect("it is in a directory");
    (Audit::new(log), tail)
}

async fn record(audit: &Audit, n: usize) {
    for n in 0..n {
        audit.record(&Deed::admin("key.create", format!("admin-{n}"))).await.expect("recorded");
    }
}

/// What the directory has, all of it.
fn written(dir: &Dir) -> Vec<String> {
    dir.records();
    let text = dir.segments().into_iter().map(|file| std::fs::read_to_string(file).expect("readable"));
    text.collect::<String>().lines().map(str::to_owned).collect()
}

fn status(egress: &Egress) -> Status {
    egress.status().remove(0)
}

/// Waits for as long as a loaded machine may take.
async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    for _ in 0..6_000 {
        if is_so() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("never: {what}");
}

/// How a recorder takes the next batches.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Mood {
    Takes,
    Fails,
    Hangs,
    /// Once.
    Panics,
    Rejects(u64),
}

/// A target in memory.
#[derive(Debug, Clone)]
struct Recorder {
    name: String,
    state: Arc<Mutex<(Mood, Vec<String>)>>,
}

impl Recorder {
    fn new(name: &str) -> Self {
        Self { name: name.to_owned(), state: Arc::new(Mutex::new((Mood::Takes, Vec::new()))) }
    }

    fn set(&self, mood: Mood) {
        self.state.lock().expect("unpoisoned").0 = mood;
    }

    fn mood(&self) -> Mood {
        self.state.lock().expect("unpoisoned").0
    }

    fn seen(&self) -> Vec<String> {
        self.state.lock().expect("unpoisoned").1.clone()
    }
}

impl Target for Recorder {
    fn name(&self) -> &str {
        &self.name
    }

    fn send(&self, batch: Batch) -> SendFuture {
        let this = self.clone();
        Box::pin(async move {
            let mood = this.mood();
            match mood {
                Mood::Fails => return Err(SendError::unavailable("not today")),
                Mood::Hangs => std::future::pending().await,
                Mood::Panics => {
                    this.set(Mood::Takes);
                    panic!("on purpose");
                }
                Mood::Takes | Mood::Rejects(_) => {}
            }
            let lines =
                batch.lines().iter().map(|line| String::from_utf8(line.bytes.to_vec()).expect("text"));
            this.state.lock().expect("unpoisoned").1.extend(lines);
            Ok(if let Mood::Rejects(n) = mood { Delivered::all_but(n) } else { Delivered::all() })
        })
    }
}
