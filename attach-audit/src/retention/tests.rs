use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use super::inventory::Inventory;
use super::*;
use crate::Deed;
use crate::log::{Log, Options};
use crate::verify::verify;

struct Scene {
    dir: PathBuf,
    audit: Audit,
    tail: Tail,
}

impl Drop for Scene {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.dir);
    }
}

/// A segment for each record, and patience for a machine that has much to do.
fn options() -> Options {
    Options::new("n").segment_bytes(1).reserve(0).patience(Duration::from_secs(60))
}

impl Scene {
    /// A log of `segments` segments, each with content beside it.
    async fn new(segments: usize) -> Self {
        let dir = std::env::temp_dir().join(format!("attach-keep-{}", uuid::Uuid::now_v7()));
        let log = Log::open(&dir, options()).expect("it opens");
        let (tail, audit) = (log.tail().expect("a directory"), Audit::new(log));
        let scene = Self { dir, audit, tail };
        for _ in 1..segments {
            scene.audit.record(&Deed::admin("test", "somebody")).await.expect("recorded");
        }
        for name in scene.names() {
            fs::write(scene.dir.join(name.replace("audit-", "content-")), b"kept beside").expect("written");
        }
        assert_eq!(scene.names().len(), segments);
        scene.settled().await;
        scene
    }

    /// Who waits for a record may be told before who reads the log.
    async fn settled(&self) {
        while self.names().last() != Some(&self.tail.current().to_string()) {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    fn names(&self) -> Vec<String> {
        let mut names: Vec<_> = self.files().into_iter().filter(|name| name.starts_with("audit-")).collect();
        names.sort();
        names
    }

    fn files(&self) -> Vec<String> {
        let files = fs::read_dir(&self.dir).expect("there");
        let name = |entry: io::Result<fs::DirEntry>| entry.expect("there").file_name().into_string();
        files.map(|entry| name(entry).expect("text")).filter(|name| name.ends_with(".jsonl")).collect()
    }

    fn keep(&self, keep: Keep) -> Retention {
        Retention::new(self.audit.clone(), self.tail.clone(), keep)
    }

    /// All records of a kind of deed.
    fn deeds(&self, action: &str) -> Vec<serde_json::Value> {
        verify(&self.dir).expect("it verifies");
        let text: String =
            self.names().iter().map(|name| fs::read_to_string(self.dir.join(name)).expect("read")).collect();
        let records = text.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).expect("JSON"));
        records.filter(|record| record["decision"]["reason"] == action).collect()
    }
}

const NOTHING: Keep = Keep::everything().age(Duration::ZERO);

#[test]
fn the_default_covers_twelve_months_and_bounds_no_size() {
    assert_eq!((Keep::default().age, Keep::default().size), (Some(Duration::from_secs(34_560_000)), None));
}

#[tokio::test]
async fn what_is_too_old_goes_with_what_is_kept_beside_it_and_the_current_one_stays() {
    let scene = Scene::new(4).await;
    let before = scene.names();
    let swept = scene.keep(NOTHING).sweep().expect("swept");
    // What was current when it began became old by the record about the first deletion.
    assert_eq!(swept.deleted[..3], before[..3]);
    assert_eq!(swept.stuck, None);
    assert!(scene.files().len() <= 4, "{:?}", scene.files());
    let report = verify(&scene.dir).expect("what is left verifies");
    assert!(report.to_string().contains("which retention deleted because of its age: record"), "{report}");
    assert_eq!(report.warnings, []);
    // Somebody deletes one more.
    fs::remove_file(scene.dir.join(&scene.names()[0])).expect("removed");
    let report = verify(&scene.dir).expect("what is left verifies");
    let [warning] = &report.warnings[..] else { panic!("{report}") };
    assert_eq!(warning.fault, crate::verify::Fault::Unexplained);
    assert!(warning.to_string().contains("no record says that they were deleted"), "{warning}");
}

#[tokio::test]
async fn a_deletion_is_on_record_with_what_was_deleted() {
    let scene = Scene::new(2).await;
    let first = scene.names()[0].clone();
    let text = fs::read_to_string(scene.dir.join(&first)).expect("read");
    let last: serde_json::Value = serde_json::from_str(text.lines().last().expect("one")).expect("JSON");
    // Enough for all but the first.
    let size = Inventory::of(&scene.dir).expect("read").bytes - 1;
    let swept = scene.keep(Keep::everything().size(size)).sweep().expect("swept");
    assert_eq!(swept.deleted[0], first);
    let deeds = scene.deeds("retention.delete");
    let deed = deeds.iter().find(|deed| deed["custom"]["target"] == first).expect("on record");
    assert_eq!(deed["kind"], "admin");
    assert_eq!(deed["actor"]["uid"], "retention");
    assert_eq!(deed["custom"]["because"], "size");
    assert_eq!(deed["custom"]["first_seq"], "0");
    assert_eq!(deed["custom"]["last_seq"], last["seq"].to_string());
    assert_eq!(deed["custom"]["last_hash"], last["hash"]);
    assert_eq!(deed["custom"]["content"], "deleted with it");
}

#[tokio::test]
async fn what_is_young_enough_and_fits_stays() {
    let scene = Scene::new(3).await;
    let keep = Keep::default().size(1 << 30);
    assert_eq!(scene.keep(keep).sweep().expect("swept"), Swept::default());
    assert_eq!(scene.names().len(), 3);
}

#[tokio::test]
async fn what_a_target_does_not_have_stays_until_it_does() {
    let scene = Scene::new(4).await;
    let names = scene.names();
    let stuck = Some("it has not been sent everywhere yet");
    let nothing = scene.keep(NOTHING).shipped(|| Some(None)).sweep().expect("swept");
    assert_eq!((nothing.deleted.len(), nothing.stuck), (0, stuck));
    let small = scene.keep(Keep::everything().size(1)).shipped(|| Some(None)).sweep().expect("swept");
    assert_eq!((small.deleted.len(), small.stuck), (0, stuck), "a full log is no reason to lose records");
    let at: Position = format!("{}:5", names[2]).parse().expect("a position");
    let some = scene.keep(NOTHING).shipped(move || Some(Some(at.clone()))).sweep().expect("swept");
    assert_eq!((some.deleted, some.stuck), (names[..2].to_vec(), stuck));
    verify(&scene.dir).expect("what is left verifies");
}

#[tokio::test]
async fn nothing_goes_under_a_legal_hold_which_is_on_record_with_its_end() {
    let scene = Scene::new(3).await;
    let mut retention = scene.keep(NOTHING);
    Hold::place(&scene.dir, "", "case 17", "root").expect("placed");
    let swept = retention.sweep().expect("swept");
    assert_eq!((swept.deleted.len(), swept.stuck), (0, Some("there is a legal hold")));
    retention.sweep().expect("swept");
    let held = scene.deeds("retention.hold");
    assert_eq!(held.len(), 1, "once");
    assert_eq!((&held[0]["custom"]["reason"], &held[0]["custom"]["by"]), (&"case 17".into(), &"root".into()));

    assert_eq!(&*Hold::all(&scene.dir).expect("read")[0].reason, "case 17");
    assert!(Hold::release(&scene.dir, "", "case closed", "root").expect("released").is_some());
    assert_eq!(Hold::release(&scene.dir, "", "again", "root").expect("nothing to do"), None);
    // Keeps all of it, so that the record about the end can be read.
    let mut later = scene.keep(Keep::everything());
    later.sweep().expect("swept");
    later.sweep().expect("swept");
    let released = scene.deeds("retention.release");
    assert_eq!(released.len(), 1, "once");
    assert_eq!(released[0]["custom"]["reason"], "case closed");
    assert!(!retention.sweep().expect("swept").deleted.is_empty());
}

#[tokio::test]
async fn of_several_holds_the_last_to_end_lets_go() {
    let scene = Scene::new(3).await;
    let mut retention = scene.keep(NOTHING);
    for case in ["case-17", "case-18"] {
        Hold::place(&scene.dir, case, "a reason", "root").expect("placed");
    }
    Hold::place(&scene.dir, "../case", "a reason", "root").expect_err("no name");
    assert_eq!(retention.sweep().expect("swept").stuck, Some("there is a legal hold"));
    let names = |action| {
        let names = scene.deeds(action).into_iter().map(|deed| deed["custom"]["name"].clone());
        names.collect::<Vec<_>>()
    };
    assert_eq!(names("retention.hold"), ["case-17", "case-18"]);
    assert_eq!(Hold::release(&scene.dir, "", "closed", "root").expect("none of this name"), None);
    assert!(Hold::release(&scene.dir, "case-17", "closed", "root").expect("released").is_some());
    assert_eq!(retention.sweep().expect("swept").stuck, Some("there is a legal hold"));
    assert_eq!(names("retention.release"), ["case-17"]);
    assert_eq!(names("retention.hold").len(), 2, "the other is on record already");
    assert!(Hold::release(&scene.dir, "case-18", "closed", "root").expect("released").is_some());
    assert!(!retention.sweep().expect("swept").deleted.is_empty());
}

#[tokio::test]
async fn a_marker_that_says_nothing_holds_as_well() {
    for marker in ["hold", "hold-case-17.txt"] {
        let scene = Scene::new(2).await;
        fs::write(scene.dir.join(marker), b"").expect("written");
        assert!(scene.keep(NOTHING).sweep().expect("swept").deleted.is_empty(), "{marker}");
    }
}

#[tokio::test]
async fn content_without_its_segment_is_deleted_unless_the_segment_is_still_to_come() {
    let scene = Scene::new(3).await;
    let current = scene.names().pop().expect("one");
    let content = |segment: &str| segment.replacen("audit-", "content-", 1);
    let n = |n: u64| {
        let (chain, _) = current.rsplit_once('-').expect("a chain and a number");
        content(&format!("{chain}-{n:06}.jsonl"))
    };
    let lost = content(&scene.names()[0]);
    fs::remove_file(scene.dir.join(&scene.names()[0])).expect("removed");
    let coming = n(900_000);
    fs::write(scene.dir.join(&coming), b"{}\n").expect("written");
    Hold::place(&scene.dir, "", "case 17", "root").expect("placed");
    let mut retention = scene.keep(Keep::everything());
    assert!(retention.sweep().expect("swept").deleted.is_empty(), "not under a legal hold");
    Hold::release(&scene.dir, "", "closed", "root").expect("released");
    assert_eq!(retention.sweep().expect("swept").deleted, std::slice::from_ref(&lost));
    assert!(!scene.dir.join(&lost).exists() && scene.dir.join(&coming).exists());
    assert_eq!(scene.deeds("retention.delete")[0]["custom"]["target"], lost.as_str());
}

#[tokio::test]
async fn what_cannot_be_recorded_is_not_done() {
    let scene = Scene::new(3).await;
    scene.audit.close().await;
    let swept = scene.keep(NOTHING).sweep().expect("swept");
    assert_eq!((swept.deleted.len(), swept.stuck), (0, Some("that it is deleted cannot be recorded")));
    assert_eq!(scene.names().len(), 4, "the last is the stop record's");
}

#[tokio::test]
async fn a_segment_that_was_given_up_on_goes_with_the_one_it_stands_behind() {
    let mut scene = Scene::new(2).await;
    let names = scene.names();
    // Closes the log.
    scene.audit = Audit::new(crate::Memory::new());
    // A crash before the head of the next was whole.
    let torn = names[1].replace("-000001.", "-000002.");
    fs::write(scene.dir.join(&torn), b"{\"v\":1").expect("written");
    let log = Log::open(&scene.dir, options()).expect("it opens");
    (scene.tail, scene.audit) = (log.tail().expect("a directory"), Audit::new(log));
    verify(&scene.dir).expect("it verifies before");

    let swept = scene.keep(NOTHING).sweep().expect("swept");
    assert_eq!(swept.deleted[..3], [names[0].clone(), torn, names[1].clone()]);
    verify(&scene.dir).expect("what is left verifies");
}

#[tokio::test]
async fn it_sweeps_by_itself_and_ends_when_it_is_let_go() {
    let scene = Scene::new(3).await;
    let first = scene.dir.join(&scene.names()[0]);
    let sweeping = scene.keep(NOTHING).interval(Duration::from_millis(5)).start().expect("a thread");
    for _ in 0..2000 {
        if !first.exists() {
            drop(sweeping);
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("it does not go");
}

#[tokio::test]
async fn other_bounds_are_in_force_at_once() {
    let scene = Scene::new(3).await;
    let first = scene.dir.join(&scene.names()[0]);
    let sweeping = scene.keep(Keep::everything()).interval(Duration::MAX).start().expect("a thread");
    sweeping.bounds().set(NOTHING, 1.0);
    for _ in 0..2000 {
        if !first.exists() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("it does not go");
}
