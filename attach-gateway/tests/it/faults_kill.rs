//! `kill-9`: the gateway is killed under load, again and again; the callers keep a ledger of what they were answered.
//!
//! The ordinary run kills five times. A longer one:
//! `ATTACH_KILLS=100 cargo test -p attach-gateway --test it faults_kill -- --ignored --nocapture`.

use std::collections::HashSet;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::task::JoinSet;

use crate::support::client::Connection;
use crate::support::{CHATS, Gateway, Issuer, Launch, PATIENCE, TempDir, Upstream, question, streamed};

const CALLERS: usize = 6;

type Ledger = Arc<Mutex<Vec<String>>>;

struct Place {
    issuer: Issuer,
    upstream: Upstream,
    state: TempDir,
    ledger: Ledger,
}

impl Place {
    /// Starts it on what the last one left; how long that took.
    async fn start(&self) -> (Gateway, Duration) {
        let text = format!(
            "[state]\ndir = {:?}\n[[issuer]]\nissuer = \"{}\"\naudience = [\"api://attach-test\"]\n[[upstream]]\n\
             name = \"one\"\nkind = \"openai\"\nurl = \"{}\"\n[access]\ndefault = \"allow\"\n",
            self.state.path().display().to_string(),
            self.issuer.url(),
            self.upstream.url()
        );
        let began = Instant::now();
        (Launch::file(&text).start().await, began.elapsed())
    }

    /// Callers of whole and of streamed answers, until the other end is gone.
    fn load(&self, gateway: &Gateway) -> JoinSet<()> {
        let mut callers = JoinSet::new();
        for caller in 0..CALLERS {
            let body = match caller % 2 {
                0 => question(CHATS[0], "gpt-4o", "hello"),
                _ => streamed(CHATS[0], "gpt-4o", "hello"),
            };
            let call = gateway.post(CHATS[0]).bearer(&self.issuer.token("alice", &[])).json(&body);
            let (addr, ledger) = (gateway.addr, Arc::clone(&self.ledger));
            callers.spawn(async move {
                let mut connection = Connection::open(addr).await;
                loop {
                    let (answer, same) = call.stream_on(connection).await.whole_and_connection().await;
                    if answer.status != 200 || answer.broken {
                        break;
                    }
                    ledger.lock().unwrap().push(answer.id());
                    connection = same;
                }
            });
        }
        callers
    }

    fn answered(&self) -> usize {
        self.ledger.lock().unwrap().len()
    }
}

/// The ids in the records of each of these kinds. A kill may tear a line; what it was is not counted.
fn ids(folder: &Path, kind: &str) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        if !entry.file_name().to_string_lossy().ends_with(".jsonl") {
            continue;
        }
        let bytes = std::fs::read(entry.path()).unwrap();
        let records =
            bytes.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice::<Value>(line).ok());
        let of_kind = records.filter(|record| record["kind"] == kind);
        found.extend(of_kind.map(|record| record["req_id"].as_str().unwrap().to_owned()));
    }
    found
}

async fn rounds(n: usize) {
    let (issuer, upstream) = (Issuer::start().await, Upstream::model().await);
    let place = Place { issuer, upstream, state: TempDir::new(), ledger: Ledger::default() };
    let mut starts = Vec::new();
    for round in 0..n {
        let (mut gateway, took) = place.start().await;
        starts.push(took);
        let (mut callers, before) = (place.load(&gateway), place.answered());
        let until = Instant::now() + PATIENCE;
        // Under load for certain, and then at another moment in each round.
        while place.answered() < before + 2 * CALLERS && Instant::now() < until {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        tokio::time::sleep(Duration::from_micros(round as u64 * 7919 % 50_000)).await;
        gateway.kill().await;
        while let Some(ended) = callers.join_next().await {
            ended.unwrap();
        }
    }
    let (mut last, _) = place.start().await;
    last.terminate();
    assert!(last.ended().await.success());
    let folder = place.state.path().join("audit");
    let verified = Launch::bare().arguments(&["audit", "verify", &folder.display().to_string()]).run().await;
    assert!(verified.ok, "{verified:?}");
    let orphans = kept(&folder, &place.ledger.lock().unwrap());
    starts.sort_unstable();
    println!(
        "{n} kills: {} answered, {orphans} orphans, listening after {:.2?} (median), {:.2?} at most",
        place.answered(),
        starts[n / 2],
        starts[n - 1]
    );
}

/// How many intents are orphans, if every promise was kept.
fn kept(folder: &Path, answered: &[String]) -> usize {
    let of = |kind: &str| -> HashSet<String> {
        let list = ids(folder, kind);
        let (length, set) = (list.len(), list.into_iter().collect::<HashSet<_>>());
        assert_eq!(length, set.len(), "no {kind} is there twice");
        set
    };
    let (intents, outcomes, orphans) = (of("intent"), of("outcome"), of("orphan"));
    assert!(!answered.is_empty());
    for id in answered {
        assert!(intents.contains(id) && outcomes.contains(id), "{id} was answered");
    }
    for id in &intents {
        assert!(outcomes.contains(id) ^ orphans.contains(id), "{id} ended or is an orphan");
    }
    orphans.len()
}

#[tokio::test]
async fn kill_9_under_load_leaves_every_answer_on_record_and_the_log_verifies() {
    rounds(5).await;
}

#[tokio::test]
#[ignore = "takes minutes; see the module's first lines"]
async fn kill_9_again_and_again() {
    let kills = std::env::var("ATTACH_KILLS").ok().and_then(|n| n.parse().ok());
    rounds(kills.unwrap_or(100)).await;
}
