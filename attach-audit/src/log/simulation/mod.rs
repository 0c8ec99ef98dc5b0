//! A disk that loses, at any moment, what was not synced, tears the last write anywhere, and fails now and then: ten
//! thousand runs of the writer, the same each time, without a thread. A build without optimisation makes two thousand;
//! `ATTACH_SEEDS=10000 cargo test -p attach-audit --lib simulation` makes all.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use uuid::Uuid;

mod disk;

use self::disk::Random;
pub(super) use self::disk::Simulated;
use super::batch::Batch;
use super::follow::{Follower, Position};
use super::queue::{Queue, Take};
use super::tail::Reached;
use super::writer::Writer;
use super::{Options, Segment, SegmentName, Storage};
use crate::record::{Effect, OpenIntent};
use crate::sink::Receipt;
use crate::verify::verify;
use crate::{Ack, Kind, Record};

/// Seeds of a run, five times as many where they cost little; `ATTACH_SEEDS` says otherwise.
const SEEDS: u64 = if cfg!(debug_assertions) { 2_000 } else { 10_000 };
/// Times the power fails for each seed.
const BOOTS: u32 = 4;

/// What the clients know, over all boots.
#[derive(Default)]
struct Ledger {
    /// Durable, as they were told.
    acked: HashSet<Uuid>,
    /// Intents, with their outcome once there is one.
    intents: HashMap<Uuid, Option<Uuid>>,
}

/// What a receiver that follows the log has read, over all boots.
#[derive(Default)]
struct Receiver {
    at: Option<Position>,
    seen: Vec<Uuid>,
}

impl Receiver {
    fn read(&mut self, dir: &Path, reached: &tokio::sync::watch::Receiver<Reached>, bytes: usize) {
        let mut follower = Follower::new(dir.into(), reached.clone(), self.at.clone());
        loop {
            let lines = follower.read(bytes).expect("it reads");
            if lines.is_empty() {
                break;
            }
            self.seen.extend(lines.iter().map(|line| id(&line.bytes)));
        }
        self.at = follower.position().cloned();
    }
}

fn id(line: &[u8]) -> Uuid {
    let id = line.strip_prefix(b"{\"v\":1,\"id\":\"").and_then(|rest| std::str::from_utf8(&rest[..36]).ok());
    id.expect("a record").parse().expect("an id")
}

/// Serves until the power fails.
fn boot(disk: &Simulated, ledger: &mut Ledger, random: &mut Random) -> Option<Writer> {
    // Now and then each segment is old at once.
    let age = (random.below(4) == 0).then_some(Duration::ZERO);
    let options = Options::new("n").segment_bytes(6000).segment_age(age).retry(Duration::ZERO);
    let queue = Arc::new(Queue::new(&options));
    let ends = Arc::clone(&queue);
    disk.machine().on_outage = Some(Box::new(move || ends.close()));
    let mut writer = Writer::open(Box::new(disk.clone()), options, Arc::clone(&queue)).ok()?;
    let mut batch = Batch::default();
    let mut running: Vec<Uuid> = Vec::new();
    while disk.machine().left > 0 {
        let mut receipts = Vec::new();
        for _ in 0..=random.below(4) {
            let closes = !running.is_empty() && random.below(2) == 0;
            let intent = closes.then(|| running.swap_remove(random.below(running.len() as u64) as usize));
            let (ack, receipt) = Ack::awaited(None);
            receipts.push((push(&queue, intent, ack), intent, receipt));
        }
        if queue.take(&mut batch, writer.due()) == Take::Ended {
            break;
        }
        writer.write(&mut batch);
        for (id, intent, mut receipt) in receipts {
            if !is_durable(&mut receipt) {
                continue;
            }
            ledger.acked.insert(id);
            match intent {
                Some(intent) => drop(ledger.intents.insert(intent, Some(id))),
                None => {
                    ledger.intents.insert(id, None);
                    running.push(id);
                }
            }
        }
    }
    Some(writer)
}

fn push(queue: &Queue, intent: Option<Uuid>, ack: Ack) -> Uuid {
    let kind = if intent.is_some() { Kind::Outcome } else { Kind::Intent };
    let record = Record::system(kind, |members| members.intent_id = intent.map(crate::record::Id::Uuid));
    let (id, mut members) = (record.id(), Vec::new());
    record.write_members(&mut members);
    let opens = Effect::Opens(OpenIntent { intent_id: id, req_id: id });
    queue.add((id, kind, intent.map_or(opens, Effect::Closes), None), [&members, &[]], ack, false);
    id
}

pub(super) fn is_durable(receipt: &mut Receipt) -> bool {
    let told = Pin::new(receipt).poll(&mut Context::from_waker(Waker::noop()));
    matches!(told, Poll::Ready(Ok(())))
}

struct Totals {
    acked: usize,
    orphans: usize,
    failed: u64,
    segments: usize,
}

fn run(seed: u64, dir: &Path) -> Totals {
    let (disk, mut random) = (Simulated::default(), Random::new(seed));
    disk.machine().random = Random::new(seed ^ 0xff);
    let (mut ledger, mut receiver) = (Ledger::default(), Receiver::default());
    // Following costs files; every tenth seed does.
    let follows = seed.is_multiple_of(10);
    let follow = |receiver: &mut Receiver, writer: Option<Writer>, bytes| {
        let Some(writer) = writer.filter(|_| follows) else { return };
        disk.show(dir);
        receiver.read(dir, &writer.reached(), bytes);
    };
    for _ in 0..BOOTS {
        disk.restart(4 + random.below(20) as u32, if seed.is_multiple_of(3) { 6 } else { 0 });
        let writer = boot(&disk, &mut ledger, &mut random);
        follow(&mut receiver, writer, 1 + random.below(4000) as usize);
    }
    disk.restart(u32::MAX, 0);
    let options = Options::new("n");
    let queue = Arc::new(Queue::new(&options));
    let writer = Writer::open(Box::new(disk.clone()), options, queue).expect("it opens");
    disk.show(dir);
    follow(&mut receiver, Some(writer), usize::MAX);
    check(seed, dir, &ledger, follows.then_some(&receiver), disk.machine().failed)
}

/// What matters of a record.
#[derive(serde::Deserialize)]
struct Counted {
    #[serde(with = "crate::record::uuid_text")]
    id: Uuid,
    kind: Box<str>,
    intent_id: Option<Box<str>>,
}

impl Counted {
    fn intent(&self) -> Option<Uuid> {
        self.intent_id.as_ref()?.parse().ok()
    }
}

/// Whether each promise was kept.
fn check(seed: u64, dir: &Path, ledger: &Ledger, receiver: Option<&Receiver>, failed: u64) -> Totals {
    let report = verify(dir).unwrap_or_else(|error| panic!("seed {seed}: {error}"));
    let counted: Vec<Counted> =
        counted(dir).iter().map(|line| serde_json::from_slice(line).expect("JSON")).collect();
    let ids: Vec<Uuid> = counted.iter().map(|record| record.id).collect();
    let there: HashSet<Uuid> = ids.iter().copied().collect();
    assert_eq!(there.len(), ids.len(), "seed {seed}: a record is there twice");
    assert_eq!(report.records, ids.len() as u64, "seed {seed}: {report}");
    for id in &ledger.acked {
        assert!(there.contains(id), "seed {seed}: {id} was durable and is lost");
    }
    let of_kind = |kind: &'static str| counted.iter().filter(move |record| *record.kind == *kind);
    let mut ended: Vec<Uuid> = of_kind("outcome").filter_map(Counted::intent).collect();
    let orphans = of_kind("orphan").count();
    ended.extend(of_kind("orphan").filter_map(Counted::intent));
    let mut begun: Vec<Uuid> = of_kind("intent").map(|record| record.id).collect();
    begun.sort();
    ended.sort();
    assert_eq!(begun, ended, "seed {seed}: each intent has an outcome or is an orphan, once");
    for outcome in ledger.intents.values().flatten() {
        assert!(there.contains(outcome), "seed {seed}: the outcome {outcome} was durable");
    }
    if let Some(receiver) = receiver {
        assert_eq!(receiver.seen, ids, "seed {seed}: what follows reads each record once");
    }
    Totals { acked: ledger.acked.len(), orphans, failed, segments: report.segments }
}

/// The lines that count, in order: as `follow` says, from the beginning to the end.
fn counted(dir: &Path) -> Vec<Box<[u8]>> {
    let names = fs::read_dir(dir).expect("there").map(|entry| entry.expect("there").file_name());
    let names = names.filter_map(|name| SegmentName::parse(name.to_str()?));
    let last = names.max().expect("a segment");
    let bytes = fs::metadata(dir.join(last.to_string())).expect("there").len();
    let (_reached, end) = tokio::sync::watch::channel(Reached { segment: last, bytes });
    let lines = Follower::new(dir.into(), end, None).read(usize::MAX).expect("it reads");
    lines.into_iter().map(|line| line.bytes).collect()
}

#[test]
fn whatever_the_disk_loses_no_durable_record_is_lost_and_the_chain_verifies() {
    let seeds = std::env::var("ATTACH_SEEDS").ok().and_then(|n| n.parse().ok()).unwrap_or(SEEDS);
    let shared = PathBuf::from("/dev/shm");
    let base = if shared.is_dir() { shared } else { std::env::temp_dir() };
    let base = base.join(format!("attach-simulation-{}", Uuid::now_v7()));
    let mut totals = Totals { acked: 0, orphans: 0, failed: 0, segments: 0 };
    for seed in 1..=seeds {
        let dir = base.join(seed.to_string());
        fs::create_dir_all(&dir).expect("created");
        let one = run(seed, &dir);
        fs::remove_dir_all(&dir).expect("removed");
        totals.acked += one.acked;
        totals.orphans += one.orphans;
        totals.failed += one.failed;
        totals.segments += one.segments;
    }
    fs::remove_dir_all(base).expect("removed");
    let Totals { acked, orphans, failed, segments } = totals;
    println!("{seeds} seeds: {acked} durable, {orphans} orphans, {failed} faults, {segments} segments");
    let enough = acked as u64 > seeds * 5 && orphans as u64 > seeds && failed > seeds / 4;
    assert!(
        enough && segments as u64 > seeds * 4,
        "too little happened: {acked}, {orphans}, {failed}, {segments}"
    );
}
