//! Whatever is done to a log is found, with the number of the record.

use std::fs;
use std::sync::OnceLock;

use attach_audit::log::{Log, Options};
use attach_audit::verify::{Fault, VerifyError, verify};
use attach_audit::{Audit, Mode};
use http::{Request, Response};
use proptest::prelude::*;
use tower::{ServiceBuilder, ServiceExt, service_fn};

use crate::support::Dir;

type Files = Vec<(std::ffi::OsString, Vec<u8>)>;

/// A log of several segments and two chains, made once.
fn log() -> &'static Files {
    static LOG: OnceLock<Files> = OnceLock::new();
    LOG.get_or_init(|| {
        let dir = Dir::new();
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        for _ in 0..2 {
            runtime.block_on(async {
                let options = Options::new("n").segment_bytes(4000);
                let audit = Audit::new(Log::open(dir.path(), options).expect("it opens")).mode(Mode::Strict);
                let service = ServiceBuilder::new().layer(audit.layer()).layer(audit.intent_layer()).service(
                    service_fn(async |_: Request<()>| {
                        Ok::<_, std::convert::Infallible>(Response::new(attach_core::Body::empty()))
                    }),
                );
                for _ in 0..10 {
                    service.clone().oneshot(Request::new(())).await.expect("answered");
                }
                audit.close().await;
            });
        }
        let read = |file: std::path::PathBuf| {
            (file.file_name().expect("a name").to_owned(), fs::read(file).expect("readable"))
        };
        dir.segments().into_iter().map(read).collect()
    })
}

/// Verifies the log after `change`.
fn verified(change: impl FnOnce(&mut Files)) -> Result<attach_audit::verify::Report, VerifyError> {
    let dir = Dir::new();
    let mut files = log().clone();
    change(&mut files);
    for (name, bytes) in &files {
        fs::write(dir.path().join(name), bytes).expect("written");
    }
    verify(dir.path())
}

#[track_caller]
fn expect(seq: u64, fault: Fault, change: impl FnOnce(&mut Files)) {
    let error = verified(change).expect_err("it is found");
    let finding = error.finding().unwrap_or_else(|| panic!("{error}"));
    assert_eq!((finding.seq, finding.fault), (seq, fault), "{error}");
}

/// Changes the lines of segment `n`.
fn lines(files: &mut Files, n: usize, change: impl FnOnce(&mut Vec<Vec<u8>>)) {
    let mut lines: Vec<_> = files[n].1.split_inclusive(|&byte| byte == b'\n').map(<[u8]>::to_vec).collect();
    change(&mut lines);
    files[n].1 = lines.concat();
}

fn seq(line: &[u8]) -> u64 {
    serde_json::from_slice::<serde_json::Value>(line).expect("JSON")["seq"].as_u64().expect("a number")
}

/// The number of line `at` of segment `n`.
fn seq_of(n: usize, at: usize) -> u64 {
    seq(log()[n].1.split(|&byte| byte == b'\n').nth(at).expect("a line"))
}

#[test]
fn as_it_was_written_it_verifies() {
    let report = verified(|_| {}).expect("nothing is wrong");
    assert_eq!((report.chains.len(), report.notes.len()), (2, 0), "{report}");
    assert!(report.segments > 6, "{report}");
    let lines: usize =
        log().iter().map(|(_, bytes)| bytes.iter().filter(|&&byte| byte == b'\n').count()).sum();
    assert_eq!(report.records, lines as u64);
    assert!(report.to_string().contains("basis: self-consistent only"), "{report}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]
    #[test]
    fn any_other_byte_is_found_with_its_record(file in 0..100usize, at in 0..100_000usize, with: u8) {
        let file = file % log().len();
        let bytes = &log()[file].1;
        let at = at % bytes.len();
        prop_assume!(bytes[at] != with);
        let before = &bytes[..at];
        let line = before.iter().filter(|&&byte| byte == b'\n').count();
        let error = verified(|files| files[file].1[at] = with).expect_err("it is found");
        let finding = error.finding().expect("a finding");
        prop_assert_eq!(finding.seq, seq_of(file, line), "{}", error);
        prop_assert_eq!(&finding.file.file_name().expect("a name"), &log()[file].0);
    }
}

#[test]
fn a_deleted_record_is_found() {
    expect(seq_of(1, 2), Fault::Missing { through: seq_of(1, 2) }, |files| {
        lines(files, 1, |lines| drop(lines.remove(2)));
    });
    let (first, last) = (seq_of(1, 1), seq_of(1, 3));
    expect(first, Fault::Missing { through: last }, |files| lines(files, 1, |lines| drop(lines.drain(1..4))));
}

#[test]
fn records_deleted_at_the_end_of_a_segment_are_found() {
    let count = log()[0].1.iter().filter(|&&byte| byte == b'\n').count();
    let last = seq_of(0, count - 1);
    expect(last, Fault::Missing { through: last }, |files| lines(files, 0, |lines| drop(lines.pop())));
}

#[test]
fn a_deleted_segment_is_found() {
    let error = verified(|files| drop(files.remove(1))).expect_err("it is found");
    let finding = error.finding().expect("a finding");
    assert!(matches!(finding.fault, Fault::Missing { .. }), "{error}");
    assert_eq!(finding.seq, seq_of(2, 0) - 1);
}

#[test]
fn a_deleted_chain_is_found() {
    let dir = Dir::new();
    for _ in 0..3 {
        drop(Log::open(dir.path(), Options::new("n")).expect("it opens"));
    }
    fs::remove_file(&dir.segments()[1]).expect("removed");
    let error = verify(dir.path()).expect_err("it is found");
    assert_eq!(error.finding().map(|finding| finding.fault), Some(Fault::Missing { through: 0 }), "{error}");
}

#[test]
fn restarting_does_not_bless_what_was_changed_before() {
    for line in [0, 2] {
        let dir = Dir::new();
        for (name, bytes) in log() {
            fs::write(dir.path().join(name), bytes).expect("written");
        }
        let (name, bytes) = log()
            .iter()
            .rfind(|(_, bytes)| bytes.iter().filter(|&&b| b == b'\n').count() > 4)
            .expect("a long one");
        let mut lines: Vec<_> = bytes.split_inclusive(|&byte| byte == b'\n').map(<[u8]>::to_vec).collect();
        let seq = seq(&lines[line]);
        lines[line][200] ^= 1;
        fs::write(dir.path().join(name), lines.concat()).expect("written");
        drop(Log::open(dir.path(), Options::new("n")).expect("it opens"));
        let error = verify(dir.path()).expect_err("it is found");
        let finding = error.finding().expect("a finding");
        assert_eq!((finding.seq, finding.fault), (seq, Fault::Changed), "{error}");
    }
}

#[test]
fn reordered_records_are_found() {
    expect(seq_of(1, 2), Fault::Reordered { before: seq_of(1, 3) }, |files| {
        lines(files, 1, |lines| lines.swap(2, 3));
    });
}

#[test]
fn a_duplicated_record_is_found() {
    expect(seq_of(1, 2), Fault::Duplicated, |files| {
        lines(files, 1, |lines| lines.insert(3, lines[2].clone()));
    });
    expect(seq_of(0, 1), Fault::Duplicated, |files| {
        let old = files[0].1.split_inclusive(|&byte| byte == b'\n').nth(1).expect("a line").to_vec();
        lines(files, 1, |lines| lines.insert(3, old));
    });
}

#[test]
fn an_inserted_record_is_found_though_its_own_hash_is_right() {
    use sha2::{Digest, Sha256};
    expect(seq_of(1, 3), Fault::Inserted, |files| {
        lines(files, 1, |lines| {
            // Made from the next record, so with its number and link: only the reason differs.
            let next = String::from_utf8(lines[3].clone()).expect("text");
            let (covered, _) = next.split_once(",\"hash\":\"").expect("a hash");
            let forged = covered.replace("\"kind\":\"", "\"kind\":\"x");
            let hash: String = Sha256::new()
                .chain_update([0])
                .chain_update(&forged)
                .finalize()
                .iter()
                .map(|b| format!("{b:02x}"))
                .collect();
            lines.insert(3, format!("{forged},\"hash\":\"{hash}\"}}\n").into_bytes());
        });
    });
}

#[test]
fn a_replaced_record_is_found_at_the_one_that_follows() {
    use sha2::{Digest, Sha256};
    expect(seq_of(1, 3), Fault::Unlinked, |files| {
        lines(files, 1, |lines| {
            let text = String::from_utf8(lines[2].clone()).expect("text");
            let (covered, _) = text.split_once(",\"hash\":\"").expect("a hash");
            let forged = covered.replace("\"kind\":\"", "\"kind\":\"x");
            let hash: String = Sha256::new()
                .chain_update([0])
                .chain_update(&forged)
                .finalize()
                .iter()
                .map(|b| format!("{b:02x}"))
                .collect();
            lines[2] = format!("{forged},\"hash\":\"{hash}\"}}\n").into_bytes();
        });
    });
}

#[test]
fn a_segment_of_another_chain_is_found() {
    let other = log().iter().position(|(_, bytes)| {
        seq(bytes.split(|&b| b == b'\n').next().expect("a line")) == 0 && bytes != &log()[0].1
    });
    let other = other.expect("a second chain");
    expect(seq_of(1, 0), Fault::Foreign, |files| files[1].1 = files[other + 1].1.clone());
}

#[test]
fn records_added_at_the_end_of_a_segment_are_found() {
    expect(seq_of(1, 1), Fault::Inserted, |files| {
        let next = files[1].1.split_inclusive(|&byte| byte == b'\n').nth(1).expect("a line").to_vec();
        files[0].1.extend_from_slice(&next);
    });
}

#[test]
fn a_single_file_is_verified_by_itself() {
    let dir = Dir::new();
    let path = dir.path().join("copy-of-a-segment");
    fs::write(&path, &log()[1].1).expect("written");
    let report = verify(&path).expect("nothing is wrong");
    assert!(report.notes[0].contains("which is not here"), "{report}");
    assert_eq!(report.warnings.iter().map(|warning| warning.fault).collect::<Vec<_>>(), [Fault::Unexplained]);
    assert!(report.to_string().contains(" in 1 segment, "), "{report}");
}
