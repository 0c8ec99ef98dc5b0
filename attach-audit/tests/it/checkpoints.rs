//! Signed checkpoints: when they are written, and what they show that a chain alone does not.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Duration;

use attach_audit::checkpoint::{Proof, ProofError, Signer, VerifierKey, newest};
use attach_audit::log::{Log, Options};
use attach_audit::verify::{Fault, Report, Trust, VerifyError, verify, verify_all};
use attach_audit::{Audit, Deed};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::support::{Dir, eventually, kinds};

fn signer(name: &str) -> Signer {
    Signer::open(&Dir::new().path().join("key"), name).expect("a key")
}

/// A checkpoint for each `records` records; none by time, unless `age` is short.
fn options(signer: Signer, age: Duration, records: u64) -> Options {
    let mut options = Options::new("n").segment_bytes(6000).signer(signer);
    (options.checkpoint_age, options.checkpoint_records) = (age, records);
    options
}

const NEVER: Duration = Duration::from_secs(3600);

async fn deeds(audit: &Audit, n: u32) {
    for _ in 0..n {
        audit.record(&Deed::admin("rule.change", "alice")).await.expect("recorded");
    }
}

/// A log of several segments and two chains, with many checkpoints; its files, and the key.
fn log() -> &'static (Vec<(PathBuf, String)>, VerifierKey) {
    static LOG: OnceLock<(Vec<(PathBuf, String)>, VerifierKey)> = OnceLock::new();
    LOG.get_or_init(|| {
        let (dir, keys) = (Dir::new(), Dir::new());
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        let mut key = None;
        for _ in 0..2 {
            runtime.block_on(async {
                let signer = Signer::open(&keys.path().join("key"), "attach/n").expect("a key");
                key = Some(signer.verifier_key().clone());
                let audit = Audit::new(Log::open(dir.path(), options(signer, NEVER, 5)).expect("it opens"));
                deeds(&audit, 40).await;
                audit.close().await;
            });
        }
        let read = |path: PathBuf| {
            let text = fs::read_to_string(&path).expect("readable");
            (PathBuf::from(path.file_name().expect("a name")), text)
        };
        dir.records();
        (dir.segments().into_iter().map(read).collect(), key.expect("a key"))
    })
}

type Files = Vec<(PathBuf, String)>;

fn with(files: &Files) -> Dir {
    let dir = Dir::new();
    files.iter().for_each(|(name, text)| fs::write(dir.path().join(name), text).expect("written"));
    dir
}

fn all(files: &Files) -> Vec<String> {
    files.iter().flat_map(|(_, text)| text.lines().map(str::to_owned)).collect()
}

fn value(line: &str) -> Value {
    serde_json::from_str(line).expect("JSON")
}

fn seq(line: &str) -> u64 {
    value(line)["seq"].as_u64().expect("a number")
}

/// Writes lines anew, as somebody would who has the files and this program: chain and hashes fit again.
fn rechained(lines: &[String]) -> Vec<String> {
    let mut last: Option<String> = None;
    let chained = lines.iter().map(|line| {
        let (before, rest) = line.split_once(",\"prev\":\"").expect("a link");
        let prev = last.take().unwrap_or_else(|| rest[..64].to_owned());
        let covered = format!("{before},\"prev\":\"{prev}\"");
        let digest = Sha256::new().chain_update([0]).chain_update(&covered).finalize();
        let hash: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        let line = format!("{covered},\"hash\":\"{hash}\"}}");
        last = Some(hash);
        line
    });
    chained.collect()
}

fn text(lines: &[String]) -> String {
    lines.iter().map(|line| format!("{line}\n")).collect()
}

/// A short log of one segment: its name, its lines, the notes in it, and the key.
fn short() -> (PathBuf, Vec<String>, Vec<String>, VerifierKey) {
    static SHORT: OnceLock<(PathBuf, Vec<String>, VerifierKey)> = OnceLock::new();
    let (name, lines, key) = SHORT.get_or_init(|| {
        let dir = Dir::new();
        let signer = signer("attach/n");
        let key = signer.verifier_key().clone();
        let options = options(signer, NEVER, 5).segment_bytes(1 << 20);
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        runtime.block_on(async {
            let audit = Audit::new(Log::open(dir.path(), options).expect("it opens"));
            deeds(&audit, 30).await;
            audit.close().await;
        });
        let path = dir.segments().remove(0);
        let text = fs::read_to_string(&path).expect("readable");
        (path.file_name().expect("a name").into(), text.lines().map(str::to_owned).collect(), key)
    });
    let notes = lines.iter().filter_map(|line| value(line)["checkpoint"]["note"].as_str().map(str::to_owned));
    (name.clone(), lines.clone(), notes.collect(), key.clone())
}

fn given(trust: Trust, notes: &[String]) -> Trust {
    trust.checkpoints(Path::new("elsewhere"), &notes.concat()).expect("checkpoints")
}

fn found(dir: &Dir, trust: &Trust) -> Result<Report, (u64, Fault)> {
    verify_all(&[dir.path()], trust).map_err(|error| {
        let finding = error.finding().unwrap_or_else(|| panic!("{error}"));
        assert!(error.to_string().contains(&format!("record {} of chain", finding.seq)), "{error}");
        (finding.seq, finding.fault)
    })
}

#[test]
fn what_is_done_to_a_signed_log_is_found_with_its_number() {
    let (name, lines, notes, key) = short();
    let at: Vec<u64> =
        lines.iter().filter(|line| value(line)["kind"] == "checkpoint").map(|l| seq(l)).collect();
    let (second, last) = (at[1], *at.last().expect("many"));
    let other = signer("attach/other").verifier_key().clone();
    let foreign = signer("attach/n").verifier_key().clone();
    let keyed = || Trust::new().key(key.clone());
    let changed = |n: u64, from: &str, to: &str| {
        let mut lines = lines.clone();
        lines[n as usize] = lines[n as usize].replacen(from, to, 1);
        rechained(&lines)
    };
    let cut = |n: u64| lines[..n as usize].to_vec();
    let without_checkpoints = || {
        let rest = lines.iter().filter(|line| value(line)["kind"] != "checkpoint").cloned().enumerate();
        let numbered = rest
            .map(|(n, line)| line.replacen(&format!("\"seq\":{}", seq(&line)), &format!("\"seq\":{n}"), 1));
        rechained(&numbered.collect::<Vec<_>>())
    };
    let missing = |from, through| Some((from, Fault::Missing { through }));
    let rewritten = |from, through| Some((from, Fault::Rewritten { through }));
    let signature = notes[1].trim_end()[notes[1].len() - 40..].to_owned();
    let flipped = signature.replacen(&signature[..1], if signature.starts_with('A') { "B" } else { "A" }, 1);
    for (what, lines, trust, expected) in [
        ("untouched", lines.clone(), given(keyed(), &notes), None),
        ("cut, and no checkpoint from elsewhere", cut(last - 1), keyed(), None),
        (
            "cut, against the last checkpoint",
            cut(last - 1),
            given(keyed(), &notes),
            missing(last - 1, last - 1),
        ),
        ("cut far down", cut(3), given(Trust::new(), &notes), missing(3, at[0] - 1)),
        ("cut at the checkpoint itself", cut(last), given(keyed(), &notes), None),
        (
            "one changed, all after it written anew",
            changed(second - 1, "alice", "mallo"),
            Trust::new(),
            rewritten(at[0], second - 1),
        ),
        ("the same, with keys", changed(second - 1, "alice", "mallo"), keyed(), rewritten(at[0], second - 1)),
        (
            "the last changed, against a checkpoint from elsewhere",
            changed(last - 1, "alice", "mallo"),
            given(keyed(), &notes[notes.len() - 1..]),
            rewritten(at[at.len() - 2], last - 1),
        ),
        ("written anew without checkpoints", without_checkpoints(), keyed(), Some((0, Fault::Unsigned))),
        (
            "the same, against one checkpoint",
            without_checkpoints(),
            given(Trust::new(), &notes[1..2]),
            rewritten(0, second - 1),
        ),
        ("a key of another name", lines.clone(), Trust::new().key(other), Some((at[0], Fault::WrongKey))),
        (
            "another key of the same name",
            lines.clone(),
            Trust::new().key(foreign),
            Some((at[0], Fault::WrongKey)),
        ),
        (
            "a checkpoint's root",
            changed(second, "\"root\":\"", "\"root\":\"0"),
            keyed(),
            Some((second, Fault::BadCheckpoint)),
        ),
        (
            "a checkpoint's size",
            changed(second, &format!("\"size\":{second}"), &format!("\"size\":{}", second - 1)),
            keyed(),
            Some((second, Fault::BadCheckpoint)),
        ),
        (
            "a bit of a checkpoint's signature",
            changed(second, &signature, &flipped),
            keyed(),
            Some((second, Fault::BadSignature)),
        ),
        (
            "a checkpoint's signer",
            changed(second, " attach/n ", " attach/m "),
            keyed(),
            Some((second, Fault::WrongKey)),
        ),
    ] {
        let dir = with(&vec![(name.clone(), text(&lines))]);
        let found = found(&dir, &trust);
        assert_eq!(found.as_ref().err(), expected.as_ref(), "{what}: {found:?}");
    }
}

#[test]
fn a_clock_that_went_back_is_a_warning_with_the_number() {
    let (name, lines, ..) = short();
    let head: Vec<_> = lines.iter().take_while(|line| value(line)["kind"] != "checkpoint").cloned().collect();
    let mut lines = head;
    let at = lines.len() - 2;
    let ts = value(&lines[at])["ts"].as_str().expect("a time").to_owned();
    lines[at] = lines[at].replacen(&ts, &format!("2001{}", &ts[4..]), 1);
    let dir = with(&vec![(name, text(&rechained(&lines)))]);
    let report = verify(dir.path()).expect("it is consistent");
    let warned: Vec<_> = report.warnings.iter().map(|finding| finding.seq).collect();
    assert_eq!(warned, [at as u64], "{report}");
    assert!(matches!(report.warnings[0].fault, Fault::ClockBack { seconds } if seconds > 86_400), "{report}");
    assert!(report.to_string().contains("warning: "), "{report}");
}

#[test]
fn a_signed_log_of_many_segments_verifies_from_any_of_them_on() {
    let (files, key) = log();
    let trust = Trust::new().key(key.clone());
    assert!(files.len() > 6, "{}", files.len());
    for from in 0..files.len() {
        let report =
            found(&with(&files[from..].to_vec()), &trust).unwrap_or_else(|found| panic!("{from}: {found:?}"));
        assert!(report.basis.iter().any(|basis| basis.by.as_deref() == Some("attach/n")), "{report}");
    }
}

#[test]
fn a_head_that_lies_about_the_records_before_it_is_found() {
    let (files, key) = log();
    let (name, text) = &files[2];
    let lines: Vec<_> = text.lines().map(str::to_owned).collect();
    let mut forged = lines.clone();
    let peak = value(&lines[0])["tree"][0].as_str().expect("a peak").to_owned();
    forged[0] = forged[0].replacen(&peak, &"0".repeat(64), 1);
    let dir = with(&vec![(name.clone(), self::text(&rechained(&forged)))]);
    let fault = found(&dir, &Trust::new().key(key.clone())).expect_err("it is found");
    assert!(matches!(fault, (from, Fault::Rewritten { .. }) if from <= seq(&lines[0])), "{fault:?}");
}

#[test]
fn a_fork_is_found_at_the_record_that_is_continued_twice() {
    let (files, _) = log();
    let chains: Vec<_> =
        files.iter().map(|(_, text)| value(text.lines().next().expect("a head"))["chain"].clone()).collect();
    let second = chains.iter().position(|chain| *chain != chains[0]).expect("two chains");
    let end = seq(files[second - 1].1.lines().last().expect("a record"));

    // The second chain again, under another name: both continue the first.
    let (old, new) = (chains[second].as_str().expect("an id"), format!("n-{:013}", 9_000_000_000_000_u64));
    let mut forked = files.clone();
    forked.extend(files[second..=second].iter().map(|(name, text)| {
        let lines: Vec<_> = text.lines().map(|line| line.replacen(old, &new, 1)).collect();
        let name = name.to_str().expect("text").replacen(old, &new, 1);
        (name.into(), self::text(&rechained(&lines)))
    }));
    assert_eq!(found(&with(&forked), &Trust::new()).map(drop), Err((end, Fault::Forked)));

    // A segment that claims that its predecessor was given up on, though there are checkpoints in that.
    let mut forked = files[..2].to_vec();
    let (name, text) = &forked[1];
    assert!(text.contains("\"kind\":\"checkpoint\""), "{text}");
    let name = name.to_str().expect("text").replace("-000001.", "-000002.");
    let (head, _) = text.split_once('\n').expect("a head");
    let (end, head) = (seq(head) - 1, format!("{head}\n"));
    forked.push((name.into(), head));
    assert_eq!(found(&with(&forked), &Trust::new()).map(drop), Err((end, Fault::Forked)));

    // Two copies of a segment that differ.
    let (one, two) = (with(files), Dir::new());
    let (name, text) = &files[0];
    let mut lines: Vec<_> = text.lines().map(str::to_owned).collect();
    lines[2] = lines[2].replacen("alice", "mallo", 1);
    fs::write(two.path().join(name), self::text(&rechained(&lines))).expect("written");
    let error = verify_all(&[one.path(), two.path()], &Trust::new()).expect_err("it is found");
    assert!(matches!(error.finding().map(|f| (f.seq, f.fault)), Some((1, Fault::Forked))), "{error}");
}

#[test]
fn segments_collected_in_several_places_count_once() {
    let (files, key) = log();
    let (one, two) = (with(&files[..4].to_vec()), with(&files[3..].to_vec()));
    // One copy was made while the segment was written.
    let half = &files[3].1[..files[3].1.len() / 2];
    fs::write(one.path().join(&files[3].0), half).expect("written");
    let trust = Trust::new().key(key.clone());
    let report = verify_all(&[one.path(), two.path()], &trust).expect("nothing is wrong");
    assert_eq!(report.records as usize, all(files).len());
    assert!(report.notes.iter().any(|note| note.contains("more than once")), "{report}");
    let again = verify_all(&[two.path(), one.path()], &trust).expect("nothing is wrong");
    assert_eq!(again.records, report.records);
}

#[test]
fn a_chain_that_is_gone_is_missed_unless_it_is_older_than_what_is_kept() {
    let (files, key) = log();
    let notes: Vec<_> = all(files)
        .iter()
        .filter_map(|l| value(l)["checkpoint"]["note"].as_str().map(str::to_owned))
        .collect();
    let chain = |n: usize| value(files[n].1.lines().next().expect("a head"))["chain"].clone();
    let second = (0..files.len()).position(|n| chain(n) != chain(0)).expect("two chains");
    let trust = given(Trust::new().key(key.clone()), &notes);
    let newer = found(&with(&files[second..].to_vec()), &trust).expect("the older was not kept");
    assert!(newer.notes.iter().any(|note| note.contains("not here")), "{newer}");
    let gone = found(&with(&files[..second].to_vec()), &trust).map(drop);
    assert!(matches!(gone, Err((0, Fault::Missing { .. }))), "{gone:?}");
}

#[tokio::test]
async fn a_checkpoint_is_written_by_count_and_before_the_stop_record() {
    let dir = Dir::new();
    let audit = Audit::new(Log::open(dir.path(), options(signer("attach/n"), NEVER, 3)).expect("it opens"));
    deeds(&audit, 3).await;
    audit.close().await;
    let records = dir.records();
    assert_eq!(kinds(&records), ["start", "admin", "admin", "checkpoint", "admin", "checkpoint", "stop"]);
    assert_eq!(records[0].get("protections_off"), Some(&serde_json::json!(["egress"])));
    for record in records.iter().filter(|record| record["kind"] == "checkpoint") {
        assert_eq!(record["checkpoint"]["size"], record["seq"]);
    }
}

#[tokio::test]
async fn a_checkpoint_by_time_comes_once_and_then_the_log_sleeps() {
    let dir = Dir::new();
    let options = options(signer("attach/n"), Duration::from_millis(50), 1000);
    let log = Log::open(dir.path(), options).expect("it opens");
    let written = || newest(dir.path()).expect("readable").len();
    eventually("a checkpoint", || written() == 1).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(kinds(&dir.records()), ["start", "checkpoint"]);
    let audit = Audit::new(log);
    deeds(&audit, 1).await;
    eventually("another", || dir.records().len() == 4).await;
    drop(audit);
    assert_eq!(kinds(&dir.records()), ["start", "checkpoint", "admin", "checkpoint"]);
}

#[tokio::test]
async fn a_log_that_is_dropped_ends_in_a_checkpoint() {
    let dir = Dir::new();
    let audit =
        Audit::new(Log::open(dir.path(), options(signer("attach/n"), NEVER, 1000)).expect("it opens"));
    deeds(&audit, 2).await;
    drop(audit);
    assert_eq!(kinds(&dir.records()), ["start", "admin", "admin", "checkpoint"]);
}

#[tokio::test]
async fn after_a_key_was_replaced_both_are_accepted_and_the_newest_is_printed() {
    let dir = Dir::new();
    let mut keys = Vec::new();
    for name in ["attach/old", "attach/new"] {
        let signer = signer(name);
        keys.push(signer.verifier_key().clone());
        Audit::new(Log::open(dir.path(), options(signer, NEVER, 3)).expect("it opens")).close().await;
    }
    let new = Trust::new().key(keys[1].clone());
    assert!(matches!(found(&dir, &new).map(drop), Err((1, Fault::WrongKey))));
    let report = found(&dir, &new.key(keys[0].clone())).expect("both are known");
    assert!(report.to_string().contains("signed by attach/new"), "{report}");
    let newest = newest(dir.path()).expect("readable");
    assert!(newest.len() == 1 && newest[0].contains("\u{2014} attach/new "), "{newest:?}");
}

#[test]
fn each_covered_record_can_be_proved_without_the_log() {
    let (files, key) = log();
    let keys = [key.clone()];
    let dir = with(files);
    let chain = value(&all(files)[0])["chain"].as_str().expect("an id").to_owned();
    let wrong = signer("attach/n").verifier_key().clone();
    for seq in [0, 1, 7, 20] {
        let proof = Proof::make(&[dir.path()], Some(&chain), seq).expect("it is covered");
        let proof = Proof::parse(&proof.to_string()).expect("it reads back");
        let proved = proof.verify(&keys).expect("it holds");
        assert_eq!((proved.seq, &*proved.chain, &*proved.by), (seq, &*chain, "attach/n"));
        assert!(matches!(proof.verify(std::slice::from_ref(&wrong)), Err(ProofError::Note(_))));
        let forged = proof.to_string().replacen("\\\"kind\\\":\\\"", "\\\"kind\\\":\\\"x", 1);
        assert!(matches!(Proof::parse(&forged).expect("a proof").verify(&keys), Err(ProofError::Record)));
    }
    // From the middle of a chain, what comes before is known by the head of the segment.
    let later = seq(files[2].1.lines().nth(1).expect("a record"));
    let proof =
        Proof::make(&[with(&files[2..4].to_vec()).path()], Some(&chain), later).expect("it is covered");
    assert_eq!(proof.verify(&keys).map(|proved| proved.seq).ok(), Some(later));
    assert!(
        matches!(Proof::make(&[dir.path()], None, 1), Err(ProofError::Chains(chains)) if chains.len() == 2)
    );
    assert!(matches!(Proof::make(&[dir.path()], None, 10_000), Err(ProofError::NoRecord(_))));
    let stop = seq(files.last().expect("files").1.lines().last().expect("stop"));
    let chain = value(all(files).last().expect("stop"))["chain"].as_str().expect("an id").to_owned();
    assert!(matches!(Proof::make(&[dir.path()], Some(&chain), stop), Err(ProofError::NotCovered(_))));
    assert!(Proof::parse("{}").is_err());
    let empty = Dir::new();
    assert!(matches!(Proof::make(&[empty.path()], None, 1), Err(ProofError::Log(VerifyError::Empty(_)))));
}

#[test]
fn a_checkpoint_cannot_be_disowned_with_the_records_it_is_over() {
    let (name, lines, _, key) = short();
    let is_checkpoint = |line: &&String| value(line)["kind"] == "checkpoint";
    let first = lines.iter().position(|line| is_checkpoint(&line)).expect("a checkpoint");
    // Somebody goes on from behind the first checkpoint as if the disk had not taken what came then.
    let cut = value(&lines[first + 1]);
    let (chain, seq, hash) = (&cut["chain"], &cut["seq"], &cut["hash"]);
    let head = format!(
        "{{\"v\":1,\"id\":{},\"seq\":{},\"chain\":{chain},\"node\":\"n\",\"ts\":{},\"kind\":\"segment\",\"segment\":1,\
         \"after\":{{\"chain\":{chain},\"segment\":0,\"seq\":{seq},\"hash\":{hash},\"disowned\":9999}},\"open\":[],\
         \"prev\":{hash},\"hash\":\"\"}}",
        cut["id"],
        seq.as_u64().expect("a number") + 1,
        cut["ts"],
    );
    let next = PathBuf::from(name.to_str().expect("text").replace("-000000.", "-000001."));
    let forged =
        vec![(name.clone(), text(&lines)), (next.clone(), text(&rechained(std::slice::from_ref(&head))))];
    let expected = Err((seq.as_u64().expect("a number"), Fault::Forked));
    for trust in [Trust::new(), Trust::new().key(key.clone())] {
        assert_eq!(found(&with(&forged), &trust), expected);
    }
    // What the disk may not have taken has no such checkpoint.
    let torn = vec![(name, text(&lines[..first + 4])), (next, text(&rechained(&[head])))];
    assert!(found(&with(&torn), &Trust::new().key(key)).is_ok());
}

#[test]
fn what_is_no_note_is_not_printed_as_the_newest() {
    let (name, mut lines, notes, _) = short();
    let last = lines.iter().rposition(|line| value(line)["kind"] == "checkpoint").expect("a checkpoint");
    let (before, after) = lines[last].split_once("\"note\":\"").expect("a note");
    let forged = format!("{before}\"note\":\"\\u001b[2Jok{after}");
    lines.truncate(last);
    lines.push(forged);
    let dir = with(&vec![(name, text(&rechained(&lines)))]);
    assert_eq!(newest(dir.path()).expect("readable"), notes[notes.len() - 2..notes.len() - 1]);
}
