use std::collections::HashMap;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::watch;
use uuid::Uuid;

use super::age::Age;
use super::batch::{Batch, Waiting};
use super::gap::gap;
use super::notary::Notary;
use super::queue::{Queue, Take};
use super::recover::{Recovered, recover};
use super::segment::{Framer, Tip};
use super::store::Store;
use super::tail::Reached;
use super::{Options, Segment, SegmentName, Storage};
use crate::chain::Hash;
use crate::metrics::LogMetrics;
use crate::record::{After, CRASH, Effect, Id, OpenIntent};
use crate::tree::Tree;
use crate::{Kind, Record, Timestamp};

/// Buffers above this size are not kept after an outage.
const KEEP: usize = 4 << 20;

/// The thread behind a [`Log`](super::Log): the only one that touches the files.
pub(super) struct Writer {
    pub(super) storage: Box<dyn Storage>,
    pub(super) options: Options,
    pub(super) queue: Arc<Queue>,
    framer: Framer,
    /// The segment that ends in the last durable record.
    name: SegmentName,
    /// `None` once something on it failed.
    file: Option<Box<dyn Segment>>,
    bytes: u64,
    age: Age,
    /// Bytes behind the last durable record that a failed write may have left.
    disowned: u64,
    /// The number for the next segment; a number that failed is not used again.
    number: u64,
    tip: Tip,
    notary: Notary,
    open: HashMap<Uuid, Uuid>,
    out: Vec<u8>,
    /// Who waits for what has just become durable.
    landed: Vec<Waiting>,
    store: Store,
    reached: watch::Sender<Reached>,
    metrics: LogMetrics,
}

/// Closes the queue and fails what is in it when the writer ends, however that comes about.
pub(super) struct Farewell(Arc<Queue>);

impl Farewell {
    pub(super) fn new(queue: Arc<Queue>) -> Self {
        Self(queue)
    }
}

impl Drop for Farewell {
    fn drop(&mut self) {
        let lost = self.0.abandon("the log has ended");
        if std::thread::panicking() {
            tracing::error!(lost, "the audit log's writer panicked: requests are refused until a restart");
        }
        self.0.gone();
    }
}

impl Writer {
    /// Finds the end of the last chain and begins the next.
    pub(super) fn open(storage: Box<dyn Storage>, options: Options, queue: Arc<Queue>) -> io::Result<Self> {
        let mut names: Vec<_> = storage.list()?.iter().filter_map(|name| SegmentName::parse(name)).collect();
        let own = SegmentName::first(&options.node, None).node;
        names.retain(|name| name.node == own);
        names.sort();
        let found = recover(&*storage, &names)?;
        let name = SegmentName::first(&options.node, names.last());
        let mut writer = Self {
            framer: Framer::new(&name, &options, queue.config.clone())?,
            notary: Notary::new(&name.chain(), &options),
            file: Some(storage.create(&name.to_string())?),
            age: Age::of_first(options.segment_age),
            storage,
            options,
            queue,
            bytes: 0,
            disowned: 0,
            number: 1,
            tip: Tip { next: 0, hash: Hash::ZERO, tree: Tree::default() },
            open: HashMap::new(),
            out: Vec::new(),
            landed: Vec::new(),
            store: Store::default(),
            reached: watch::Sender::new(Reached { segment: name.clone(), bytes: 0 }),
            name,
            metrics: LogMetrics::new(),
        };
        writer.begin(found)?;
        writer.reserve();
        Ok(writer)
    }

    pub(super) fn reached(&self) -> watch::Receiver<Reached> {
        self.reached.subscribe()
    }

    /// Writes the `start` record and an `orphan` record for each request that was left open.
    fn begin(&mut self, found: Option<Recovered>) -> io::Result<()> {
        let (after, left) = found.map_or_else(Default::default, |found| (Some(found.after), found.open));
        let left = sorted(&left);
        let mut off = self.options.protections_off.clone();
        off.extend((!self.notary.signs()).then(|| "signed_checkpoints".into()));
        off.extend((!self.options.egress).then(|| "egress".into()));
        let mut tip = self.tip.clone();
        let start = Record::system(Kind::Start, |start| {
            start.segment = Some(0);
            start.after = after.as_ref();
            start.open = Some(&left);
            start.protections_off = Some(&off);
        });
        self.framer.record(&mut self.out, &mut tip, &start);
        for intent in &left {
            let orphan = Record::system(Kind::Orphan, |orphan| {
                orphan.req_id = Id::Uuid(intent.req_id);
                orphan.intent_id = Some(Id::Uuid(intent.intent_id));
                orphan.decision.result = "error";
                orphan.decision.reason = Some(CRASH);
                orphan.end = Some(CRASH);
            });
            self.framer.record(&mut self.out, &mut tip, &orphan);
        }
        self.commit()?;
        self.tip = tip;
        self.notary.landed(&self.tip, None);
        self.publish();
        Ok(())
    }

    /// Writes until the queue is closed and empty.
    pub(super) fn run(mut self, farewell: Farewell) {
        let (mut batch, mut stopped) = (Batch::default(), false);
        while self.queue.take(&mut batch, self.due()) != Take::Ended {
            stopped |= batch.last;
            self.write(&mut batch);
            self.out.shrink_to(KEEP);
            batch.text.shrink_to(KEEP);
            batch.content.shrink_to(KEEP);
        }
        if self.file.is_some() && self.notary.is_missed(&self.tip, stopped) {
            batch.last = true;
            let _ = self.attempt(&mut batch, None);
        }
        drop(self);
        drop(farewell);
    }

    /// When something is to be written though nothing comes: a checkpoint, or a new segment.
    pub(super) fn due(&self) -> Option<Instant> {
        self.notary.due().into_iter().chain(self.age.due()).min()
    }

    pub(super) fn write(&mut self, batch: &mut Batch) {
        let lost = (batch.lost > 0).then(|| gap(batch.lost, Timestamp::now(), "queue_full"));
        let n = batch.lost;
        let first = self.attempt(batch, lost.as_ref());
        let mut full = false;
        match first.or_else(|error| {
            full = self.give_way(&error);
            tracing::error!(%error, segment = %self.name, "the audit log could not write; trying a new segment");
            self.attempt(batch, lost.as_ref())
        }) {
            Ok(Requests::Taken) => self.metrics.gap(n),
            Ok(Requests::Refused) => {
                self.metrics.gap(n);
                if full {
                    self.finish(batch);
                }
                self.resume(batch, Duration::ZERO);
            }
            Err(error) => {
                tracing::error!(%error, "the audit log does not work: requests are refused until it does");
                self.queue.fail();
                self.resume(batch, self.options.retry);
            }
        }
    }

    /// Tries, while new requests are refused, until a `gap` record that tells of them is durable.
    fn resume(&mut self, batch: &mut Batch, mut pause: Duration) {
        loop {
            let (outage, open) = self.queue.pause(pause, batch);
            let gap = gap(outage.refused + batch.lost, outage.since, "log_unavailable");
            let refused = outage.refused + batch.lost;
            let attempt = self.attempt(batch, Some(&gap)).inspect(|_| self.metrics.gap(refused));
            match attempt {
                Ok(_) if self.queue.resume(outage.refused) => break,
                Ok(_) => pause = Duration::ZERO,
                Err(error) if !open => {
                    let lost = self.queue.abandon("the log was closed while it did not work");
                    tracing::error!(%error, lost, "the audit log was closed while it did not work");
                    return batch.clear();
                }
                Err(error) => {
                    tracing::debug!(%error, "the audit log still does not work");
                    pause = self.options.retry;
                }
            }
        }
        self.reserve();
        tracing::warn!("the audit log works again");
    }

    /// Writes a batch and empties it, after a new segment's head if it is time for one; nothing has changed if it
    /// fails.
    pub(super) fn attempt(&mut self, batch: &mut Batch, gap: Option<&Record<'_>>) -> io::Result<Requests> {
        let mut tip = self.tip.clone();
        self.out.clear();
        // A checkpoint covers what is durable, so none is signed that another could contradict.
        let due = self.file.is_some() && self.notary.is_due(&tip, batch.last);
        let fresh = self.file.is_none() || !due && self.is_full();
        let previous = if fresh { Some(self.replace(&mut tip)?) } else { None };
        let covered = if due { self.notary.write(&self.framer, &mut self.out, &mut tip) } else { None };
        if let Some(gap) = gap {
            self.framer.record(&mut self.out, &mut tip, gap);
        }
        let mut start = 0;
        for entry in &batch.entries {
            let members = &batch.text[start..entry.end];
            self.framer.entry(&mut self.out, &mut tip, entry, members);
            start = entry.end;
        }
        // Content first: a record never refers to what a crash could take.
        let began = Instant::now();
        let kept = self.store.write(&*self.storage, &self.name, &batch.content);
        let touched = if kept.is_ok() { self.out.len() as u64 } else { 0 };
        if let Err(error) = kept.and_then(|()| self.commit()) {
            self.metrics.failed();
            self.file = None;
            match previous {
                Some(previous) => {
                    self.storage.remove(&self.name.to_string());
                    self.store.remove(&*self.storage, &self.name);
                    self.name = previous;
                }
                None => self.disowned = touched,
            }
            return Err(error);
        }
        let kinds = batch.entries.iter().map(|entry| entry.kind);
        self.metrics.committed(kinds.chain(gap.map(Record::kind)), began.elapsed());
        self.disowned = 0;
        self.age.landed(previous.is_some(), !batch.entries.is_empty() || gap.is_some());
        self.tip = tip;
        self.notary.landed(&self.tip, covered);
        Ok(self.settle(batch))
    }

    fn is_full(&self) -> bool {
        let size = self.options.segment_bytes;
        self.bytes >= size || self.store.is_full(size) || self.age.is_due()
    }

    /// Begins a new segment in place of the current one, whose name is returned; its head is in `out`, not written.
    fn replace(&mut self, tip: &mut Tip) -> io::Result<SegmentName> {
        let after = After {
            chain: self.name.chain().into(),
            segment: self.name.n,
            seq: tip.next.saturating_sub(1),
            hash: tip.hash,
            disowned: self.disowned,
        };
        let name = self.name.at(self.number);
        self.number += 1;
        self.file = None;
        self.file = Some(self.storage.create(&name.to_string())?);
        self.bytes = 0;
        let (open, peaks) = (sorted(&self.open), tip.tree.peaks().to_vec());
        let head = Record::system(Kind::Segment, |head| {
            head.segment = Some(name.n);
            head.after = Some(&after);
            head.open = Some(&open);
            head.tree = self.notary.signs().then_some(&*peaks);
        });
        self.framer.record(&mut self.out, tip, &head);
        Ok(std::mem::replace(&mut self.name, name))
    }

    fn commit(&mut self) -> io::Result<()> {
        let Some(file) = &mut self.file else { return Err(io::ErrorKind::NotConnected.into()) };
        file.append(&self.out)?;
        file.sync()?;
        self.bytes += self.out.len() as u64;
        Ok(())
    }

    /// Tells who reads and who waits that the batch is durable.
    fn settle(&mut self, batch: &mut Batch) -> Requests {
        self.publish();
        let outage = self.queue.land(&mut self.landed);
        self.landed.drain(..).for_each(|waiting| waiting.ack.durable());
        for entry in &batch.entries {
            match entry.effect {
                Effect::None => {}
                Effect::Opens(intent) => {
                    self.open.insert(intent.intent_id, intent.req_id);
                }
                Effect::Closes(intent) => {
                    self.open.remove(&intent);
                }
            }
        }
        batch.clear();
        if outage { Requests::Refused } else { Requests::Taken }
    }

    /// What is durable now may be read.
    fn publish(&self) {
        self.reached.send_replace(Reached { segment: self.name.clone(), bytes: self.bytes });
    }
}

/// What happens to new requests at the time a write has gone well.
pub(super) enum Requests {
    Taken,
    /// The write took longer than they wait, or others had failed before.
    Refused,
}

/// In order of ids, which is the order of time.
fn sorted(open: &HashMap<Uuid, Uuid>) -> Vec<OpenIntent> {
    let mut list: Vec<_> =
        open.iter().map(|(&intent_id, &req_id)| OpenIntent { intent_id, req_id }).collect();
    list.sort_by_key(|intent| intent.intent_id);
    list
}
