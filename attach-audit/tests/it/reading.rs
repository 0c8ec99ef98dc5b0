//! Reading logs back: many nodes, crashes, segments given up on.

use std::fs;
use std::path::Path;

use attach_audit::log::Options;
use attach_audit::read::Records;
use attach_audit::{Audit, Deed, Log};
use serde_json::Value;

use crate::support::Dir;

/// Writes a log of `n` deeds, in small segments.
async fn written(dir: &Path, node: &str, n: usize) {
    let audit = Audit::new(Log::open(dir, Options::new(node).segment_bytes(2000)).expect("it opens"));
    for n in 0..n {
        audit.record(&Deed::admin("key.create", format!("{node}-{n}"))).await.expect("recorded");
    }
    audit.close().await;
}

fn read(mut records: Records) -> Vec<Value> {
    let mut read = Vec::new();
    while let Some(line) = records.next().expect("readable") {
        read.push(serde_json::from_slice(line.bytes).expect("JSON"));
    }
    read
}

fn text<'a>(record: &'a Value, member: &str) -> &'a str {
    record[member].as_str().expect("text")
}

/// Every chain's numbers go up by one.
fn assert_gapless(records: &[Value]) {
    let mut next = std::collections::HashMap::new();
    for record in records {
        let seq = record["seq"].as_u64().expect("a number");
        let expected = next.entry(text(record, "chain").to_owned()).or_insert(0);
        assert_eq!(seq, *expected, "{record}");
        *expected += 1;
    }
}

#[tokio::test]
async fn all_nodes_of_a_collection_are_read_each_chain_in_order() {
    let dir = Dir::new();
    for (folder, node) in [("eu", "eu-1"), ("us", "us-1"), ("eu", "eu-1")] {
        written(&dir.path().join(folder), node, 12).await;
    }
    let records = read(Records::open([dir.path()]).expect("there"));
    assert_gapless(&records);
    assert_eq!(records.iter().filter(|record| record["kind"] == "admin").count(), 36);
    let nodes: Vec<_> = records.iter().map(|record| text(record, "node")).collect();
    assert!(nodes.is_sorted(), "one node after the other");

    let merged = read(Records::open([dir.path()]).expect("there").by_time());
    assert_gapless(&merged);
    assert_eq!(merged.len(), records.len());
    // The log's own records are made after the ones they are written before; deeds are in order.
    let mut nodes: Vec<_> = merged.iter().filter(|record| record["kind"] == "admin").collect();
    assert!(nodes.is_sorted_by_key(|record| text(record, "ts")));
    nodes.dedup_by_key(|record| text(record, "node"));
    assert_eq!(nodes.len(), 3, "eu, us, eu");
}

#[tokio::test]
async fn what_was_collected_twice_is_read_once_from_its_longest_copy() {
    let dir = Dir::new();
    let (one, two) = (dir.path().join("one"), dir.path().join("two"));
    written(&one, "n", 3).await;
    let segment = fs::read_dir(&one).expect("there").map(|entry| entry.expect("there").path());
    let segment = segment.filter(|path| path.extension().is_some_and(|e| e == "jsonl")).min().expect("one");
    fs::create_dir_all(&two).expect("created");
    let bytes = fs::read(&segment).expect("readable");
    fs::write(two.join(segment.file_name().expect("a name")), &bytes[..bytes.len() / 2]).expect("written");
    let whole = read(Records::open([&one]).expect("there"));
    assert_eq!(read(Records::open([&two, &one]).expect("there")), whole);
    assert_eq!(read(Records::open([&segment, &segment]).expect("there"))[..], whole[..bytes_lines(&bytes)]);
}

fn bytes_lines(bytes: &[u8]) -> usize {
    bytes.split(|&byte| byte == b'\n').count() - 1
}

#[tokio::test]
async fn torn_writes_and_records_that_were_disowned_are_passed_over() {
    let dir = Dir::new();
    written(dir.path(), "n", 2).await;
    let first = dir.segments().pop().expect("a segment");
    let mut bytes = fs::read(&first).expect("readable");
    bytes.extend_from_slice(b"{\"v\":1,\"id\":\"0");
    fs::write(&first, &bytes).expect("written");
    written(dir.path(), "n", 2).await;
    let whole = read(Records::open([dir.path()]).expect("there"));
    assert_gapless(&whole);
    assert_eq!(whole.iter().filter(|record| record["kind"] == "admin").count(), 4);

    // A record that the next chain says does not count, as after a sync that failed.
    let stop = bytes.split(|&byte| byte == b'\n').rev().nth(1).expect("a stop record").to_vec();
    let (number, ghost) = (whole.iter().position(|record| record["kind"] == "stop").expect("one"), stop);
    let ghost = String::from_utf8(ghost).expect("text");
    let ghost = ghost.replace(&format!("\"seq\":{number},"), &format!("\"seq\":{},", number + 1));
    bytes.truncate(bytes.iter().rposition(|&byte| byte == b'\n').expect("a newline") + 1);
    bytes.extend_from_slice(format!("{ghost}\n").as_bytes());
    fs::write(&first, &bytes).expect("written");
    assert_eq!(read(Records::open([dir.path()]).expect("there")), whole);
}

#[test]
fn a_place_without_a_log_is_an_error_that_names_it() {
    let dir = Dir::new();
    let error = Records::open([dir.path()]).expect_err("nothing there").to_string();
    assert!(error.contains(&dir.path().display().to_string()), "{error}");
    assert!(Records::open([dir.path().join("no")]).is_err());
}
