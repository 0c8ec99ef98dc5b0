//! A process that serves over real sockets is killed under load, again and again; the clients keep a ledger of what they
//! were answered.
//!
//! The ordinary run kills ten times. The long one, 200 times:
//! `cargo test --release -p attach-audit --test it kill::long -- --ignored --nocapture`.

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use attach_audit::log::{Log, Options};
use attach_audit::{Audit, verify};
use attach_core::Exchange;
use axum::Router;
use axum::extract::Request;
use axum::middleware::from_fn;
use axum::routing::post;
use serde_json::Value;

use crate::support::{Dir, alice};

const CLIENTS: usize = 8;

fn options() -> Options {
    Options::new("n").segment_bytes(200_000).reserve(1 << 20)
}

/// The process that is killed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "run by another test, as a process of its own"]
async fn victim() {
    let Some(dir) = std::env::var_os("ATTACH_AUDIT_VICTIM") else { return };
    let began = Instant::now();
    let audit = Audit::new(Log::open(dir.as_ref(), options()).expect("it opens"));
    let id = async |mut request: Request| Exchange::of_request(&mut request).id().to_string();
    let router = Router::new()
        .route("/work", post(id))
        .layer(audit.intent_layer())
        .layer(from_fn(alice))
        .layer(audit.layer());
    let addr = crate::support::serve(router).await;
    println!("ready {addr} {}", began.elapsed().as_millis());
    std::future::pending::<()>().await;
}

/// Starts it; where it listens, and how long it took until it did.
fn start(dir: &Path) -> (Child, SocketAddr, Duration) {
    let mut child = Command::new(std::env::current_exe().expect("this program"))
        .args(["--ignored", "--exact", "kill::victim", "--nocapture"])
        .env("ATTACH_AUDIT_VICTIM", dir)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("a child");
    let lines = BufReader::new(child.stdout.take().expect("piped")).lines();
    let ready = lines.map_while(Result::ok).find_map(|line| Some(line.strip_prefix("ready ")?.to_owned()));
    let ready = ready.expect("it gets ready");
    let (addr, millis) = ready.split_once(' ').expect("two words");
    (child, addr.parse().expect("an address"), Duration::from_millis(millis.parse().expect("a number")))
}

/// One request on a connection that is kept; the body of a whole answer with status 200.
fn ask(stream: &mut BufReader<TcpStream>) -> Option<String> {
    stream.get_mut().write_all(b"POST /work HTTP/1.1\r\nhost: t\r\ncontent-length: 0\r\n\r\n").ok()?;
    let (mut line, mut length, mut served) = (String::new(), 0, false);
    loop {
        line.clear();
        if stream.read_line(&mut line).ok()? == 0 {
            return None;
        }
        served |= line.starts_with("HTTP/1.1 200");
        if let Some(value) = line.strip_prefix("content-length: ") {
            length = value.trim().parse().ok()?;
        }
        if line == "\r\n" {
            break;
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).ok()?;
    served.then(|| String::from_utf8(body).expect("text"))
}

/// Asks until the other end is gone.
fn client(addr: SocketAddr, ledger: &Mutex<Vec<String>>) {
    let Ok(stream) = TcpStream::connect(addr) else { return };
    let mut stream = BufReader::new(stream);
    while let Some(id) = ask(&mut stream) {
        ledger.lock().expect("unpoisoned").push(id);
    }
}

fn rounds(n: u64) {
    let dir = Dir::new();
    let ledger = Arc::new(Mutex::new(Vec::new()));
    let mut slowest = Duration::ZERO;
    for round in 0..n {
        let (mut child, addr, took) = start(dir.path());
        slowest = slowest.max(took);
        let clients: Vec<_> = (0..CLIENTS)
            .map(|_| {
                let ledger = Arc::clone(&ledger);
                thread::spawn(move || client(addr, &ledger))
            })
            .collect();
        let before = ledger.lock().expect("unpoisoned").len();
        let deadline = Instant::now() + Duration::from_secs(30);
        // Under load for certain, and then at another moment in each round.
        while ledger.lock().expect("unpoisoned").len() < before + 20 && Instant::now() < deadline {
            thread::sleep(Duration::from_millis(1));
        }
        thread::sleep(Duration::from_micros(round.wrapping_mul(7919) % 50_000));
        child.kill().expect("killed");
        child.wait().expect("gone");
        clients.into_iter().for_each(|client| client.join().expect("it stopped by itself"));
    }
    drop(Log::open(dir.path(), options()).expect("it opens"));
    let ledger = ledger.lock().expect("unpoisoned");
    let (records, orphans) = check(&dir, &ledger);
    println!(
        "{n} kills: {} answered, {records} records, {orphans} orphans, ready after {slowest:?} at most",
        ledger.len()
    );
    // In a few rounds, on a slow machine, each kill may come between two requests.
    assert!(ledger.len() as u64 >= n * 10 && (orphans > 0 || n < 50), "too little happened");
}

/// How many records and orphans there are, if every promise was kept.
fn check(dir: &Dir, answered: &[String]) -> (u64, usize) {
    let report = verify::verify(dir.path()).expect("it verifies");
    let mut kinds: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for file in dir.segments() {
        let bytes = fs::read(file).expect("readable");
        for line in bytes.split_inclusive(|&byte| byte == b'\n') {
            let Ok(record) = serde_json::from_slice::<Value>(line) else { continue };
            let text = |name: &str| record[name].as_str().expect("text").to_owned();
            kinds.entry(text("kind")).or_default().push(text("req_id"));
        }
    }
    let mut of_kind = |kind: &str| {
        let list = kinds.remove(kind).unwrap_or_default();
        let (n, set) = (list.len(), list.into_iter().collect::<HashSet<_>>());
        assert_eq!(n, set.len(), "no {kind} is there twice");
        set
    };
    let (intents, outcomes, orphans) = (of_kind("intent"), of_kind("outcome"), of_kind("orphan"));
    let distinct: HashSet<_> = answered.iter().collect();
    assert_eq!(distinct.len(), answered.len(), "no id is given twice");
    for id in answered {
        assert!(intents.contains(id) && outcomes.contains(id), "{id} was answered");
    }
    for id in &intents {
        assert!(outcomes.contains(id) ^ orphans.contains(id), "{id} ended or is an orphan");
    }
    assert_eq!(intents.len(), outcomes.len() + orphans.len());
    (report.records, orphans.len())
}

#[test]
fn every_answer_over_a_socket_is_on_record_whenever_the_process_is_killed() {
    rounds(10);
}

#[test]
#[ignore = "takes minutes; see the module's first lines"]
fn long() {
    let n = std::env::var("ATTACH_KILLS").ok().and_then(|n| n.parse().ok());
    rounds(n.unwrap_or(200));
}
