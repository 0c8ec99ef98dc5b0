//! The index: a cache that follows its log and is never trusted more than it.

use std::fs;
use std::path::Path;

use attach_audit::index::{Index, Search};
use attach_audit::log::Options;
use attach_audit::{Audit, Deed, Log};

use crate::support::Dir;

/// A log with so many deeds, over some segments.
async fn log(dir: &Path, deeds: usize) {
    let audit = Audit::new(Log::open(dir, Options::new("n").segment_bytes(4000)).expect("it opens"));
    for n in 0..deeds {
        audit.record(&Deed::admin("key.create", format!("admin-{}", n % 3))).await.expect("recorded");
    }
    audit.close().await;
}

fn by(index: &mut Index, user: &str) -> Vec<String> {
    let mut search = Search::default();
    search.user = Some(user.into());
    let mut lines = Vec::new();
    let found = index.find(&search, |found| {
        lines.push(String::from_utf8(found.line.to_vec()).expect("text"));
        Ok(())
    });
    found.expect("an answer");
    lines
}

#[tokio::test]
async fn it_takes_in_what_was_written_since_and_forgets_what_is_deleted() {
    let (dir, beside) = (Dir::new(), Dir::new());
    let file = beside.path().join("index.db");
    log(dir.path(), 30).await;
    let mut index = Index::open(&file).expect("a place");
    let first = index.update([dir.path()]).expect("built");
    assert!(first.rebuilt && first.records as usize == dir.records().len(), "{first:?}");
    assert_eq!(by(&mut index, "admin-1").len(), 10);
    assert!(!index.update([dir.path()]).expect("there").rebuilt);
    log(dir.path(), 6).await;
    let second = index.update([dir.path()]).expect("there");
    assert!(!second.rebuilt && (first.records + second.records) as usize == dir.records().len());
    assert_eq!(by(&mut index, "admin-1").len(), 12);
    drop(index);

    let segments = dir.segments();
    let left = segments.len() / 2;
    segments[..left].iter().for_each(|segment| fs::remove_file(segment).expect("removed"));
    let text: String = dir.segments().iter().map(|one| fs::read_to_string(one).expect("read")).collect();
    let mut index = Index::open(&file).expect("there");
    assert!(!index.update([dir.path()]).expect("there").rebuilt);
    let found = by(&mut index, "admin-1");
    assert_eq!(found.len(), text.lines().filter(|line| line.contains("\"uid\":\"admin-1\"")).count());
    assert!(found.len() < 12 && found.iter().all(|line| text.contains(line.as_str())));
}

#[tokio::test]
async fn a_person_whose_records_are_deleted_is_not_left_in_the_file() {
    let (dir, beside) = (Dir::new(), Dir::new());
    let file = beside.path().join("index.db");
    log(dir.path(), 3).await;
    let mut index = Index::open(&file).expect("a place");
    index.update([dir.path()]).expect("built");
    let holds = |name: &str| {
        let bytes = fs::read(&file).expect("read");
        bytes.windows(name.len()).any(|window| window == name.as_bytes())
    };
    assert!(holds("admin-2"));
    dir.segments().iter().for_each(|segment| fs::remove_file(segment).expect("removed"));
    log(dir.path(), 2).await;
    assert!(!index.update([dir.path()]).expect("there").rebuilt);
    assert!(holds("admin-1") && !holds("admin-2"));
}

#[tokio::test]
async fn a_damaged_index_is_built_again() {
    let (dir, beside) = (Dir::new(), Dir::new());
    let file = beside.path().join("index.db");
    log(dir.path(), 30).await;
    Index::open(&file).expect("a place").update([dir.path()]).expect("built");
    let whole = fs::read(&file).expect("read");
    for (from, to) in
        [(100, whole.len()), (4096, whole.len()), (4096, 8192), (16, 68), (whole.len() / 2, whole.len())]
    {
        let mut bad = whole.clone();
        bad[from..to].fill(0x5a);
        fs::write(&file, bad).expect("written");
        let mut index = Index::open(&file).expect("a place");
        index.update([dir.path()]).expect("built again");
        assert_eq!(by(&mut index, "admin-1").len(), 10, "{from}..{to}");
    }
    fs::write(&file, &whole[..whole.len() / 2]).expect("written");
    let mut index = Index::open(&file).expect("a place");
    index.update([dir.path()]).expect("built again");
    assert_eq!(by(&mut index, "admin-1").len(), 10);
}

#[tokio::test]
async fn a_log_that_is_not_the_one_that_was_indexed_is_indexed_anew() {
    let (dir, beside) = (Dir::new(), Dir::new());
    let file = beside.path().join("index.db");
    log(dir.path(), 9).await;
    let mut index = Index::open(&file).expect("a place");
    index.update([dir.path()]).expect("built");
    // Shorter than it was: what somebody who restores a backup does.
    let last = dir.segments().pop().expect("one");
    let text = fs::read_to_string(&last).expect("read");
    let kept: String = text.split_inclusive('\n').take(1).collect();
    fs::write(&last, kept).expect("written");
    assert!(index.update([dir.path()]).expect("built again").rebuilt);
    let text: String = dir.segments().iter().map(|one| fs::read_to_string(one).expect("read")).collect();
    assert_eq!(by(&mut index, "admin-1").len(), text.matches("\"uid\":\"admin-1\"").count());
}

#[cfg(unix)]
#[tokio::test]
async fn only_its_owner_reads_it() {
    use std::os::unix::fs::PermissionsExt;
    let (dir, beside) = (Dir::new(), Dir::new());
    log(dir.path(), 1).await;
    Index::open(beside.path().join("index.db")).expect("a place").update([dir.path()]).expect("built");
    for entry in fs::read_dir(beside.path()).expect("there") {
        let entry = entry.expect("there");
        assert_eq!(entry.metadata().expect("there").permissions().mode() & 0o777, 0o600, "{entry:?}");
    }
}

#[tokio::test]
async fn a_file_that_is_something_else_is_left_alone() {
    let (dir, beside) = (Dir::new(), Dir::new());
    let file = beside.path().join("notes.txt");
    log(dir.path(), 1).await;
    fs::write(&file, "mine").expect("written");
    let refused = Index::open(&file).expect_err("it is something else");
    assert_eq!(refused.kind(), std::io::ErrorKind::AlreadyExists);
    assert_eq!(fs::read_to_string(&file).expect("there"), "mine");
}

#[tokio::test]
async fn a_cursor_goes_through_all_of_it_until_the_index_is_built_again() {
    let (dir, beside) = (Dir::new(), Dir::new());
    log(dir.path(), 30).await;
    let mut index = Index::open(beside.path().join("index.db")).expect("a place");
    index.update([dir.path()]).expect("built");
    let mut search = Search::default();
    (search.user, search.limit) = (Some("admin-1".into()), Some(4));
    let mut pages = Vec::new();
    loop {
        let (mut page, mut first) = (Vec::new(), None);
        let found = index.find(&search, |found| {
            page.push(found.line.to_vec());
            first.get_or_insert(found.cursor.to_owned());
            Ok(())
        });
        found.expect("an answer");
        if page.is_empty() {
            break;
        }
        pages.insert(0, page);
        search.before = first;
    }
    assert_eq!(pages.iter().map(Vec::len).collect::<Vec<_>>(), [2, 4, 4]);
    (search.before, search.limit) = (None, None);
    let mut whole = Vec::new();
    let all = index.find(&search, |found| {
        whole.push(found.line.to_vec());
        search_cursor(found.cursor);
        Ok(())
    });
    all.expect("an answer");
    assert_eq!(pages.concat(), whole);
    search.before = Some("nonsense".into());
    let refused = index.find(&search, |_| Ok(())).expect_err("no cursor");
    assert_eq!(refused.kind(), std::io::ErrorKind::InvalidInput);
}

fn search_cursor(cursor: &str) {
    assert_eq!(cursor.split('.').count(), 4, "{cursor}");
}
