//! Checks a log: that its records are as they were written, all there, and in order.
//!
//! The chain alone shows any change inside it, with the record's sequence number. It does not show that the end was
//! cut off, or that everything from some record on was written anew by somebody who can write to the files: for that
//! the end has to be known from elsewhere. [`verify_all`] holds a log against a [`Trust`]: keys that may have signed
//! its checkpoints, and checkpoints that were kept elsewhere. A [`Report`] says what it is based on.
//!
//! ```
//! use attach_audit::{Audit, Log, log::Options, verify::verify};
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let dir = std::env::temp_dir().join(format!("attach-audit-doc-{}", std::process::id()));
//! let audit = Audit::new(Log::open(&dir, Options::new("node-1"))?);
//! audit.close().await;
//!
//! let report = verify(&dir)?;
//! assert_eq!(report.records, 2);
//! assert!(report.to_string().contains("self-consistent only"));
//! # std::fs::remove_dir_all(dir)?;
//! # Ok(()) }
//! ```

use std::fmt;
use std::path::Path;

mod basis;
mod clock;
mod course;
mod deleted;
mod fault;
mod header;
mod lines;
mod list;
mod plan;
mod segment;
#[cfg(feature = "checkpoints")]
mod signed;
mod trust;

pub use self::basis::Basis;
pub use self::fault::{Fault, Finding, VerifyError};
pub use self::trust::Trust;

pub(crate) use self::deleted::DELETES;

#[cfg(feature = "checkpoints")]
pub(crate) use self::course::Seen;
#[cfg(feature = "checkpoints")]
pub(crate) use self::list::nodes;

use self::course::{Course, Observer};
use self::deleted::Deletion;
use self::list::{Found, Named};
use self::plan::{File, Plan};
use self::segment::{Check, End};
use self::trust::Known;

/// What was found of a log in which nothing is wrong.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Report {
    /// Records checked.
    pub records: u64,
    /// Bytes read.
    pub bytes: u64,
    /// Segments read.
    pub segments: usize,
    /// Checkpoint records among the records.
    pub checkpoints: u64,
    /// Chains, in order.
    pub chains: Vec<ChainReport>,
    /// What an auditor should know though it is not wrong: torn writes after a crash, earlier segments not there.
    pub notes: Vec<String>,
    /// What may have been done to the log, or may have an innocent reason: the clock went back.
    pub warnings: Vec<Finding>,
    /// What the log was held against, besides itself.
    pub basis: Vec<Basis>,
    /// The last chain of each node that was held against itself only.
    pub alone: Vec<String>,
}

/// What was found of one chain.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ChainReport {
    /// The chain's id.
    pub chain: String,
    /// Its first record here.
    pub first: u64,
    /// Its last record here.
    pub last: u64,
    /// The last record's hash. Kept elsewhere, it shows later whether the end was cut off.
    pub hash: String,
}

/// Checks the segments in a directory, of any number of nodes, or one segment file, against nothing but themselves.
///
/// Streams with a bounded buffer. Stops at the first thing that is wrong.
///
/// # Errors
///
/// [`VerifyError::Tampered`] names what is wrong and the sequence number of the record it is wrong with.
pub fn verify(path: &Path) -> Result<Report, VerifyError> {
    verify_all(&[path], &Trust::new())
}

/// Checks the segments of any number of nodes, collected in directories or named one by one, against what is known
/// of them from elsewhere.
///
/// A segment that is there twice counts once, if one copy is the beginning of the other.
///
/// # Errors
///
/// As [`verify`].
pub fn verify_all(paths: &[impl AsRef<Path>], trust: &Trust) -> Result<Report, VerifyError> {
    observe(paths, trust, None)
}

pub(crate) fn observe(
    paths: &[impl AsRef<Path>],
    trust: &Trust,
    mut observer: Option<Observer<'_>>,
) -> Result<Report, VerifyError> {
    let (mut report, known) = (Report::default(), trust.known()?);
    let Found { named, others, notes } = list::list(paths)?;
    report.notes = notes;
    let nodes = named.chunk_by(|a, b| a.name.node == b.name.node);
    let plans = others.iter().map(|path| Plan::file(path)).chain(nodes.map(Plan::node));
    let (mut beginnings, mut deletions) = (Vec::new(), Vec::new());
    for plan in plans {
        let mut plan = plan?;
        beginnings.extend(plan.beginning.take());
        let course = Course::new(trust, &known, observer.as_deref_mut().map(|o| o as Observer<'_>));
        deletions.append(&mut run(&plan, trust, course, &mut report)?);
    }
    beginnings.into_iter().for_each(|beginning| beginning.explain(&deletions, &mut report));
    absent(&known, &mut report)?;
    Ok(report)
}

/// What its records say was deleted.
fn run(
    plan: &Plan,
    trust: &Trust,
    mut course: Course<'_>,
    report: &mut Report,
) -> Result<Vec<Deletion>, VerifyError> {
    report.notes.extend(plan.notes.iter().cloned());
    let (mut end, chains): (Option<End>, _) = (None, report.chains.len());
    for (at, file) in plan.files.iter().enumerate() {
        let next = plan.files.get(at + 1);
        let check = Check { file, begins_after: end.take(), claim: next.and_then(File::after) };
        let reached = check.run(report, &mut course)?;
        if next.and_then(File::chain).is_none_or(|chain| *chain != *reached.chain) {
            let unmet = course.end(reached.seq).map_err(|wrong| check.wrong(&reached, wrong))?;
            report.notes.extend(unmet.map(Known::not_here));
        }
        end = Some(reached);
    }
    report.checkpoints += course.checkpoints;
    let deletions = std::mem::take(&mut course.deletions);
    let Some(last) = report.chains[chains..].last().map(|chain| chain.chain.clone()) else {
        return Ok(deletions);
    };
    let rests_on = Basis::of(&report.chains[chains..], course.met, course.signed);
    if trust.how.has_keys() && !rests_on.iter().any(|basis| basis.by.is_some() && basis.chain == last) {
        return Err(unsigned(plan, &last));
    }
    if rests_on.is_empty() {
        report.alone.push(last);
    }
    report.basis.extend(rests_on);
    Ok(deletions)
}

/// The chain that a key was given for has no checkpoint that it has signed.
fn unsigned(plan: &Plan, chain: &str) -> VerifyError {
    let its = plan.files.iter().find(|file| file.chain().as_deref() == Some(chain)).or(plan.files.first());
    let file = its.map(|file| file.path.clone()).unwrap_or_default();
    let seq = its.and_then(|file| file.head.as_ref()).map_or(0, |head| head.seq);
    VerifyError::Tampered(Finding { file, line: 1, chain: chain.into(), seq, fault: Fault::Unsigned })
}

/// A chain of which nothing is here, though there is a checkpoint of it: it may be one that was not kept for so long,
/// if it is older than all of its node that are here.
fn absent(known: &[Known], report: &mut Report) -> Result<(), VerifyError> {
    for known in known.iter().filter(|known| known.size > 0) {
        if report.chains.iter().any(|here| *here.chain == *known.chain) {
            continue;
        }
        let node = |chain: &str| chain.rsplit_once('-').map(|(node, _)| node.to_owned());
        let mut oldest = report.chains.iter().filter(|here| node(&here.chain) == node(&known.chain));
        if oldest.next().is_some_and(|oldest| *known.chain < *oldest.chain) {
            report.notes.push(known.not_here());
            continue;
        }
        let (file, chain) = (known.file.clone(), known.chain.to_string());
        let fault = Fault::Missing { through: known.size - 1 };
        return Err(VerifyError::Tampered(Finding { file, line: 0, chain, seq: 0, fault }));
    }
    Ok(())
}

impl Report {
    fn reached(&mut self, first: u64, end: &End) {
        let (chain, last, hash) = (end.chain.to_string(), end.seq, end.hash.to_string());
        match self.chains.last_mut().filter(|known| known.chain == chain) {
            Some(known) => (known.last, known.hash) = (last, hash),
            None => self.chains.push(ChainReport { chain, first, last, hash }),
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let many = |n: u64| if n == 1 { "" } else { "s" };
        let Self { records, segments, bytes, .. } = self;
        let (record, segment) = (many(*records), many(*segments as u64));
        writeln!(f, "ok: {records} record{record} in {segments} segment{segment}, {bytes} bytes")?;
        for chain in &self.chains {
            let ChainReport { chain, first, last, hash } = chain;
            writeln!(f, "chain {chain}: records {first} to {last}, ends in {hash}")?;
        }
        for note in &self.notes {
            writeln!(f, "note: {note}")?;
        }
        for warning in &self.warnings {
            writeln!(f, "warning: {warning}")?;
        }
        basis::display(self, f)
    }
}
