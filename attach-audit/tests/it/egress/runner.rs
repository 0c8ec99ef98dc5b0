//! The loops, the cursors, the status.

use std::fs;
use std::sync::Arc;
use std::time::{Duration, Instant};

use attach_audit::egress::{Egress, Start};

use super::{Mood, Recorder, open, record, status, until, written};
use crate::support::Dir;

fn to(egress: Egress, target: &Recorder) -> Egress {
    egress.to(Arc::new(target.clone())).expect("a target")
}

#[tokio::test]
async fn every_record_arrives_once_and_in_order_over_segments_and_restarts() {
    let (dir, target) = (Dir::new(), Recorder::new("siem"));
    for _ in 0..3 {
        let (audit, tail) = open(&dir);
        let egress = to(Egress::new(tail, dir.path()), &target);
        record(&audit, 10).await;
        let working = async {
            record(&audit, 20).await;
            audit.close().await;
        };
        tokio::join!(egress.run(), working);
        assert_eq!(target.seen(), written(&dir));
        let status = status(&egress);
        assert!(status.up && status.lag_bytes == 0 && status.lag.is_zero(), "{status:?}");
        assert_eq!((status.rejected, status.skipped, status.failures), (0, 0, 0));
    }
    assert!(dir.segments().len() > 6, "segments are small");
}

#[cfg(unix)]
#[tokio::test]
async fn the_cursor_is_a_private_file_that_says_where_it_is() {
    use std::os::unix::fs::PermissionsExt;
    let (dir, target) = (Dir::new(), Recorder::new("siem"));
    let (audit, tail) = open(&dir);
    let egress = to(Egress::new(tail, dir.path()), &target);
    assert_eq!(egress.shipped().by_all(), Some(None));
    tokio::join!(egress.run(), async { audit.close().await });
    let path = dir.path().join("egress-siem.cursor");
    assert_eq!(fs::metadata(&path).expect("there").permissions().mode() & 0o777, 0o600);
    let cursor: serde_json::Value =
        serde_json::from_slice(&fs::read(&path).expect("readable")).expect("JSON");
    let position = status(&egress).position.expect("somewhere");
    assert_eq!(cursor, serde_json::json!({ "position": position.to_string(), "seq": 1 }));
    assert_eq!(egress.shipped().by_all(), Some(Some(position)));

    fs::write(&path, "{}").expect("written");
    let (_audit, tail) = open(&dir);
    let error = Egress::new(tail, dir.path()).to(Arc::new(target)).expect_err("no cursor");
    assert!(error.to_string().contains("egress-siem.cursor"), "{error}");
}

#[tokio::test]
async fn a_receiver_that_is_down_or_stuck_delays_neither_the_log_nor_the_others() {
    let dir = Dir::new();
    let (down, stuck, well) = (Recorder::new("down"), Recorder::new("stuck"), Recorder::new("well"));
    down.set(Mood::Fails);
    stuck.set(Mood::Hangs);
    let (audit, tail) = open(&dir);
    let egress = [&down, &stuck, &well].into_iter().fold(Egress::new(tail, dir.path()), to);
    let working = async {
        record(&audit, 20).await;
        let written = written(&dir).len();
        until("the well one has all", || well.seen().len() == written).await;
        until("lags are known", || {
            egress.status().iter().all(|one| *one.name == *"well" || one.lag_bytes > 0)
        })
        .await;
        let all = egress.status();
        assert!(!all[0].up && all[0].failures > 0 && !all[0].lag.is_zero(), "{all:?}");
        assert_eq!(all[0].problem.as_deref(), Some("not delivered: not today"));
        assert!(all[1].up && !all[1].lag.is_zero(), "{all:?}");
        down.set(Mood::Takes);
        until("the other is back", || down.seen().len() == written).await;
        until("it says so", || egress.status()[0].up).await;
        let began = Instant::now();
        audit.close().await;
        began
    };
    let ((), closing) = tokio::join!(egress.run(), working);
    assert!(closing.elapsed() < Duration::from_secs(60), "the end does not wait for who is stuck");
    assert_eq!((down.seen(), well.seen()), (written(&dir), written(&dir)));
    assert!(stuck.seen().is_empty());
    assert_eq!(egress.shipped().by_all(), Some(None), "what is stuck has nothing");

    // After the next start it has everything.
    stuck.set(Mood::Takes);
    let (audit, tail) = open(&dir);
    let egress = to(Egress::new(tail, dir.path()), &stuck);
    tokio::join!(egress.run(), async { audit.close().await });
    assert_eq!(stuck.seen(), written(&dir));
}

#[tokio::test]
async fn a_target_that_panics_begins_again_where_it_was() {
    let (dir, target) = (Dir::new(), Recorder::new("siem"));
    let (audit, tail) = open(&dir);
    let egress = to(Egress::new(tail, dir.path()), &target).drain(Duration::from_secs(60));
    let working = async {
        record(&audit, 3).await;
        until("the first have arrived", || target.seen().len() == 4).await;
        target.set(Mood::Panics);
        record(&audit, 3).await;
        until("it has panicked", || target.mood() == Mood::Takes).await;
        audit.close().await;
    };
    tokio::join!(egress.run(), working);
    assert_eq!(target.seen(), written(&dir));
}

#[tokio::test]
async fn records_deleted_before_they_were_sent_are_counted() {
    let (dir, target) = (Dir::new(), Recorder::new("siem"));
    let (audit, tail) = open(&dir);
    let egress = to(Egress::new(tail, dir.path()), &target);
    tokio::join!(egress.run(), async { audit.close().await });
    assert_eq!(target.seen().len(), 2);
    // A start whose records nobody is sent, but for its last segment all of it deleted.
    let (audit, _) = open(&dir);
    record(&audit, 40).await;
    audit.close().await;
    drop(audit);
    let all = written(&dir).len() as u64;
    let segments = dir.segments();
    let (last, gone) = segments[1..].split_last().expect("segments");
    assert!(gone.len() > 2);
    gone.iter().for_each(|file| fs::remove_file(file).expect("removed"));
    let kept = fs::read_to_string(last).expect("readable").lines().count() as u64;

    let (audit, tail) = open(&dir);
    let egress = to(Egress::new(tail, dir.path()), &target);
    tokio::join!(egress.run(), async { audit.close().await });
    let status = status(&egress);
    assert_eq!(status.skipped, all - 2 - kept);
    assert_eq!(target.seen().len() as u64, 2 + kept + 2);
    assert_eq!(status.sent, kept + 2);
}

#[tokio::test]
async fn a_segment_that_goes_while_it_is_read_keeps_nobody_from_the_rest() {
    let (dir, target) = (Dir::new(), Recorder::new("siem"));
    target.set(Mood::Fails);
    let (audit, tail) = open(&dir);
    record(&audit, 40).await;
    let egress = to(Egress::new(tail, dir.path()), &target).drain(Duration::from_secs(60));
    let working = async {
        until("it tries", || status(&egress).failures > 0).await;
        let segments = dir.segments();
        let (_, gone) = segments.split_last().expect("segments");
        gone.iter().for_each(|file| fs::remove_file(file).expect("removed"));
        target.set(Mood::Takes);
        record(&audit, 3).await;
        audit.close().await;
    };
    tokio::join!(egress.run(), working);
    let last = written(&dir).pop().expect("a record");
    assert_eq!(target.seen().pop(), Some(last));
}

#[tokio::test]
async fn a_new_target_may_begin_now() {
    let (dir, target) = (Dir::new(), Recorder::new("siem"));
    let (audit, tail) = open(&dir);
    record(&audit, 5).await;
    let egress =
        Egress::new(tail, dir.path()).to_from(Arc::new(target.clone()), Start::Now).expect("a target");
    // It is kept that it began here, whatever happens next.
    drop(egress);
    record(&audit, 5).await;
    audit.close().await;
    drop(audit);
    let (audit, tail) = open(&dir);
    let egress =
        Egress::new(tail, dir.path()).to_from(Arc::new(target.clone()), Start::Now).expect("a target");
    tokio::join!(egress.run(), async { audit.close().await });
    assert_eq!(target.seen(), written(&dir)[6..].to_vec());
    assert_eq!(status(&egress).skipped, 0);
}

#[tokio::test]
async fn a_log_of_another_name_in_the_directory_is_begun_from_its_first_record() {
    let (dir, target) = (Dir::new(), Recorder::new("siem"));
    fs::write(
        dir.path().join("egress-siem.cursor"),
        r#"{"position":"audit-zzz-0000000000001-000000.jsonl:10","seq":1}"#,
    )
    .expect("written");
    let (audit, tail) = open(&dir);
    let egress = to(Egress::new(tail, dir.path()), &target);
    tokio::join!(egress.run(), async { audit.close().await });
    assert_eq!(target.seen(), written(&dir));
}

#[tokio::test]
async fn what_a_receiver_rejects_is_counted_and_not_sent_again() {
    let (dir, target) = (Dir::new(), Recorder::new("siem"));
    target.set(Mood::Rejects(1));
    let (audit, tail) = open(&dir);
    record(&audit, 5).await;
    audit.close().await;
    drop(audit);
    let egress = to(Egress::new(tail, dir.path()), &target);
    egress.run().await;
    let status = status(&egress);
    assert_eq!((status.sent, status.rejected, target.seen().len()), (6, 1, 7));
}

#[tokio::test]
async fn names_are_unique_and_no_paths() {
    let dir = Dir::new();
    let (_audit, tail) = open(&dir);
    for name in ["", "../siem", "a b", "a/b"] {
        let error = Egress::new(tail.clone(), dir.path()).to(Arc::new(Recorder::new(name))).expect_err(name);
        assert_eq!(error.kind(), std::io::ErrorKind::InvalidInput);
    }
    let egress = to(Egress::new(tail, dir.path()), &Recorder::new("siem"));
    egress.to(Arc::new(Recorder::new("siem"))).expect_err("twice");
}

#[tokio::test]
async fn another_egress_goes_on_where_one_was_stopped() {
    let (dir, old, stays, new) =
        (Dir::new(), Recorder::new("old"), Recorder::new("stays"), Recorder::new("new"));
    let (audit, tail) = open(&dir);
    let first = to(to(Egress::new(tail.clone(), dir.path()), &old), &stays);
    record(&audit, 10).await;
    // One that hangs does not keep it from stopping.
    let told = tokio::sync::Notify::new();
    let working = async {
        let all = written(&dir);
        until("all of it", || old.seen() == all && stays.seen() == all).await;
        old.set(Mood::Hangs);
        record(&audit, 5).await;
        let more = written(&dir);
        until("the rest", || stays.seen() == more).await;
        told.notify_one();
        (all, more)
    };
    let ((), (all, more)) = tokio::join!(first.run_until(told.notified()), working);
    record(&audit, 5).await;
    assert_eq!((old.seen(), stays.seen()), (all, more), "nothing is sent any more");
    let second = to(to(Egress::new(tail, dir.path()), &stays), &new);
    assert_eq!(second.shipped().by_all(), Some(None), "the new one has nothing yet");
    tokio::join!(second.run(), async { audit.close().await });
    assert_eq!(stays.seen(), written(&dir), "once, and in order");
    assert_eq!(new.seen(), written(&dir), "from the oldest record on");
}
