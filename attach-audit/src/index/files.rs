//! The segments of each node, and their lines from a place on.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use crate::chain;
use crate::log::{LONGEST, SegmentName};
use crate::read::{at, sources};

/// A segment that counts.
#[derive(Debug)]
pub(super) struct Segment {
    pub(super) name: String,
    pub(super) path: PathBuf,
    /// The last record that counts.
    pub(super) limit: Option<u64>,
}

/// A node and its segments, oldest first.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) name: Box<str>,
    pub(super) segments: Vec<Segment>,
}

/// The nodes in the order in which [`Records`](crate::read::Records) has them.
pub(super) fn nodes(paths: &[PathBuf]) -> io::Result<Vec<Node>> {
    let mut nodes = Vec::new();
    for source in sources(paths)? {
        let mut node: Option<Node> = None;
        for piece in source {
            let name = piece.path.file_name().and_then(|name| SegmentName::parse(name.to_str()?));
            let Some(name) = name else {
                let why = format!("{}: only segments with their own names are indexed", piece.path.display());
                return Err(io::Error::new(io::ErrorKind::InvalidInput, why));
            };
            let segment = Segment { name: name.to_string(), path: piece.path, limit: piece.limit };
            node.get_or_insert_with(|| Node { name: name.node, segments: Vec::new() }).segments.push(segment);
        }
        nodes.extend(node);
    }
    Ok(nodes)
}

/// The lines of a segment that count.
pub(super) struct Lines {
    file: BufReader<File>,
    limit: Option<u64>,
    line: Vec<u8>,
    next: u64,
}

impl Lines {
    /// From `offset` on, which is behind a line.
    pub(super) fn open(segment: &Segment, offset: u64) -> io::Result<Self> {
        let opened = File::open(&segment.path).and_then(|mut file| {
            file.seek(SeekFrom::Start(offset))?;
            Ok(file)
        });
        let file = opened.map_err(|error| at(&segment.path, &error))?;
        let file = BufReader::with_capacity(1 << 18, file);
        Ok(Self { file, limit: segment.limit, line: Vec::new(), next: offset })
    }

    /// The next line and where it begins.
    pub(super) fn next(&mut self) -> io::Result<Option<(u64, &[u8])>> {
        self.line.clear();
        let length = self.file.by_ref().take(LONGEST).read_until(b'\n', &mut self.line)?;
        if self.line.pop() != Some(b'\n') {
            return Ok(None);
        }
        let counts = |limit| chain::place(&self.line).is_some_and(|(seq, _)| seq <= limit);
        if !self.limit.is_none_or(counts) {
            return Ok(None);
        }
        let offset = self.next;
        self.next += length as u64;
        Ok(Some((offset, &self.line)))
    }

    /// Behind the last line that was returned.
    pub(super) fn position(&self) -> u64 {
        self.next
    }
}

/// Whether a line ends at `offset`.
pub(super) fn ends_line(path: &Path, offset: u64) -> io::Result<bool> {
    let Some(last) = offset.checked_sub(1) else { return Ok(true) };
    let mut file = File::open(path)?;
    file.seek(SeekFrom::Start(last))?;
    let mut byte = [0];
    Ok(file.read(&mut byte)? == 1 && byte == *b"\n")
}
