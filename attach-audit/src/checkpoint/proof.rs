use std::fmt;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::path::root;
use super::{Checkpoint, Note, NoteError, Siblings, VerifierKey};
use crate::chain::{self, Hash};
use crate::verify::{Seen, Trust, VerifyError, observe};

/// That one record is under a signed checkpoint, for somebody who has nothing but this and the key (RFC 6962,
/// section 2.1.1).
///
/// Its text form, a JSON object, is stable: `v` (1), `record` (the line as written), `index` (the record's number),
/// `size` (of the tree), `path` (hashes in hex, nearest first), `checkpoint` (the signed note).
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Proof {
    v: u8,
    record: Box<str>,
    index: u64,
    size: u64,
    path: Vec<Hash>,
    checkpoint: Box<str>,
}

/// What a proof has shown.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Proved {
    /// The record's line.
    pub record: Box<str>,
    /// The chain.
    pub chain: Box<str>,
    /// Its number.
    pub seq: u64,
    /// How many records the checkpoint is about.
    pub size: u64,
    /// The name of the key that has signed it.
    pub by: Box<str>,
}

/// Why there is no proof.
#[derive(Debug)]
#[non_exhaustive]
pub enum ProofError {
    /// The log does not verify.
    Log(VerifyError),
    /// There is no record of this number.
    NoRecord(u64),
    /// Several chains have a record of this number: one has to be named.
    Chains(Vec<Box<str>>),
    /// No checkpoint covers the record, yet.
    NotCovered(u64),
    /// It is not of the form of a proof.
    Malformed,
    /// The record is not the one that the checkpoint was made over.
    Record,
    /// The checkpoint is not signed as it should be.
    Note(NoteError),
}

impl Proof {
    /// Makes the proof for record `seq` of the logs in `paths`, under the first checkpoint that covers it. `chain`
    /// says of which chain, if several have such a record. Reads the log twice, and verifies it.
    ///
    /// # Errors
    ///
    /// If the log does not verify, there is no such record, or none of its checkpoints covers it.
    pub fn make(paths: &[impl AsRef<Path>], chain: Option<&str>, seq: u64) -> Result<Self, ProofError> {
        let mut found: Vec<Wanted> = Vec::new();
        observe(paths, &Trust::new(), Some(&mut |seen: &Seen<'_>| look(&mut found, chain, seq, seen)))?;
        let wanted = match &found[..] {
            [] => return Err(ProofError::NoRecord(seq)),
            [one] => one,
            _ => return Err(ProofError::Chains(found.into_iter().map(|one| one.chain).collect())),
        };
        let (size, note) = wanted.under.as_ref().ok_or(ProofError::NotCovered(seq))?;
        let (mut siblings, mut begun) = (Siblings::new(seq, *size), false);
        let mut pass = |seen: &Seen<'_>| {
            if **seen.chain != *wanted.chain || seen.seq >= *size {
                return;
            }
            if !std::mem::replace(&mut begun, true)
                && let Some(before) = seen.tree
            {
                siblings.resume(before);
            }
            siblings.pass(seen.seq, seen.hash);
        };
        observe(paths, &Trust::new(), Some(&mut pass))?;
        let path = siblings.path().ok_or(ProofError::NotCovered(seq))?;
        let (record, checkpoint) = (wanted.line.clone(), note.clone());
        Ok(Self { v: 1, record, index: seq, size: *size, path, checkpoint })
    }

    /// Reads the text form.
    ///
    /// # Errors
    ///
    /// [`ProofError::Malformed`].
    pub fn parse(text: &str) -> Result<Self, ProofError> {
        serde_json::from_str(text).ok().filter(|proof: &Self| proof.v == 1).ok_or(ProofError::Malformed)
    }

    /// What it shows, if one of `keys` has signed its checkpoint.
    ///
    /// # Errors
    ///
    /// If the record, the path and the checkpoint do not belong together, or nobody trusted has signed it.
    pub fn verify(&self, keys: &[VerifierKey]) -> Result<Proved, ProofError> {
        let note = Note::parse(&self.checkpoint).map_err(ProofError::Note)?;
        let by = note.verify(keys).map_err(ProofError::Note)?.name().into();
        let checkpoint = Checkpoint::parse(note.text()).map_err(ProofError::Note)?;
        let link = chain::read(self.record.as_bytes()).ok_or(ProofError::Record)?;
        let is_it =
            link.chain == checkpoint.chain() && link.seq == self.index && self.size == checkpoint.size();
        if !is_it || root(self.index, self.size, link.hash, &self.path) != Some(checkpoint.root()) {
            return Err(ProofError::Record);
        }
        let (record, chain) = (self.record.clone(), link.chain.into());
        Ok(Proved { record, chain, seq: link.seq, size: self.size, by })
    }
}

/// A record of the number asked for, and the first checkpoint after it.
struct Wanted {
    chain: Box<str>,
    line: Box<str>,
    under: Option<(u64, Box<str>)>,
}

fn look(found: &mut Vec<Wanted>, chain: Option<&str>, seq: u64, seen: &Seen<'_>) {
    if chain.is_some_and(|chain| chain != &**seen.chain) {
        return;
    }
    if seen.seq == seq {
        let (chain, line) = ((&**seen.chain).into(), String::from_utf8_lossy(seen.line).into());
        found.push(Wanted { chain, line, under: None });
    }
    if let Some(checkpoint) = seen.checkpoint.filter(|checkpoint| checkpoint.size > seq)
        && let Some(wanted) = found.iter_mut().find(|wanted| *wanted.chain == **seen.chain)
    {
        wanted.under.get_or_insert_with(|| (checkpoint.size, checkpoint.note.as_ref().into()));
    }
}

impl From<VerifyError> for ProofError {
    fn from(error: VerifyError) -> Self {
        Self::Log(error)
    }
}

/// The text form.
impl fmt::Display for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&serde_json::to_string_pretty(self).unwrap_or_default())
    }
}

impl fmt::Display for ProofError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Log(error) => error.fmt(f),
            Self::NoRecord(seq) => write!(f, "there is no record {seq}"),
            Self::Chains(chains) => write!(f, "name one of the chains {}", chains.join(", ")),
            Self::NotCovered(seq) => write!(f, "no checkpoint covers record {seq}, yet"),
            Self::Malformed => f.write_str("no proof as `attach-gateway audit prove` prints it"),
            Self::Record => f.write_str("the record is not the one that the checkpoint was made over"),
            Self::Note(error) => write!(f, "the checkpoint: {error}"),
        }
    }
}

impl std::error::Error for ProofError {}
