//! When a checkpoint is due, and its record.
//!
//! A checkpoint covers records that are durable already, and nothing else: whatever happens to the write it is part
//! of, no other can contradict it. A log at rest has nothing left to cover, so it sleeps.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::Options;
use super::segment::{Framer, Tip};
#[cfg(feature = "checkpoints")]
use crate::checkpoint::Signer;
use crate::record::Checkpoint;
use crate::{Kind, Record};

pub(super) struct Notary {
    signer: Option<Arc<Signer>>,
    chain: String,
    age: Duration,
    records: u64,
    /// The first record that no checkpoint covers. One that covers the last checkpoint alone would be idle.
    covered: u64,
    /// Since when there is such a record.
    since: Option<Instant>,
}

impl Notary {
    pub(super) fn new(chain: &str, options: &Options) -> Self {
        #[cfg(feature = "checkpoints")]
        let signer = options.signer.clone();
        #[cfg(not(feature = "checkpoints"))]
        let signer = None;
        let (age, records) = (options.checkpoint_age, options.checkpoint_records.max(1));
        Self { signer, chain: chain.into(), age, records, covered: 0, since: None }
    }

    pub(super) fn signs(&self) -> bool {
        self.signer.is_some()
    }

    /// When the next one is due though nothing comes.
    pub(super) fn due(&self) -> Option<Instant> {
        self.since.filter(|_| self.signs())?.checked_add(self.age)
    }

    /// Whether the write that begins behind `tip` is to begin with one.
    pub(super) fn is_due(&self, tip: &Tip, last: bool) -> bool {
        let uncovered = tip.next.saturating_sub(self.covered);
        let old = self.due().is_some_and(|due| due <= Instant::now());
        self.signs() && uncovered > 0 && (last || old || uncovered >= self.records)
    }

    /// Whether the log ends with records, other than its last, that none covers.
    pub(super) fn is_missed(&self, tip: &Tip, stopped: bool) -> bool {
        self.signs() && tip.next.saturating_sub(self.covered) > u64::from(stopped)
    }

    /// Appends the record; what is covered once it is durable.
    pub(super) fn write(&self, framer: &Framer, out: &mut Vec<u8>, tip: &mut Tip) -> Option<u64> {
        let (size, root) = (tip.tree.size(), tip.tree.root());
        let note = self.signer.as_ref()?.checkpoint(&self.chain, size, root).into();
        let checkpoint = Checkpoint { size, root, note };
        framer.record(
            out,
            tip,
            &Record::system(Kind::Checkpoint, |record| {
                record.checkpoint = Some(&checkpoint);
            }),
        );
        Some(tip.next)
    }

    /// All records before `tip` are durable, those before `covered` under a checkpoint.
    pub(super) fn landed(&mut self, tip: &Tip, covered: Option<u64>) {
        if let Some(covered) = covered {
            (self.covered, self.since) = (covered, None);
        }
        if tip.next > self.covered {
            self.since.get_or_insert_with(Instant::now);
        }
    }
}

/// There is none.
#[cfg(not(feature = "checkpoints"))]
enum Signer {}

#[cfg(not(feature = "checkpoints"))]
impl Signer {
    fn checkpoint(&self, _: &str, _: u64, _: crate::chain::Hash) -> String {
        match *self {}
    }
}
