use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use super::VerifyError;
use crate::log::LONGEST;

/// A file line by line, in one buffer.
pub(super) struct Lines<'a> {
    path: &'a Path,
    file: BufReader<fs::File>,
    buffer: Vec<u8>,
    pub(super) number: u64,
    pub(super) bytes: u64,
}

/// A line, or what stands at the end of a file without a newline.
pub(super) enum Line<'a> {
    Whole(&'a [u8]),
    Rest(&'a [u8]),
}

impl<'a> Line<'a> {
    pub(super) fn bytes(&self) -> &'a [u8] {
        match self {
            Self::Whole(bytes) | Self::Rest(bytes) => bytes,
        }
    }
}

impl<'a> Lines<'a> {
    pub(super) fn open(path: &'a Path) -> Result<Self, VerifyError> {
        let file = fs::File::open(path).map_err(|error| VerifyError::io(path, error))?;
        let file = BufReader::with_capacity(1 << 18, file);
        Ok(Self { path, file, buffer: Vec::new(), number: 0, bytes: 0 })
    }

    pub(super) fn next(&mut self) -> Result<Option<Line<'_>>, VerifyError> {
        self.buffer.clear();
        let mut limited = self.file.by_ref().take(LONGEST);
        let length =
            limited.read_until(b'\n', &mut self.buffer).map_err(|error| VerifyError::io(self.path, error))?;
        self.number += 1;
        self.bytes += length as u64;
        Ok(match self.buffer.strip_suffix(b"\n") {
            _ if length == 0 => None,
            Some(line) => Some(Line::Whole(line)),
            None => Some(Line::Rest(&self.buffer)),
        })
    }
}
