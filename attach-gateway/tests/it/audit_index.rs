//! `attach-gateway audit index`, and `audit query --db`: the same answers as from the log.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use crate::support::gateway::Finished;
use crate::support::{Launch, TempDir};

/// Numbers that are the same each time (Vigna's SplitMix64).
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % n
    }

    fn one_of<'a>(&mut self, all: &[&'a str]) -> &'a str {
        all[usize::try_from(self.below(all.len() as u64)).unwrap()]
    }
}

const USERS: [&str; 4] = ["alice", "bob", "service-1", "eve \\\"x\\\""];
const MODELS: [&str; 4] = ["gpt-4o", "gpt-4o-mini", "claude-4", "=llama"];
const KINDS: [&str; 8] =
    ["intent", "outcome", "outcome", "orphan", "reject", "admin", "revocation", "checkpoint"];

/// A node's log: requests that ended, run, died or were refused, in any mixture; its clock goes back at times.
struct Writer<'a> {
    dice: Dice,
    node: &'a str,
    seq: u64,
    clock: u64,
    /// Intents without an end: their ids, and what else their records say.
    open: Vec<(String, String)>,
}

impl Writer<'_> {
    fn record(&mut self) -> String {
        let dice = &mut self.dice;
        self.clock = (self.clock + dice.below(40)).saturating_sub(dice.below(12));
        let id = format!("{:08x}-0000-7000-8000-{:012x}", self.clock, dice.below(1 << 48));
        let mut kind = dice.one_of(&KINDS);
        let begun = match kind {
            "outcome" | "orphan" if !self.open.is_empty() => {
                let n = usize::try_from(dice.below(self.open.len() as u64)).unwrap();
                Some(self.open.swap_remove(n))
            }
            "outcome" => {
                kind = "reject";
                None
            }
            _ => None,
        };
        let who = if kind == "orphan" { system(dice) } else { about(dice) };
        let rest = match (&begun, kind) {
            (Some((intent, said)), "outcome") => format!(r#""intent_id":"{intent}",{said}"#),
            (Some((intent, _)), _) => format!(r#""intent_id":"{intent}",{who}"#),
            _ => who,
        };
        if kind == "intent" {
            self.open.push((id.clone(), rest.clone()));
        }
        let (node, seq, ms) = (self.node, self.seq, self.clock);
        let ts = format!("2026-11-{:02}T08:{:02}:{:02}.000000000Z", 1 + ms / 3600, ms / 60 % 60, ms % 60);
        let (decision, reason) = (decision(dice, kind), reason(dice));
        self.seq += 1;
        format!(
            r#"{{"v":1,"id":"{id}","seq":{seq},"chain":"{node}-1700000000000","node":"{node}","ts":"{ts}","kind":"{kind}",{rest},"decision":{{"result":"{decision}"{reason}}},"prev":"","hash":""}}"#
        )
    }
}

fn decision<'a>(dice: &mut Dice, kind: &str) -> &'a str {
    if kind == "intent" { "allow" } else { dice.one_of(&["allow", "deny", "modify", "error"]) }
}

fn reason(dice: &mut Dice) -> &'static str {
    dice.one_of(&["", r#","reason":"model_not_allowed""#, r#","reason":"crash""#])
}

fn system(dice: &mut Dice) -> String {
    format!(r#""req_id":"req-{}","actor":{{"kind":"system"}}"#, dice.below(40))
}

fn about(dice: &mut Dice) -> String {
    let (user, sub) = (dice.one_of(&USERS), dice.one_of(&USERS));
    let (client, group) =
        (dice.one_of(&["web", "cli"]), dice.one_of(&["", "\"Staff\"", "\"Staff\",\"Ops\""]));
    let (asked, said) = (dice.one_of(&MODELS), dice.one_of(&MODELS));
    let upstream = dice.one_of(&["openai", "vllm"]);
    let model = match dice.below(4) {
        0 => String::new(),
        _ => format!(r#","model":{{"requested":"{asked}","response":"{said}","upstream":"{upstream}"}}"#),
    };
    let trace = match dice.below(3) {
        0 => String::new(),
        n => format!(r#""trace_id":"trace-{n}","#),
    };
    let request = dice.below(40);
    format!(
        r#"{trace}"req_id":"req-{request}","actor":{{"kind":"user","directory":"acme","uid":"{user}","sub":"{sub}","client_id":"{client}","groups_used":[{group}]}}{model}"#
    )
}

/// Segments of three nodes, of 150 records each.
fn logs(folder: &Path, seed: u64, segments: std::ops::Range<u64>) {
    for node in ["a", "b", "c"] {
        let dice = Dice(seed ^ u64::from(node.as_bytes()[0]));
        let mut writer = Writer { dice, node, seq: 0, clock: 0, open: Vec::new() };
        for n in 0..segments.end {
            let text = (0..150).fold(String::new(), |mut text, _| {
                let _ = writeln!(text, "{}", writer.record());
                text
            });
            if segments.contains(&n) {
                fs::write(folder.join(format!("audit-{node}-1700000000000-{n:06}.jsonl")), text).unwrap();
            }
        }
    }
}

async fn run(arguments: &[&str]) -> Finished {
    let finished = Launch::bare().arguments(arguments).run().await;
    assert!(finished.ok, "{arguments:?}: {finished:?}");
    finished
}

/// Asks the log and the index; how many lines they answered.
async fn same(folder: &str, db: &str, asked: &[&str]) -> usize {
    let log = run(&[&["audit", "query", folder], asked].concat()).await.stdout;
    let index = run(&[&["audit", "query", folder, "--db", db], asked].concat()).await.stdout;
    assert_eq!(index, log, "{asked:?}");
    log.lines().count()
}

/// Any few of the filters.
fn question(dice: &mut Dice) -> Vec<&'static str> {
    const OPTIONS: [&[&str]; 13] = [
        &["--user", "alice"],
        &["--user", "eve \"x\""],
        &["--client", "web"],
        &["--directory", "acme"],
        &["--group", "Ops"],
        &["--model", "gpt-*"],
        &["--model", "claude-4"],
        &["--upstream", "vllm"],
        &["--decision", "error"],
        &["--reason", "crash"],
        &["--trace", "trace-1"],
        &["--since", "2026-11-01T08:40:00Z"],
        &["--until", "2026-11-02T08:10:00Z"],
    ];
    let mut asked: Vec<&str> = Vec::new();
    for option in OPTIONS {
        if dice.below(5) == 0 && !asked.contains(&option[0]) {
            asked.extend(option);
        }
    }
    match dice.below(6) {
        0 => asked.extend(["--kind", dice.one_of(&KINDS)]),
        1 => asked.extend(["--request", "req-7"]),
        _ => {}
    }
    if dice.below(3) == 0 {
        asked.extend(["--limit", dice.one_of(&["0", "1", "7", "100"])]);
    }
    asked.extend(["--format", dice.one_of(&["json", "json", "csv", "table"])]);
    asked
}

#[tokio::test]
async fn the_index_answers_every_question_as_the_log_does() {
    let (folder, beside) = (TempDir::new(), TempDir::new());
    logs(folder.path(), 11, 0..2);
    let db = beside.path().join("index.db").display().to_string();
    let path = folder.path().display().to_string();
    let (mut dice, mut found) = (Dice(7), 0);
    for kind in KINDS {
        same(&path, &db, &["--kind", kind, "--format", "json"]).await;
    }
    assert!(same(&path, &db, &["--format", "json"]).await > 300);
    for _ in 0..45 {
        found += usize::from(same(&path, &db, &question(&mut dice)).await > 3);
    }
    assert!(found > 15, "most questions should find something: {found}");
}

#[tokio::test]
async fn the_index_follows_a_log_that_grows_and_is_deleted_from() {
    let (folder, beside) = (TempDir::new(), TempDir::new());
    let db = beside.path().join("index.db").display().to_string();
    let path = folder.path().display().to_string();
    let asked = [&["--format", "json"][..], &["--user", "bob", "--format", "csv"], &["--kind", "orphan"]];
    logs(folder.path(), 5, 0..1);
    let built = run(&["audit", "index", &path, "--db", &db]).await.stdout;
    assert!(built.contains("built, 450 new records"), "{built}");
    assert!(built.contains("reaches audit-c-1700000000000-000000.jsonl:"), "{built}");
    // Cut off in the middle of a line, as whoever reads a log that is being written sees it.
    logs(folder.path(), 5, 0..3);
    let young = folder.path().join("audit-c-1700000000000-000002.jsonl");
    let whole = fs::read(&young).unwrap();
    fs::write(&young, &whole[..whole.len() / 2]).unwrap();
    let grown = run(&["audit", "index", &path, "--db", &db]).await.stdout;
    assert!(grown.contains("up to date, ") && !grown.contains(" 0 new"), "{grown}");
    for asked in asked {
        same(&path, &db, asked).await;
    }
    fs::write(&young, &whole).unwrap();
    fs::remove_file(folder.path().join("audit-a-1700000000000-000000.jsonl")).unwrap();
    for asked in asked {
        same(&path, &db, asked).await;
    }
    let same_again = run(&["audit", "index", &path, "--db", &db]).await.stdout;
    assert!(same_again.contains("up to date, 0 new records"), "{same_again}");
    let rebuilt = run(&["audit", "index", &path, "--db", &db, "--rebuild"]).await.stdout;
    assert!(rebuilt.contains("built, 1200 new records"), "{rebuilt}");
}

#[tokio::test]
async fn what_cannot_be_an_index_is_said() {
    let folder = TempDir::new();
    logs(folder.path(), 5, 0..1);
    let path = folder.path().display().to_string();
    let other = folder.path().join("notes.txt");
    fs::write(&other, "mine").unwrap();
    let other = other.display().to_string();
    for arguments in [
        &["audit", "index", &path][..],
        &["audit", "index", &path, "--db", &other],
        &["audit", "query", &path, "--db", &other],
        &["audit", "index", "/nonexistent", "--db", "/nonexistent/index.db"],
    ] {
        let refused = Launch::bare().arguments(arguments).run().await;
        assert_eq!(refused.code, Some(2), "{arguments:?}: {refused:?}");
    }
    assert_eq!(fs::read_to_string(other).unwrap(), "mine");
}
