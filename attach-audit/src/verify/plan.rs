//! Which files make up a node's log, and in what order each continues another.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::deleted::Beginning;
use super::header::Header;
use super::lines::{Line, Lines};
use super::{Fault, Finding, Named, VerifyError};
use crate::chain;
use crate::log::SegmentName;
use crate::record::After;

/// The files to read, each continuing the one before.
#[derive(Default)]
pub(super) struct Plan {
    pub(super) files: Vec<File>,
    pub(super) notes: Vec<String>,
    /// If it continues what is not here.
    pub(super) beginning: Option<Beginning>,
}

pub(super) struct File {
    pub(super) path: PathBuf,
    pub(super) name: Option<SegmentName>,
    pub(super) head: Option<Head>,
}

/// The first record of a segment.
pub(super) struct Head {
    pub(super) chain: String,
    pub(super) seq: u64,
    pub(super) after: Option<After>,
}

impl File {
    fn open(path: &Path, name: Option<SegmentName>) -> Result<Self, VerifyError> {
        // A head of another chain is as good as none; reading the segment will say so.
        let belongs = |head: &Head| name.as_ref().is_none_or(|name| name.chain() == head.chain);
        let head = Head::read(path)?.filter(belongs);
        Ok(Self { path: path.to_owned(), name, head })
    }

    /// The end that this segment says it continues.
    pub(super) fn after(&self) -> Option<&After> {
        self.head.as_ref()?.after.as_ref()
    }

    /// The chain that it belongs to, by its name if it has one.
    pub(super) fn chain(&self) -> Option<String> {
        let named = self.name.as_ref().map(SegmentName::chain);
        named.or_else(|| self.head.as_ref().map(|head| head.chain.clone()))
    }

    fn is_at(&self, after: &After) -> bool {
        self.name.as_ref().is_some_and(|name| name.n == after.segment && name.chain() == *after.chain)
    }

    fn file_name(&self) -> String {
        self.path.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }
}

impl Head {
    fn read(path: &Path) -> Result<Option<Self>, VerifyError> {
        #[derive(Deserialize)]
        struct First {
            after: Option<After>,
        }
        let mut lines = Lines::open(path)?;
        let Some(Line::Whole(line)) = lines.next()? else { return Ok(None) };
        let Some(link) = chain::read(line) else { return Ok(None) };
        let after = serde_json::from_slice::<First>(line).ok().and_then(|first| first.after);
        Ok(Some(Self { chain: link.chain.into(), seq: link.seq, after }))
    }
}

impl Plan {
    /// One segment, whatever its file is called.
    pub(super) fn file(path: &Path) -> Result<Self, VerifyError> {
        let name = path.file_name().and_then(|name| SegmentName::parse(name.to_str()?));
        let file = File::open(path, name)?;
        let mut plan = Self::default();
        plan.note_beginning(&file);
        plan.files.push(file);
        Ok(plan)
    }

    /// The segments of one node, in order of names. Those that no later one continues were given up on.
    pub(super) fn node(named: &[Named]) -> Result<Self, VerifyError> {
        let mut plan = Self::default();
        let mut left = named.iter().rev().map(|named| File::open(&named.path, Some(named.name.clone())));
        let mut next = left.next().transpose()?;
        while let Some(file) = next {
            let mut before = left.next().transpose()?;
            if let Some(after) = file.after() {
                let mut passed_over = Vec::new();
                while let Some(candidate) = before.take_if(|candidate| !candidate.is_at(after)) {
                    if !is_given_up(&candidate, &file, after) {
                        return Err(broken(named, &file, after));
                    }
                    unchanged(&candidate)?;
                    // What was given up on continued the same record, and nothing came to be known of it.
                    if candidate.after().is_some_and(|its| !same(its, after)) || has_checkpoint(&candidate)? {
                        return Err(forked(&candidate.path, after));
                    }
                    passed_over.push(candidate.file_name());
                    before = left.next().transpose()?;
                }
                if before.is_none() && !passed_over.is_empty() {
                    return Err(missing_segment(&file, after));
                }
                plan.notes.extend(
                    passed_over.into_iter().map(|name| format!("{name} was given up on and does not count")),
                );
            } else if let Some(head) = &file.head {
                // The first start there was. Only starts that a crash cut short can have been before it.
                while let Some(candidate) = before {
                    if !holds_nothing(&candidate)? {
                        return Err(unlinked(&file, head));
                    }
                    plan.notes
                        .push(format!("{} has no whole record and does not count", candidate.file_name()));
                    before = left.next().transpose()?;
                }
            }
            if before.is_none() {
                plan.note_beginning(&file);
            }
            plan.files.push(file);
            next = before;
        }
        plan.files.reverse();
        Ok(plan)
    }

    fn note_beginning(&mut self, file: &File) {
        let continues = |after: &After| Beginning { file: file.path.clone(), after: after.clone() };
        self.beginning = file.after().map(continues);
    }
}

/// Whether `candidate` was begun after the segment that `file` continues, and `file` after that; or never held a
/// record.
fn is_given_up(candidate: &File, file: &File, after: &After) -> bool {
    let (Some(name), Some(its)) = (&file.name, &candidate.name) else { return false };
    let chain = its.chain();
    let within = chain == *after.chain && its.n > after.segment && (chain != name.chain() || its.n < name.n);
    within || candidate.head.is_none()
}

/// Whether a crash came before the first record of `file` was whole.
fn holds_nothing(file: &File) -> Result<bool, VerifyError> {
    Ok(match Lines::open(&file.path)?.next()? {
        None => true,
        Some(Line::Rest(bytes)) => chain::is_torn(bytes),
        Some(Line::Whole(_)) => false,
    })
}

/// A segment that was given up on may end in a torn write, but whoever changes one must not get away with it.
fn unchanged(file: &File) -> Result<(), VerifyError> {
    let mut lines = Lines::open(&file.path)?;
    let (mut seq, mut damaged) = (0, None);
    while let Some(line) = lines.next()? {
        let link = match line {
            Line::Whole(line) => chain::read(line).map(|link| link.seq),
            Line::Rest(_) => None,
        };
        let chain = || file.name.as_ref().map(SegmentName::chain).unwrap_or_default();
        if let Some(line) = damaged {
            // Something follows, so it was no torn write.
            let seq = link.map_or(seq, |seq| seq.saturating_sub(1));
            let finding =
                Finding { file: file.path.clone(), line, chain: chain(), seq, fault: Fault::Changed };
            return Err(VerifyError::Tampered(finding));
        }
        match link {
            Some(link) => seq = link + 1,
            None => damaged = Some(lines.number),
        }
    }
    Ok(())
}

fn same(a: &After, b: &After) -> bool {
    (&a.chain, a.seq, a.hash) == (&b.chain, b.seq, b.hash)
}

/// A checkpoint is only written to a segment whose head is durable, and that is not given up on as a whole.
fn has_checkpoint(file: &File) -> Result<bool, VerifyError> {
    let (mut lines, mut place) = (Lines::open(&file.path)?, 0);
    while let Some(line) = lines.next()? {
        if Header::read(line.bytes(), &mut place).is_some_and(|header| header.kind == "checkpoint") {
            return Ok(true);
        }
    }
    Ok(false)
}

/// `file` continues none of those before it: is what it continues gone, or taken by another?
fn broken(named: &[Named], file: &File, after: &After) -> VerifyError {
    for other in named.iter().filter(|other| other.path != file.path) {
        match Head::read(&other.path) {
            Ok(Some(Head { after: Some(its), .. })) if same(&its, after) => return forked(&file.path, after),
            Ok(_) => {}
            Err(error) => return error,
        }
    }
    missing_segment(file, after)
}

fn forked(file: &Path, after: &After) -> VerifyError {
    let (file, chain) = (file.to_owned(), after.chain.to_string());
    VerifyError::Tampered(Finding { file, line: 1, chain, seq: after.seq, fault: Fault::Forked })
}

/// The segment before `file` is not there, with the last of its records.
fn missing_segment(file: &File, after: &After) -> VerifyError {
    VerifyError::Tampered(Finding {
        file: file.path.clone(),
        line: 1,
        chain: after.chain.to_string(),
        seq: after.seq,
        fault: Fault::Missing { through: after.seq },
    })
}

fn unlinked(file: &File, head: &Head) -> VerifyError {
    let chain = head.chain.clone();
    VerifyError::Tampered(Finding {
        file: file.path.clone(),
        line: 1,
        chain,
        seq: head.seq,
        fault: Fault::Unlinked,
    })
}
