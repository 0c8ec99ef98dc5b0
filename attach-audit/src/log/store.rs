use std::io;

use super::{Segment, SegmentName, Storage};

/// The content file beside the segment that is being written; there is none until a record refers to content.
#[derive(Default)]
pub(super) struct Store {
    file: Option<(u64, Box<dyn Segment>)>,
    bytes: u64,
}

/// Content may have this many times the size of its segment: files are to go out and to be deleted piece by piece.
const SHARE: u64 = 16;

impl Store {
    /// Whether it is time for another segment, where one has `segment_bytes`.
    pub(super) fn is_full(&self, segment_bytes: u64) -> bool {
        self.file.is_some() && self.bytes >= segment_bytes.saturating_mul(SHARE)
    }

    /// Makes `lines` durable beside the segment `name`. A file on which something failed is not used again.
    pub(super) fn write(
        &mut self,
        storage: &dyn Storage,
        name: &SegmentName,
        lines: &[u8],
    ) -> io::Result<()> {
        if lines.is_empty() {
            return Ok(());
        }
        let mut file = match self.file.take() {
            Some((n, file)) if n == name.n => file,
            _ => {
                self.bytes = 0;
                storage.create(&name.content())?
            }
        };
        file.append(lines)?;
        file.sync()?;
        self.bytes += lines.len() as u64;
        self.file = Some((name.n, file));
        Ok(())
    }

    /// Removes what was written beside `name`, if that is possible: no record refers to it.
    pub(super) fn remove(&mut self, storage: &dyn Storage, name: &SegmentName) {
        self.file = None;
        storage.remove(&name.content());
    }
}
