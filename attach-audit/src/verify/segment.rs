//! One segment, record by record.

use std::sync::Arc;

use super::course::{Course, Wrong};
use super::header::Header;
use super::lines::{Line, Lines};
use super::plan::File;
use super::{Fault, Finding, Report, VerifyError};
use crate::chain::{self, Hash};
use crate::log::SegmentName;
use crate::record::After;

/// The last record of what was read so far.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct End {
    pub(super) chain: Arc<str>,
    pub(super) seq: u64,
    pub(super) hash: Hash,
}

/// A segment to be checked.
pub(super) struct Check<'a> {
    pub(super) file: &'a File,
    /// Where the segment before it ended.
    pub(super) begins_after: Option<End>,
    /// Where the segment after it says that this one ends.
    pub(super) claim: Option<&'a After>,
}

/// What the next record has to be.
struct Expected {
    chain: Arc<str>,
    seq: u64,
    /// `None`: whatever it says, because what comes before is not here.
    prev: Option<Hash>,
}

/// What a line is, next to what was expected.
enum Verdict {
    Follows(Hash),
    Torn(usize),
    Damaged,
    Foreign,
    OutOfPlace { seq: u64, hash: Hash },
}

impl Expected {
    fn judge(&self, line: &Line<'_>) -> Verdict {
        let line = match line {
            Line::Rest(bytes) if chain::is_torn(bytes) => return Verdict::Torn(bytes.len()),
            Line::Rest(_) => return Verdict::Damaged,
            Line::Whole(line) => line,
        };
        match chain::read(line) {
            None => Verdict::Damaged,
            Some(link) if *link.chain != *self.chain => Verdict::Foreign,
            Some(link) if link.seq == self.seq && self.prev.is_none_or(|prev| prev == link.prev) => {
                Verdict::Follows(link.hash)
            }
            Some(link) => Verdict::OutOfPlace { seq: link.seq, hash: link.hash },
        }
    }
}

impl Check<'_> {
    pub(super) fn run(&self, report: &mut Report, course: &mut Course<'_>) -> Result<End, VerifyError> {
        let mut lines = Lines::open(&self.file.path)?;
        let mut expected = self.beginning()?;
        let (first, mut end) = (expected.seq, None);
        while let Some(line) = lines.next()? {
            let fault = match expected.judge(&line) {
                Verdict::Follows(hash) => {
                    if self.is_disowned(expected.seq) {
                        self.may_be_disowned(&line, expected.seq)?;
                    } else {
                        let followed = course.follow(&expected.chain, expected.seq, hash, line.bytes());
                        self.followed(followed, (lines.number, &expected), report)?;
                    }
                    let reached = End { chain: Arc::clone(&expected.chain), seq: expected.seq, hash };
                    self.agrees(&reached).map_err(|fault| self.found(lines.number, &expected, fault))?;
                    expected = Expected { seq: expected.seq + 1, prev: Some(hash), ..expected };
                    if !self.is_disowned(reached.seq) {
                        report.records += 1;
                        end = Some(reached);
                    }
                    continue;
                }
                Verdict::Torn(_) if self.claim.is_some_and(|claim| claim.disowned == 0) => Fault::Changed,
                Verdict::Torn(bytes) => {
                    report.notes.push(self.torn(bytes, &expected));
                    break;
                }
                Verdict::Damaged if self.is_disowned(expected.seq) && lines.next()?.is_none() => break,
                Verdict::Damaged => Fault::Changed,
                Verdict::Foreign => Fault::Foreign,
                Verdict::OutOfPlace { seq, hash } => {
                    let number = lines.number;
                    return Err(self.out_of_place(&expected, (seq, hash), number, lines)?);
                }
            };
            return Err(self.found(lines.number, &expected, fault));
        }
        report.bytes += lines.bytes;
        let end = self.complete(end, &expected, lines.number, report)?;
        report.reached(first, &end);
        Ok(end)
    }

    /// What the course has found with a record.
    fn followed(
        &self,
        found: Result<Option<u64>, Wrong>,
        (line, expected): (u64, &Expected),
        report: &mut Report,
    ) -> Result<(), VerifyError> {
        let back = found.map_err(|(seq, fault)| {
            let chain = Arc::clone(&expected.chain);
            self.found(line, &Expected { chain, seq, prev: None }, fault)
        })?;
        if let Some(seconds) = back
            && let VerifyError::Tampered(finding) = self.found(line, expected, Fault::ClockBack { seconds })
        {
            report.warnings.push(finding);
        }
        Ok(())
    }

    fn beginning(&self) -> Result<Expected, VerifyError> {
        let named = self.file.name.as_ref().map(SegmentName::chain);
        let head = self.file.head.as_ref();
        let chain = named.or(head.map(|head| head.chain.clone())).unwrap_or_default();
        let (seq, prev) = match (&self.begins_after, head) {
            (Some(end), _) if *end.chain == *chain => (end.seq + 1, Some(end.hash)),
            (Some(_), _) => (0, Some(Hash::ZERO)),
            (None, Some(head)) => (head.seq, (head.seq == 0).then_some(Hash::ZERO)),
            (None, None) => (self.before_the_second()?, None),
        };
        Ok(Expected { chain: chain.into(), seq, prev })
    }

    /// The number of a first record that cannot be read itself.
    fn before_the_second(&self) -> Result<u64, VerifyError> {
        let mut lines = Lines::open(&self.file.path)?;
        lines.next()?;
        let Some(Line::Whole(second)) = lines.next()? else { return Ok(0) };
        Ok(chain::read(second).map_or(0, |link| link.seq.saturating_sub(1)))
    }

    /// Whether the next segment says that record `seq` of this one does not count.
    fn is_disowned(&self, seq: u64) -> bool {
        self.claim.is_some_and(|claim| claim.disowned > 0 && seq > claim.seq)
    }

    /// A checkpoint is made over durable records, and comes first in what is written at once: one that does not count can
    /// only be the first that does not. Another says that records before it counted once.
    fn may_be_disowned(&self, line: &Line<'_>, seq: u64) -> Result<(), VerifyError> {
        let Some(claim) = self.claim.filter(|claim| seq > claim.seq.saturating_add(1)) else { return Ok(()) };
        if Header::read(line.bytes(), &mut 0).is_none_or(|header| header.kind != "checkpoint") {
            return Ok(());
        }
        let at = Expected { chain: claim.chain.as_ref().into(), seq: claim.seq, prev: None };
        Err(self.found(0, &at, Fault::Forked))
    }

    /// Holds a record against what the next segment says of this one's end.
    fn agrees(&self, reached: &End) -> Result<(), Fault> {
        match self.claim {
            Some(claim) if reached.seq == claim.seq && reached.hash != claim.hash => Err(Fault::Unlinked),
            Some(claim) if reached.seq > claim.seq && claim.disowned == 0 => Err(Fault::Inserted),
            _ => Ok(()),
        }
    }

    /// The file is over: is that where it should be?
    fn complete(
        &self,
        end: Option<End>,
        expected: &Expected,
        line: u64,
        report: &mut Report,
    ) -> Result<End, VerifyError> {
        report.segments += 1;
        if let Some(claim) = self.claim.filter(|claim| expected.seq <= claim.seq) {
            return Err(self.found(line, expected, Fault::Missing { through: claim.seq }));
        }
        if let Some(claim) = self.claim.filter(|_| self.is_disowned(expected.seq.saturating_sub(1))) {
            let file = self.file.path.display();
            report.notes.push(format!(
                "{file}: what comes after record {} does not count, as the next segment says",
                claim.seq
            ));
        }
        if end.is_none() {
            report.notes.push(format!("{} has no whole record", self.file.path.display()));
        }
        end.or_else(|| self.begins_after.clone()).ok_or_else(|| VerifyError::Empty(self.file.path.clone()))
    }

    /// A record that is whole, but not the one that belongs here: which of the two is to blame?
    fn out_of_place(
        &self,
        expected: &Expected,
        (seq, hash): (u64, Hash),
        line: u64,
        mut rest: Lines<'_>,
    ) -> Result<VerifyError, VerifyError> {
        let at = Expected { chain: Arc::clone(&expected.chain), seq, prev: None };
        if self.claim.is_some_and(|claim| claim.disowned == 0 && expected.seq > claim.seq) {
            return Ok(self.found(line, &at, Fault::Inserted));
        }
        if seq == expected.seq {
            return Ok(self.found(line, expected, Fault::Unlinked));
        }
        if seq > expected.seq {
            let comes_later = find(&mut rest, |later, _| later == expected.seq)?;
            let missing = Fault::Missing { through: seq - 1 };
            return Ok(self.found(
                line,
                expected,
                if comes_later { Fault::Reordered { before: seq } } else { missing },
            ));
        }
        let other = find(&mut Lines::open(&self.file.path)?, |earlier, its| earlier == seq && its != hash)?;
        let fault = if other { Fault::Inserted } else { Fault::Duplicated };
        Ok(self.found(line, &at, fault))
    }

    /// What was found wrong with the course of the chain that ends in `end`.
    pub(super) fn wrong(&self, end: &End, (seq, fault): Wrong) -> VerifyError {
        let at = Expected { chain: Arc::clone(&end.chain), seq, prev: None };
        self.found(0, &at, fault)
    }

    fn torn(&self, bytes: usize, expected: &Expected) -> String {
        let file = self.file.path.display();
        let before = expected.seq.saturating_sub(1);
        format!("{file} ends in {bytes} bytes of a torn or unfinished write after record {before}")
    }

    fn found(&self, line: u64, expected: &Expected, fault: Fault) -> VerifyError {
        let (file, chain) = (self.file.path.clone(), expected.chain.to_string());
        VerifyError::Tampered(Finding { file, line, chain, seq: expected.seq, fault })
    }
}

/// Whether one of `lines` is a whole record that `is_it`.
fn find(lines: &mut Lines<'_>, is_it: impl Fn(u64, Hash) -> bool) -> Result<bool, VerifyError> {
    while let Some(line) = lines.next()? {
        let Line::Whole(line) = line else { continue };
        if chain::read(line).is_some_and(|link| is_it(link.seq, link.hash)) {
            return Ok(true);
        }
    }
    Ok(false)
}
