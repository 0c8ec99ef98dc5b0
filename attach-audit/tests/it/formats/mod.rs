//! Records in the forms that other systems take: every kind is mapped, each event has what its schema requires, and
//! all of it looks as the files beside this one say.

use std::collections::BTreeSet;
use std::path::PathBuf;

use attach_audit::format::Format;
use attach_audit::read::Entry;
use serde_json::Value;

mod ecs;
mod ocsf;

/// Records of every kind and shape the crate writes; each fits the schema.
const NATIVE: &str = include_str!("native.jsonl");

fn formatted(line: &str, format: Format) -> String {
    let entry = Entry::parse(line.as_bytes()).expect("a record");
    let mut out = Vec::new();
    format.write(&entry, line.as_bytes(), &mut out);
    String::from_utf8(out).expect("JSON is text")
}

fn all(format: Format) -> Vec<(Value, Value)> {
    let parsed = |text: &str| serde_json::from_str(text).expect("JSON");
    NATIVE.lines().map(|line| (parsed(line), parsed(&formatted(line, format)))).collect()
}

/// Compares with the file of this name. `UPDATE_GOLDEN=1` writes it.
fn golden(name: &str, format: Format) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/it/formats").join(name);
    let text: String = NATIVE.lines().map(|line| formatted(line, format) + "\n").collect();
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, &text).expect("written");
    }
    let expected = std::fs::read_to_string(&path).expect("a golden file");
    for (n, (line, expected)) in text.lines().zip(expected.lines()).enumerate() {
        assert_eq!(line, expected, "line {} of {name}", n + 1);
    }
    assert_eq!(text.lines().count(), expected.lines().count(), "{name}");
}

/// The value at `a.b.c`.
fn at<'a>(value: &'a Value, path: &str) -> &'a Value {
    path.split('.').fold(value, |value, member| &value[member])
}

#[test]
fn the_examples_are_records_and_there_is_one_of_every_kind() {
    let kinds: BTreeSet<String> = NATIVE
        .lines()
        .map(|line| crate::schema::checked(line)["kind"].as_str().expect("a kind").to_owned())
        .collect();
    let schema: Value =
        serde_json::from_str(include_str!("../../../../docs/audit-record.schema.json")).expect("JSON");
    let known = schema["properties"]["kind"]["enum"].as_array().expect("kinds");
    assert_eq!(kinds, known.iter().map(|kind| kind.as_str().expect("text").to_owned()).collect());
}

#[test]
fn the_native_format_is_the_line() {
    for line in NATIVE.lines() {
        assert_eq!(formatted(line, Format::Native), line);
    }
}

#[test]
fn formats_have_names() {
    for format in Format::ALL {
        assert_eq!(Format::named(format.as_str()), Some(format));
    }
    assert_eq!(Format::named("cef"), None);
}

#[test]
fn every_record_can_be_found_again_by_its_id_its_chain_and_its_number() {
    for (format, id, chain, number) in [
        (Format::Ocsf, "metadata.uid", "metadata.log_name", "metadata.sequence"),
        (Format::Ecs, "event.id", "event.provider", "event.sequence"),
    ] {
        for (record, event) in all(format) {
            for (path, member) in [(id, "id"), (chain, "chain"), (number, "seq")] {
                assert_eq!(at(&event, path), &record[member]);
            }
        }
    }
}

/// What a later version writes is passed on, not lost.
#[test]
fn a_kind_nobody_knows_and_members_nobody_knows_are_mapped_all_the_same() {
    let line = NATIVE.lines().nth(2).expect("an outcome").replace(r#""kind":"outcome""#, r#""kind":"dream""#);
    let line = line.replace(r#""model":{"#, r#""novelty":1,"model":{"provider":"azure","#);
    let event: Value = serde_json::from_str(&formatted(&line, Format::Ocsf)).expect("JSON");
    assert_eq!((&event["class_uid"], &event["metadata"]["event_code"]), (&6003.into(), &"dream".into()));
    assert_eq!(event["unmapped"]["model"]["provider"], "azure");
    let document: Value = serde_json::from_str(&formatted(&line, Format::Ecs)).expect("JSON");
    assert_eq!(document["attach"]["model"]["provider"], "azure");
}
