//! Which segments there are.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use super::{Fault, Finding, VerifyError};
use crate::chain;
use crate::log::{LONGEST, SegmentName};

#[derive(Debug, Clone)]
pub(crate) struct Named {
    pub(crate) name: SegmentName,
    pub(crate) path: PathBuf,
}

/// What the paths have led to.
#[derive(Default)]
pub(super) struct Found {
    /// Segments, in order of names: node by node, each from its first.
    pub(super) named: Vec<Named>,
    /// Files that are not named as segments are.
    pub(super) others: Vec<PathBuf>,
    pub(super) notes: Vec<String>,
}

pub(super) fn list(paths: &[impl AsRef<Path>]) -> Result<Found, VerifyError> {
    let mut found = Found::default();
    for path in paths.iter().map(AsRef::as_ref) {
        if fs::metadata(path).map_err(|error| VerifyError::io(path, error))?.is_file() {
            found.take(path.to_owned());
            continue;
        }
        let segments = found.named.len();
        found.named.extend(nodes(path)?);
        if found.named.len() == segments {
            return Err(VerifyError::Empty(path.to_owned()));
        }
    }
    found.named.sort_by(|a, b| a.name.cmp(&b.name));
    found.once()?;
    Ok(found)
}

/// The segments in a directory, in order of names.
pub(crate) fn nodes(dir: &Path) -> Result<Vec<Named>, VerifyError> {
    let io = |error| VerifyError::io(dir, error);
    let mut files = Vec::new();
    for entry in fs::read_dir(dir).map_err(io)? {
        let path = entry.map_err(io)?.path();
        files.extend(named(&path).map(|name| Named { name, path }));
    }
    files.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(files)
}

fn named(path: &Path) -> Option<SegmentName> {
    SegmentName::parse(path.file_name()?.to_str()?)
}

impl Found {
    fn take(&mut self, path: PathBuf) {
        match named(&path) {
            Some(name) => self.named.push(Named { name, path }),
            None => self.others.push(path),
        }
    }

    /// Leaves one copy of each segment, the longest.
    fn once(&mut self) -> Result<(), VerifyError> {
        let mut once: Vec<Named> = Vec::with_capacity(self.named.len());
        for next in self.named.drain(..) {
            match once.last_mut().filter(|last| last.name == next.name) {
                Some(last) => {
                    if is_longer(&next, last)? {
                        *last = next.clone();
                    }
                    self.notes
                        .push(format!("{} is there more than once; the longest copy counts", next.name));
                }
                None => once.push(next),
            }
        }
        self.named = once;
        Ok(())
    }
}

/// Whether one copy of a segment goes on where another ends.
fn is_longer(one: &Named, other: &Named) -> Result<bool, VerifyError> {
    let open = |path: &Path| fs::File::open(path).map_err(|error| VerifyError::io(path, error));
    let (mut one_lines, mut other_lines) =
        (BufReader::new(open(&one.path)?), BufReader::new(open(&other.path)?));
    let (mut mine, mut its, mut line, mut seq) = (Vec::new(), Vec::new(), 0, 0);
    loop {
        next_line(&mut one_lines, &mut mine).map_err(|error| VerifyError::io(&one.path, error))?;
        next_line(&mut other_lines, &mut its).map_err(|error| VerifyError::io(&other.path, error))?;
        line += 1;
        if mine == its {
            if mine.is_empty() {
                return Ok(false);
            }
            seq = chain::place(&mine).map_or(seq, |(seq, _)| seq);
            continue;
        }
        // A copy that was made while the segment was written may end anywhere.
        let ended = |lines: &mut BufReader<fs::File>| lines.fill_buf().is_ok_and(<[u8]>::is_empty);
        if its.starts_with(&mine) && ended(&mut one_lines) {
            return Ok(false);
        }
        if mine.starts_with(&its) && ended(&mut other_lines) {
            return Ok(true);
        }
        let (file, chain) = (one.path.clone(), one.name.chain());
        return Err(VerifyError::Tampered(Finding { file, line, chain, seq, fault: Fault::Forked }));
    }
}

fn next_line(file: &mut impl BufRead, line: &mut Vec<u8>) -> std::io::Result<usize> {
    line.clear();
    file.take(LONGEST).read_until(b'\n', line)
}
