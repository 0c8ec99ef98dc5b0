//! Checks a log: that its records are as they were written, all there, and in order.
//!
//! The chain alone shows any change inside it, with the record's sequence number. It does not show that the end was
//! cut off, or that everything from some record on was written anew by somebody who can write to the files: for that
//! the end has to be known from elsewhere. A [`Report`] therefore says what it is based on.
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
use std::fs;
use std::path::Path;

mod fault;
mod lines;
mod plan;
mod segment;

pub use self::fault::{Fault, Finding, VerifyError};

use self::plan::{File, Plan};
use self::segment::{Check, End};
use crate::log::SegmentName;

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
    /// Chains, in order.
    pub chains: Vec<ChainReport>,
    /// What an auditor should know though it is not wrong: torn writes after a crash, earlier segments not there.
    pub notes: Vec<String>,
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

/// Checks the segments in a directory, of any number of nodes, or one segment file.
///
/// Streams with a bounded buffer. Stops at the first thing that is wrong.
///
/// # Errors
///
/// [`VerifyError::Tampered`] names what is wrong and the sequence number of the record it is wrong with.
pub fn verify(path: &Path) -> Result<Report, VerifyError> {
    let mut report = Report::default();
    if fs::metadata(path).map_err(|error| VerifyError::io(path, error))?.is_file() {
        run(&Plan::file(path)?, &mut report)?;
        return Ok(report);
    }
    let files = list(path)?;
    if files.is_empty() {
        return Err(VerifyError::Empty(path.to_owned()));
    }
    for node in files.chunk_by(|a, b| a.name.node == b.name.node) {
        run(&Plan::node(node)?, &mut report)?;
    }
    Ok(report)
}

struct Named {
    name: SegmentName,
    path: std::path::PathBuf,
}

fn list(dir: &Path) -> Result<Vec<Named>, VerifyError> {
    let io = |error| VerifyError::io(dir, error);
    let mut files = Vec::new();
    for entry in fs::read_dir(dir).map_err(io)? {
        let entry = entry.map_err(io)?;
        if let Some(name) = entry.file_name().to_str().and_then(SegmentName::parse) {
            files.push(Named { name, path: entry.path() });
        }
    }
    files.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(files)
}

fn run(plan: &Plan, report: &mut Report) -> Result<(), VerifyError> {
    report.notes.extend(plan.notes.iter().cloned());
    let mut end: Option<End> = None;
    for (at, file) in plan.files.iter().enumerate() {
        let claim = plan.files.get(at + 1).and_then(File::after);
        let check = Check { file, begins_after: end.take(), claim };
        end = Some(check.run(report)?);
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
        writeln!(f, "ok: {} records in {} segments, {} bytes", self.records, self.segments, self.bytes)?;
        for chain in &self.chains {
            let ChainReport { chain, first, last, hash } = chain;
            writeln!(f, "chain {chain}: records {first} to {last}, ends in {hash}")?;
        }
        for note in &self.notes {
            writeln!(f, "note: {note}")?;
        }
        f.write_str(
            "basis: self-consistent only: no checkpoint from elsewhere was given, so a cut-off end, or a log written \
             anew from some record on, would not be seen",
        )
    }
}
