//! The lines that were found, read from the log.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use super::error::stale;
use super::search::Found;

/// A place in a segment.
#[derive(Debug)]
pub(super) struct Spot {
    segment: String,
    offset: u64,
    length: usize,
}

/// Where what was found stands.
#[derive(Debug)]
pub(super) struct Hit {
    pub(super) line: Spot,
    pub(super) intent: Option<Spot>,
    pub(super) cursor: String,
}

impl Spot {
    pub(super) fn new(segment: String, offset: i64, length: i64) -> Self {
        Self { segment, offset: offset.unsigned_abs(), length: usize::try_from(length).unwrap_or_default() }
    }
}

/// Reads the lines of `hits` from the log.
pub(super) fn read(
    hits: &[Hit],
    segments: &HashMap<String, PathBuf>,
    mut each: impl FnMut(Found<'_>) -> io::Result<()>,
) -> io::Result<()> {
    let (mut files, mut line, mut intent) = (Files { segments, open: None }, Vec::new(), Vec::new());
    for hit in hits {
        files.line(&hit.line, &mut line)?;
        if let Some(begun) = &hit.intent {
            files.line(begun, &mut intent)?;
        }
        let intent = hit.intent.is_some().then_some(&*intent);
        each(Found { line: &line, intent, cursor: &hit.cursor })?;
    }
    Ok(())
}

struct Files<'a> {
    segments: &'a HashMap<String, PathBuf>,
    /// The one that was read last.
    open: Option<(&'a Path, File)>,
}

impl Files<'_> {
    fn line(&mut self, spot: &Spot, line: &mut Vec<u8>) -> io::Result<()> {
        let path = self.segments.get(&spot.segment).ok_or_else(|| stale("a segment is gone"))?;
        let file = match &mut self.open {
            Some((open, file)) if open == path => file,
            open => &mut open.insert((path, File::open(path)?)).1,
        };
        file.seek(SeekFrom::Start(spot.offset))?;
        line.clear();
        file.take(spot.length as u64 + 1).read_to_end(line)?;
        if line.pop() != Some(b'\n') || line.len() != spot.length {
            return Err(stale("the log is not the one that was indexed"));
        }
        Ok(())
    }
}
