//! What a log finds and says when it is opened again.

use std::fs::{self, OpenOptions};
use std::io::Write;

use attach_audit::log::{Log, Options};
use attach_audit::{Audit, verify};
use axum::Router;
use axum::middleware::from_fn;
use axum::routing::post;

use crate::support::{Dir, Wire, alice, eventually, kinds, peer, serve};

fn open(dir: &Dir) -> Audit {
    let options = Options::new("node-1").build("0.1.0+test").config_hash("c0ffee").without("tls");
    Audit::new(Log::open(dir.path(), options).expect("it opens"))
}

fn router(audit: &Audit) -> Router {
    Router::new()
        .route("/v1/chat/completions", post(async || "done"))
        .route("/hang", post(async || std::future::pending::<()>().await))
        .layer(audit.intent_layer())
        .layer(from_fn(alice))
        .layer(audit.layer())
        .layer(from_fn(peer))
}

#[tokio::test]
async fn a_request_is_on_disk_when_it_is_answered() {
    let dir = Dir::new();
    let audit = open(&dir);
    let addr = serve(router(&audit)).await;
    Wire::post(addr, "/v1/chat/completions").await.until("done").await;
    let records = dir.records();
    assert_eq!(kinds(&records), ["start", "intent", "outcome"]);
    assert_eq!(records[0]["protections_off"], serde_json::json!(["tls", "signed_checkpoints", "egress"]));
    assert_eq!(records[2]["cfg_hash"], "c0ffee");
    audit.close().await;
    assert_eq!(kinds(&dir.records()), ["start", "intent", "outcome", "stop"]);
    Wire::post(addr, "/v1/chat/completions").await.until("audit_unavailable").await;
}

#[cfg(unix)]
#[tokio::test]
async fn only_the_owner_can_read_the_log() {
    use std::os::unix::fs::PermissionsExt;
    let dir = Dir::new();
    let inner = dir.path().join("audit");
    let log = Log::open(&inner, Options::new("n")).expect("it opens");
    assert_eq!(fs::metadata(&inner).expect("there").permissions().mode() & 0o777, 0o700);
    for file in fs::read_dir(&inner).expect("listable") {
        let metadata = file.expect("an entry").metadata().expect("there");
        assert_eq!(metadata.permissions().mode() & 0o777, 0o600);
    }
    drop(log);
}

#[tokio::test]
async fn a_directory_has_one_writer() {
    let dir = Dir::new();
    let first = Log::open(dir.path(), Options::new("n")).expect("it opens");
    let error = Log::open(dir.path(), Options::new("n")).expect_err("it is locked");
    assert_eq!(error.kind(), std::io::ErrorKind::WouldBlock);
    drop(first);
    Log::open(dir.path(), Options::new("n")).expect("it is free again");
}

#[tokio::test]
async fn what_a_crash_leaves_open_is_an_orphan_and_a_torn_tail_is_noted() {
    let dir = Dir::new();
    let audit = open(&dir);
    let addr = serve(router(&audit)).await;
    Wire::post(addr, "/v1/chat/completions").await.until("done").await;
    let client = Wire::post(addr, "/hang").await;
    eventually("the intent is there", || dir.records().len() == 4).await;
    // As it was at this moment, and half a record more.
    let after = Dir::new();
    for file in dir.segments() {
        fs::copy(&file, after.path().join(file.file_name().expect("a name"))).expect("copied");
    }
    drop(client);
    let torn = b"{\"v\":1,\"id\":\"0190a3c5-00";
    OpenOptions::new()
        .append(true)
        .open(&after.segments()[0])
        .and_then(|mut f| f.write_all(torn))
        .expect("torn");

    drop(open(&after));
    let report = verify::verify(after.path()).expect("a torn tail is no tampering");
    assert!(report.to_string().contains("24 bytes of a torn or unfinished write after record 3"), "{report}");
    assert_eq!(report.chains.len(), 2);
    let second = fs::read_to_string(&after.segments()[1]).expect("readable");
    let second: Vec<_> = second.lines().map(crate::schema::checked).collect();
    assert_eq!(kinds(&second), ["start", "orphan"]);
    assert_eq!(second[0]["after"]["disowned"], 24);
    assert_eq!(second[0]["after"]["seq"], 3);
    assert_eq!(second[0]["after"]["hash"], dir.records()[3]["hash"]);
    assert_eq!(second[1]["intent_id"], dir.records()[3]["id"]);
    assert_eq!((&second[1]["req_id"], &second[1]["end"]), (&dir.records()[3]["req_id"], &"crash".into()));

    drop(open(&after));
    let third = fs::read_to_string(&after.segments()[2]).expect("readable");
    assert_eq!(third.lines().count(), 1, "an orphan is written once: {third}");
}

#[tokio::test]
async fn segments_follow_each_other_and_carry_the_open_intents() {
    let dir = Dir::new();
    let options = Options::new("n").segment_bytes(1500);
    let audit = Audit::new(Log::open(dir.path(), options.clone()).expect("it opens"));
    let addr = serve(router(&audit)).await;
    let client = Wire::post(addr, "/hang").await;
    eventually("the intent is there", || dir.records().len() == 2).await;
    for _ in 0..10 {
        Wire::post(addr, "/v1/chat/completions").await.until("done").await;
    }
    let segments = dir.segments();
    assert!(segments.len() > 3, "{segments:?}");
    let records = dir.records();
    let seqs: Vec<_> = records.iter().map(|record| record["seq"].as_u64().expect("a number")).collect();
    assert_eq!(seqs, (0..seqs.len() as u64).collect::<Vec<_>>());

    // Restarting reads the last segment alone, and still knows the intent that began in the first.
    let after = Dir::new();
    let last = segments.last().expect("there are some");
    fs::copy(last, after.path().join(last.file_name().expect("a name"))).expect("copied");
    drop(Audit::new(Log::open(after.path(), options).expect("it opens")));
    let found = fs::read_to_string(&after.segments()[1]).expect("readable");
    assert!(found.contains(records[1]["id"].as_str().expect("an id")), "{found}");
    assert!(verify::verify(after.path()).expect("verifies").to_string().contains("which is not here"));
    drop(client);
}

#[tokio::test]
async fn a_segment_without_a_record_is_passed_over() {
    let dir = Dir::new();
    drop(open(&dir));
    let first = dir.segments()[0].clone();
    let name =
        first.file_name().and_then(|name| name.to_str()).expect("a name").replace("-000000", "-000001");
    fs::write(dir.path().join(name), b"").expect("written");
    drop(open(&dir));
    assert_eq!(kinds(&dir.records()), ["start", "start"]);
}

/// Not a test by itself: the process that [`every_answered_request_survives_a_kill`] kills.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "run by another test, as a process of its own"]
async fn child() {
    use http::{Request, Response};
    use http_body_util::BodyExt;
    use tower::{ServiceBuilder, ServiceExt, service_fn};

    let Some(dir) = std::env::var_os("ATTACH_AUDIT_CHILD") else { return };
    let options = Options::new("n").segment_bytes(100_000);
    let audit = Audit::new(Log::open(dir.as_ref(), options).expect("it opens"));
    let echo_id = service_fn(async |mut request: Request<()>| {
        let id = attach_core::Exchange::of_request(&mut request).id().to_string();
        Ok::<_, std::convert::Infallible>(Response::new(attach_core::Body::from(bytes::Bytes::from(id))))
    });
    let service = ServiceBuilder::new().layer(audit.layer()).layer(audit.intent_layer()).service(echo_id);
    for _ in 0..16 {
        let service = service.clone();
        tokio::spawn(async move {
            loop {
                let answer = service.clone().oneshot(Request::new(())).await.expect("answered");
                assert_eq!(answer.status(), 200);
                let id = answer.into_body().collect().await.expect("whole").to_bytes();
                println!("answered {}", String::from_utf8_lossy(&id));
            }
        });
    }
    std::future::pending::<()>().await;
}

#[test]
fn every_answered_request_survives_a_kill() {
    use std::io::{BufRead, BufReader};
    use std::process::{Command, Stdio};

    let dir = Dir::new();
    let mut answered = Vec::new();
    for round in 0..5 {
        let mut child = Command::new(std::env::current_exe().expect("this program"))
            .args(["--ignored", "--exact", "crash::child", "--nocapture"])
            .env("ATTACH_AUDIT_CHILD", dir.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("a child");
        let lines = BufReader::new(child.stdout.take().expect("piped")).lines();
        let mut ids =
            lines.map_while(Result::ok).filter_map(|line| line.strip_prefix("answered ").map(str::to_owned));
        answered.extend(ids.by_ref().take(50 + 37 * round));
        child.kill().expect("killed");
        answered.extend(ids);
        child.wait().expect("gone");
    }
    drop(open_as(&dir, "n"));
    let records = dir_records_of_whole_lines(&dir);
    let of_kind = |kind: &str| -> std::collections::HashSet<&str> {
        records.iter().filter(|r| r["kind"] == kind).map(|r| r["req_id"].as_str().expect("an id")).collect()
    };
    // The last line may have been cut short by the kill.
    answered.retain(|id: &String| id.len() == 36);
    let (intents, outcomes, orphans) = (of_kind("intent"), of_kind("outcome"), of_kind("orphan"));
    for id in &answered {
        assert!(intents.contains(id.as_str()) && outcomes.contains(id.as_str()), "{id} was answered");
    }
    assert!(answered.len() > 300);
    for id in &intents {
        assert!(
            outcomes.contains(id) ^ orphans.contains(id),
            "{id} has an outcome or is an orphan, and not both"
        );
    }
}

fn open_as(dir: &Dir, node: &str) -> Audit {
    Audit::new(Log::open(dir.path(), Options::new(node)).expect("it opens"))
}

/// The records of a log that may have torn writes in it.
fn dir_records_of_whole_lines(dir: &Dir) -> Vec<serde_json::Value> {
    verify::verify(dir.path()).expect("it verifies");
    let read = |file| fs::read(file).expect("readable");
    let bytes: Vec<Vec<u8>> = dir.segments().into_iter().map(read).collect();
    let lines = bytes.iter().flat_map(|bytes| bytes.split_inclusive(|&byte| byte == b'\n'));
    lines.filter_map(|line| serde_json::from_slice(line).ok()).collect()
}

#[tokio::test]
async fn a_crash_in_the_very_first_start_is_no_tampering() {
    let dir = Dir::new();
    drop(open(&dir));
    let first = dir.segments()[0].clone();
    let name = |millis: &str| dir.path().join(format!("audit-node-1-{millis}-000000.jsonl"));
    fs::write(name("0000000000001"), b"").expect("written");
    fs::write(name("0000000000002"), b"{\"v\":1,\"id\":\"0190").expect("written");
    let report = verify::verify(dir.path()).expect("it verifies").to_string();
    assert!(report.contains("has no whole record and does not count"), "{report}");
    // What holds a record is another matter: the first says that there was nothing before it.
    fs::copy(first, name("0000000000003")).expect("copied");
    verify::verify(dir.path()).expect_err("a record from elsewhere");
}
