//! A disk that is full: simulated, by a limit on the size of files, and a real small file system where the machine lets us
//! have one.

use std::io::{self, ErrorKind, Read};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use attach_audit::log::{Disk, Log, Options, Segment, Storage};
use attach_audit::{Audit, verify};
use axum::Router;
use axum::middleware::from_fn;
use axum::routing::post;
use tokio::sync::Notify;

use crate::support::{Dir, Wire, alice, eventually, kinds, serve};

/// A disk with room for so many bytes, some of which may be kept.
#[derive(Clone)]
struct Small {
    disk: Arc<Mutex<Disk>>,
    room: Arc<AtomicU64>,
    kept: Arc<AtomicU64>,
}

struct SmallSegment(Box<dyn Segment>, Arc<AtomicU64>);

impl Small {
    fn new(dir: &Dir, room: u64) -> Self {
        let disk = Arc::new(Mutex::new(Disk::open(dir.path()).expect("a directory")));
        Self { disk, room: Arc::new(room.into()), kept: Arc::default() }
    }

    fn disk(&self) -> std::sync::MutexGuard<'_, Disk> {
        self.disk.lock().expect("unpoisoned")
    }
}

fn take(room: &AtomicU64, bytes: u64) -> io::Result<()> {
    let taken = room.fetch_update(SeqCst, SeqCst, |room| room.checked_sub(bytes));
    taken.map(drop).map_err(|_| ErrorKind::StorageFull.into())
}

impl Storage for Small {
    fn list(&self) -> io::Result<Vec<String>> {
        self.disk().list()
    }
    fn read(&self, name: &str) -> io::Result<Box<dyn Read>> {
        self.disk().read(name)
    }
    fn create(&self, name: &str) -> io::Result<Box<dyn Segment>> {
        Ok(Box::new(SmallSegment(self.disk().create(name)?, Arc::clone(&self.room))))
    }
    fn remove(&self, name: &str) {
        self.disk().remove(name);
    }
    fn reserve(&self, bytes: u64) -> io::Result<()> {
        if self.kept.load(SeqCst) == 0 {
            take(&self.room, bytes)?;
            self.kept.store(bytes, SeqCst);
        }
        Ok(())
    }
    fn release(&self) -> bool {
        let kept = self.kept.swap(0, SeqCst);
        self.room.fetch_add(kept, SeqCst);
        kept > 0
    }
}

impl Segment for SmallSegment {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        let fits = take(&self.1, bytes.len() as u64);
        if fits.is_err() {
            // What a full disk does: it takes a part.
            let part = self.1.swap(0, SeqCst).min(bytes.len() as u64 / 2);
            self.0.append(&bytes[..usize::try_from(part).expect("small")])?;
        }
        fits?;
        self.0.append(bytes)
    }
    fn sync(&mut self) -> io::Result<()> {
        self.0.sync()
    }
}

/// All records; what the full disk took a part of is a torn write.
fn records(dir: &Dir) -> Vec<serde_json::Value> {
    verify::verify(dir.path()).expect("it verifies");
    let read = |file| std::fs::read_to_string(file).expect("readable");
    let text: Vec<String> = dir.segments().into_iter().map(read).collect();
    let lines = text.iter().flat_map(|text| text.split_inclusive('\n'));
    lines.filter_map(|line| line.strip_suffix('\n')).map(crate::schema::checked).collect()
}

/// Answers `/work` at once and `/wait` when told so.
async fn served(audit: &Audit, go: &Arc<Notify>) -> std::net::SocketAddr {
    let go = Arc::clone(go);
    let wait = async move || {
        go.notified().await;
        "waited"
    };
    let router = Router::new()
        .route("/work", post(async || "done"))
        .route("/wait", post(wait))
        .layer(audit.intent_layer())
        .layer(from_fn(alice))
        .layer(audit.layer());
    serve(router).await
}

/// Sends requests until one is refused for want of a record; how many were answered.
async fn until_refused(addr: std::net::SocketAddr) -> u32 {
    for answered in 0..20_000 {
        let answer = Wire::post(addr, "/work").await.until("\r\n\r\n").await.to_owned();
        if answer.starts_with("HTTP/1.1 503") {
            return answered;
        }
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }
    panic!("it is never full");
}

/// A disk becomes full while a request runs, and has room again after `make_room`.
async fn fills_up(audit: &Audit, dir: &Path, make_room: impl FnOnce()) {
    let go = Arc::new(Notify::new());
    let addr = served(audit, &go).await;
    let mut running = Wire::post(addr, "/wait").await;
    assert!(until_refused(addr).await > 0);
    Wire::post(addr, "/work").await.until("audit_unavailable").await;
    assert!(!audit.is_ready());
    go.notify_one();
    running.until("waited").await;
    assert!(!audit.is_ready(), "the disk is still full");
    verify::verify(dir).expect("it verifies while the disk is full");

    make_room();
    eventually("it resumes by itself", || audit.is_ready()).await;
    Wire::post(addr, "/work").await.until("done").await;
    audit.close().await;
}

fn options(reserve: u64) -> Options {
    let patience = Duration::from_secs(if reserve > 0 { 20 } else { 1 });
    Options::new("n").reserve(reserve).patience(patience).retry(Duration::from_millis(20))
}

#[tokio::test]
async fn while_the_disk_is_full_what_runs_ends_on_record_and_nothing_new_begins() {
    let dir = Dir::new();
    let small = Small::new(&dir, 100_000);
    let audit = Audit::new(Log::open_on(small.clone(), options(50_000)).expect("it opens"));
    assert_eq!(small.kept.load(SeqCst), 50_000);
    fills_up(&audit, dir.path(), || {
        small.room.fetch_add(1_000_000, SeqCst);
    })
    .await;
    assert_eq!(small.kept.load(SeqCst), 50_000, "it is kept again");

    let records = records(&dir);
    let gap = records.iter().find(|record| record["kind"] == "gap").expect("it says that it did not work");
    assert_eq!(gap["decision"]["reason"], "log_unavailable");
    let of_kind = |kind: &str| kinds(&records).into_iter().filter(|k| *k == kind).count();
    assert_eq!(of_kind("intent"), of_kind("outcome"), "nothing was cut");
}

#[tokio::test]
async fn a_full_disk_without_kept_space_refuses_and_resumes_by_itself() {
    let dir = Dir::new();
    let small = Small::new(&dir, 50_000);
    let audit = Audit::new(Log::open_on(small.clone(), options(0)).expect("it opens"));
    let addr = served(&audit, &Arc::default()).await;
    assert!(until_refused(addr).await > 0);
    small.room.fetch_add(1_000_000, SeqCst);
    eventually("it resumes by itself", || audit.is_ready()).await;
    Wire::post(addr, "/work").await.until("done").await;
    audit.close().await;
    assert!(kinds(&records(&dir)).contains(&"gap"));
}

#[tokio::test]
async fn a_log_that_is_closed_while_the_disk_is_full_ends_with_its_stop_record() {
    let dir = Dir::new();
    let small = Small::new(&dir, 100_000);
    let audit = Audit::new(Log::open_on(small, options(50_000)).expect("it opens"));
    let addr = served(&audit, &Arc::default()).await;
    assert!(until_refused(addr).await > 0);
    audit.close().await;
    drop(audit);
    assert_eq!(kinds(&records(&dir)).last(), Some(&"stop"));
}

/// This program again, as the test `name`, behind `wrapper`.
fn again(wrapper: &[&str], script: &str, name: &str, dir: &Dir) -> std::process::Output {
    let this = std::env::current_exe().expect("this program");
    let (program, arguments) = wrapper.split_first().expect("a program");
    Command::new(program)
        .args(arguments)
        .args(["sh", "-c", script])
        .arg(this)
        .args(["--ignored", "--exact", name, "--nocapture"])
        .env("ATTACH_AUDIT_FULL", dir.path())
        .stdin(Stdio::null())
        .output()
        .expect("sh is there")
}

fn is_success(output: &std::process::Output) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{}\n{}", text(&output.stdout), text(&output.stderr));
    assert!(text(&output.stdout).contains("1 passed"), "{}", text(&output.stdout));
}

fn given() -> Option<std::path::PathBuf> {
    std::env::var_os("ATTACH_AUDIT_FULL").map(Into::into)
}

/// `EFBIG` by `RLIMIT_FSIZE`: each file holds 32 KiB at most.
#[cfg(unix)]
#[test]
fn a_file_that_may_not_grow_is_followed_by_another_and_nobody_notices() {
    let dir = Dir::new();
    let script = "trap '' XFSZ; ulimit -f 64; exec \"$0\" \"$@\"";
    is_success(&again(&["env"], script, "full::too_large", &dir));
    let records = records(&dir);
    let ends = kinds(&records).into_iter().filter(|kind| *kind == "outcome").count();
    assert_eq!(ends, 100);
    assert!(dir.segments().len() > 2, "{:?}", dir.segments());
}

#[tokio::test]
#[ignore = "run by another test, as a process of its own"]
async fn too_large() {
    let Some(dir) = given() else { return };
    let audit = Audit::new(Log::open(&dir, options(1 << 20)).expect("it opens"));
    let addr = served(&audit, &Arc::default()).await;
    for _ in 0..100 {
        Wire::post(addr, "/work").await.until("done").await;
    }
    audit.close().await;
}

/// `ENOSPC` by a tmpfs of one MiB, mounted in a user namespace.
#[cfg(target_os = "linux")]
#[test]
fn a_file_system_that_is_full_is_no_different_from_the_simulated_one() {
    let wrapper = ["unshare", "--user", "--map-root-user", "--mount"];
    let mount = "mount -t tmpfs -o size=1m tmpfs \"$ATTACH_AUDIT_FULL\"";
    let dir = Dir::new();
    let may = Command::new(wrapper[0])
        .args(&wrapper[1..])
        .args(["sh", "-c", mount])
        .env("ATTACH_AUDIT_FULL", dir.path())
        .output();
    if !may.is_ok_and(|output| output.status.success()) {
        eprintln!(
            "SKIPPED: this machine lets nobody mount a tmpfs in a user namespace; ENOSPC was simulated only"
        );
        return;
    }
    is_success(&again(&wrapper, &format!("{mount} && exec \"$0\" \"$@\""), "full::small_disk", &dir));
}

#[tokio::test]
#[ignore = "run by another test, as a process of its own"]
async fn small_disk() {
    let Some(dir) = given() else { return };
    let other = dir.join("somebody-else's");
    std::fs::write(&other, vec![1; 400_000]).expect("there is room");
    let audit = Audit::new(Log::open(&dir, options(200_000)).expect("it opens"));
    fills_up(&audit, &dir, || std::fs::remove_file(&other).expect("removed")).await;
    verify::verify(&dir).expect("it verifies");
}
