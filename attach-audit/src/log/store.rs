use std::io;

use super::{Segment, SegmentName, Storage};

/// The content file beside the segment that is being written; there is none until a record refers to content.
#[derive(Default)]
pub(super) struct Store {
    file: Option<(u64, Box<dyn Segment>)>,
}

impl Store {
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
            _ => storage.create(&name.content())?,
        };
        file.append(lines)?;
        file.sync()?;
        self.file = Some((name.n, file));
        Ok(())
    }

    /// Removes what was written beside `name`, if that is possible: no record refers to it.
    pub(super) fn remove(&mut self, storage: &dyn Storage, name: &SegmentName) {
        self.file = None;
        storage.remove(&name.content());
    }
}
