//! What is followed from record to record of a node, over segments and chains: the tree, the checkpoints, the clock.

use std::sync::Arc;

use serde::Deserialize;

use super::clock::Clock;
use super::deleted::Deletion;
use super::header::Header;
use super::trust::Known;
use super::{Basis, Fault, Trust};
use crate::chain::Hash;
use crate::record::Checkpoint;
use crate::tree::Tree;

/// A record that continues the one before it.
#[cfg_attr(not(feature = "checkpoints"), allow(dead_code, reason = "proofs are what looks at it"))]
pub(crate) struct Seen<'a> {
    pub(crate) chain: &'a Arc<str>,
    pub(crate) seq: u64,
    pub(crate) hash: Hash,
    pub(crate) line: &'a [u8],
    /// The tree of the records before it, if it is known.
    pub(crate) tree: Option<&'a Tree>,
    pub(crate) checkpoint: Option<&'a Checkpoint<'a>>,
}

/// Who wants to see each record.
pub(crate) type Observer<'o> = &'o mut dyn FnMut(&Seen<'_>);

pub(super) struct Course<'c> {
    trust: &'c Trust,
    known: &'c [Known],
    observer: Option<Observer<'c>>,
    chain: Option<Chain<'c>>,
    clock: Clock,
    place: usize,
    /// Checkpoint records so far.
    pub(super) checkpoints: u64,
    /// What its records say was deleted.
    pub(super) deletions: Vec<Deletion>,
    /// The last checkpoint record whose signature was checked.
    pub(super) signed: Option<Basis>,
    /// The last checkpoint from elsewhere that was met.
    pub(super) met: Option<Basis>,
}

struct Chain<'c> {
    id: Arc<str>,
    tree: Option<Tree>,
    /// Its checkpoints from elsewhere that were not met yet, in order of sizes.
    ahead: &'c [Known],
    /// Those about records that are not here.
    behind: &'c [Known],
    /// A checkpoint fits the records before this one.
    vouched: u64,
}

/// Something is wrong, with the record of this number.
pub(super) type Wrong = (u64, Fault);

#[derive(Deserialize)]
struct Members<'a> {
    #[serde(default)]
    tree: Option<Vec<Hash>>,
    #[serde(borrow, default)]
    checkpoint: Option<Checkpoint<'a>>,
}

impl<'c> Course<'c> {
    pub(super) fn new(trust: &'c Trust, known: &'c [Known], observer: Option<Observer<'c>>) -> Self {
        let (chain, clock) = (None, Clock::default());
        let (deletions, signed, met) = (Vec::new(), None, None);
        Self { trust, known, observer, chain, clock, place: 0, checkpoints: 0, deletions, signed, met }
    }

    /// Follows a record. By how many seconds the clock went back, if it did.
    pub(super) fn follow(
        &mut self,
        chain: &Arc<str>,
        seq: u64,
        hash: Hash,
        line: &[u8],
    ) -> Result<Option<u64>, Wrong> {
        let header = Header::read(line, &mut self.place).unwrap_or(Header { ts: "", kind: "" });
        let members = match header.kind {
            "segment" | "checkpoint" => serde_json::from_slice::<Members<'_>>(line).ok(),
            _ => None,
        };
        let (peaks, checkpoint) = members.map_or((None, None), |members| (members.tree, members.checkpoint));
        let mut course = match self.chain.take() {
            Some(course) if *course.id == **chain => course,
            _ => Chain::begin(chain, seq, self.known),
        };
        if let Some(peaks) = peaks {
            course.at_head(seq, peaks)?;
        }
        if header.kind == "admin" {
            self.deletions.extend(Deletion::read(line, (chain, seq)));
        }
        if header.kind == "checkpoint" {
            let checkpoint = checkpoint.as_ref().ok_or((seq, Fault::BadCheckpoint))?;
            self.checkpoint(&mut course, seq, checkpoint, header.ts)?;
        }
        if let Some(observe) = &mut self.observer {
            let (tree, checkpoint) = (course.tree.as_ref(), checkpoint.as_ref());
            observe(&Seen { chain, seq, hash, line, tree, checkpoint });
        }
        if let Some(tree) = &mut course.tree {
            tree.push(hash);
        }
        self.met = course.meet()?.or(self.met.take());
        self.chain = Some(course);
        Ok(self.clock.goes_back(header.ts, header.kind))
    }

    fn checkpoint(
        &mut self,
        course: &mut Chain<'_>,
        seq: u64,
        record: &Checkpoint<'_>,
        ts: &str,
    ) -> Result<(), Wrong> {
        let by = self.trust.how.judge(&course.id, record).map_err(|fault| (seq, fault))?;
        if record.size != seq {
            return Err((seq, Fault::BadCheckpoint));
        }
        course.holds(seq, record.root)?;
        self.checkpoints += 1;
        if let Some(met) = self.met.as_mut().filter(|met| met.size == seq && *met.chain == *course.id) {
            met.at = Some(ts.into());
        }
        if by.is_some() {
            let (chain, by) = (course.id.to_string(), by.map(String::from));
            self.signed = Some(Basis { chain, size: seq, at: Some(ts.into()), by, given: false, after: 0 });
        }
        Ok(())
    }

    /// The chain is over, with record `last`: is there a checkpoint from elsewhere that it does not reach? Those that
    /// could not be held against anything are returned.
    pub(super) fn end(&mut self, last: u64) -> Result<impl Iterator<Item = &'c Known>, Wrong> {
        let chain = self.chain.take();
        let (behind, ahead) = chain.map_or((&[][..], &[][..]), |chain| (chain.behind, chain.ahead));
        match ahead.iter().find(|known| known.size > last + 1) {
            Some(known) => Err((last + 1, Fault::Missing { through: known.size - 1 })),
            None => Ok(behind.iter().chain(ahead)),
        }
    }
}

impl<'c> Chain<'c> {
    fn begin(id: &Arc<str>, seq: u64, known: &'c [Known]) -> Self {
        let from = known.partition_point(|known| *known.chain < **id);
        let to = known.partition_point(|known| *known.chain <= **id);
        let tree = (seq == 0).then(Tree::default);
        Self { id: Arc::clone(id), tree, ahead: &known[from..to], behind: &[], vouched: 0 }
    }

    /// The head of a segment repeats the tree so far. Where what comes before is not here, it is taken on trust: the
    /// next checkpoint will not fit if it is wrong.
    fn at_head(&mut self, seq: u64, peaks: Vec<Hash>) -> Result<(), Wrong> {
        let said = Tree::resume(seq, peaks).ok_or((seq, Fault::BadCheckpoint))?;
        match &self.tree {
            Some(tree) if *tree == said => Ok(()),
            Some(_) => Err((seq, Fault::BadCheckpoint)),
            None => {
                (self.tree, self.vouched) = (Some(said), seq);
                let first = self.ahead.partition_point(|known| known.size < seq);
                (self.behind, self.ahead) = self.ahead.split_at(first);
                self.meet().map(drop)
            }
        }
    }

    /// Holds the tree against a checkpoint of the same size.
    fn holds(&mut self, size: u64, root: Hash) -> Result<(), Wrong> {
        if self.tree.as_ref().is_none_or(|tree| tree.root() != root) {
            let from = self.vouched.min(size.saturating_sub(1));
            return Err((from, Fault::Rewritten { through: size.saturating_sub(1) }));
        }
        self.vouched = size;
        Ok(())
    }

    /// The checkpoint from elsewhere that is about the records so far, if there is one.
    fn meet(&mut self) -> Result<Option<Basis>, Wrong> {
        let Some(size) = self.tree.as_ref().map(Tree::size) else { return Ok(None) };
        let mut met = None;
        while let Some((known, ahead)) = self.ahead.split_first().filter(|(known, _)| known.size <= size) {
            self.ahead = ahead;
            if known.size == size {
                self.holds(size, known.root)?;
                let (chain, by) = (self.id.to_string(), known.by.as_deref().map(String::from));
                met = Some(Basis { chain, size, at: None, by, given: true, after: 0 });
            }
        }
        Ok(met)
    }
}
