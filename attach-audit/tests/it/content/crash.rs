use std::collections::{HashMap, HashSet};
use std::io::{self, BufRead, BufReader, Cursor, Read};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};

use attach_audit::Audit;
use attach_audit::content::{Auditor, Contents, Keep};
use attach_audit::log::{Log, Options, Segment, Storage};

use super::{Ask, key, open};
use crate::support::Dir;

/// Files in memory: what of them is durable, and on what the next sync fails.
#[derive(Clone, Default)]
struct Files(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    files: HashMap<String, (Vec<u8>, usize)>,
    fail_content: bool,
    /// Content lines that were durable when a record was handed over that refers to them.
    checked: usize,
}

struct OneFile(String, Files);

impl Storage for Files {
    fn list(&self) -> io::Result<Vec<String>> {
        Ok(self.0.lock().unwrap().files.keys().cloned().collect())
    }

    fn read(&self, name: &str) -> io::Result<Box<dyn Read>> {
        Ok(Box::new(Cursor::new(self.0.lock().unwrap().files[name].0.clone())))
    }

    fn create(&self, name: &str) -> io::Result<Box<dyn Segment>> {
        let before = self.0.lock().unwrap().files.insert(name.into(), Default::default());
        assert!(before.is_none(), "{name} is there");
        Ok(Box::new(OneFile(name.into(), self.clone())))
    }

    fn remove(&self, name: &str) {
        self.0.lock().unwrap().files.remove(name);
    }
}

impl Segment for OneFile {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut state = self.1.0.lock().unwrap();
        for line in String::from_utf8_lossy(bytes).lines().filter(|_| self.0.starts_with("audit-")) {
            let record: serde_json::Value = serde_json::from_str(line).expect("JSON");
            let Some(id) = record["content"]["ref"].as_str() else { continue };
            let beside = self.0.replace("audit-", "content-");
            let (content, durable) = &state.files[&beside];
            assert!(String::from_utf8_lossy(&content[..*durable]).contains(id), "{id} is not durable");
            state.checked += 1;
        }
        state.files.get_mut(&self.0).expect("there").0.extend_from_slice(bytes);
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        let mut state = self.1.0.lock().unwrap();
        if self.0.starts_with("content-") && std::mem::take(&mut state.fail_content) {
            return Err(io::Error::other("on purpose"));
        }
        let (bytes, durable) = state.files.get_mut(&self.0).expect("there");
        *durable = bytes.len();
        Ok(())
    }
}

fn on(files: &Files) -> Audit {
    let log = Log::open_on(files.clone(), Options::new("n").segment_bytes(4000)).expect("it opens");
    Audit::new(log).contents(Contents::new(key()).keep(|_, _| Keep::Redacted))
}

#[tokio::test]
async fn content_is_durable_before_the_record_that_refers_to_it_across_segments() {
    let files = Files::default();
    let audit = on(&files);
    for _ in 0..40 {
        Ask::new(&["told"]).send(&audit).await.expect("whole");
    }
    audit.close().await;
    let state = files.0.lock().unwrap();
    assert_eq!(state.checked, 40);
    assert!(state.files.keys().filter(|name| name.starts_with("content-")).count() > 3);
}

#[tokio::test]
async fn much_content_begins_another_segment() {
    let files = Files::default();
    let audit = on(&files);
    Ask::new(&[&"x".repeat(60_000)]).send(&audit).await.expect("whole");
    Ask::new(&["short"]).send(&audit).await.expect("whole");
    let state = files.0.lock().unwrap();
    assert_eq!(state.files.keys().filter(|name| name.starts_with("content-")).count(), 2);
}

#[tokio::test]
async fn content_that_could_not_be_written_goes_to_the_next_segment_with_its_record() {
    let files = Files::default();
    let audit = on(&files);
    Ask::new(&["one"]).send(&audit).await.expect("whole");
    files.0.lock().unwrap().fail_content = true;
    Ask::new(&["two"]).send(&audit).await.expect("it is written again");
    Ask::new(&["three"]).send(&audit).await.expect("whole");
    let state = files.0.lock().unwrap();
    assert_eq!(state.checked, 3);
    assert!(!state.fail_content && state.files.len() == 4, "{:?}", state.files.keys());
}

/// Not a test by itself: the process that the next test kills.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "run by another test, as a process of its own"]
async fn child() {
    let Some(dir) = std::env::var_os("ATTACH_AUDIT_CHILD") else { return };
    let public = std::env::var("ATTACH_AUDIT_PUBLIC").expect("a key");
    let audit = open(dir.as_ref(), &public, Keep::Sealed, |contents| contents);
    for _ in 0..8 {
        let audit = audit.clone();
        tokio::spawn(async move {
            loop {
                let answer = Ask::new(&["told ", "you"]).send(&audit).await.expect("whole");
                println!("answered {}", answer.id);
            }
        });
    }
    std::future::pending::<()>().await;
}

#[test]
fn every_record_has_its_content_after_a_kill() {
    let (public, secret) = attach_audit::content::keygen();
    let auditor = Auditor::parse(&secret).expect("a key");
    let dir = Dir::new();
    let mut answered = HashSet::new();
    for round in 0..4 {
        let mut child = Command::new(std::env::current_exe().expect("this program"))
            .args(["--ignored", "--exact", "content::crash::child", "--nocapture"])
            .env("ATTACH_AUDIT_CHILD", dir.path())
            .env("ATTACH_AUDIT_PUBLIC", &public)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("a child");
        let lines = BufReader::new(child.stdout.take().expect("piped")).lines();
        let mut ids =
            lines.map_while(Result::ok).filter_map(|line| line.strip_prefix("answered ").map(str::to_owned));
        answered.extend(ids.by_ref().take(20 + 17 * round));
        child.kill().expect("killed");
        answered.extend(ids.filter(|id| id.len() == 36));
        child.wait().expect("gone");
    }
    assert!(answered.len() > 100);
    let mut referring = HashSet::new();
    for file in dir.segments() {
        let bytes = std::fs::read(file).expect("readable");
        let records = bytes.split_inclusive(|byte| *byte == b'\n').filter_map(|line| {
            serde_json::from_slice::<serde_json::Value>(line).ok().filter(|one| one["kind"] == "outcome")
        });
        for record in records {
            assert!(record["content"]["ref"].is_string(), "{record}");
            referring.insert(record["req_id"].as_str().expect("an id").to_owned());
        }
    }
    assert!(answered.is_subset(&referring));
    for id in &referring {
        let opened = auditor.open(dir.path(), id).unwrap_or_else(|why| panic!("{id}: {why}"));
        assert_eq!(opened.answer, b"told you");
    }
}
