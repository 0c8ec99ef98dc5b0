//! How records look to other systems.

use crate::read::Entry;

/// The form in which records are sent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Format {
    /// The line as it is in the log.
    #[default]
    Native,
}

impl Format {
    /// Appends one record, a JSON object without a newline. `line` is what `entry` was read from.
    pub fn write(self, entry: &Entry<'_>, line: &[u8], out: &mut Vec<u8>) {
        match self {
            Self::Native => out.extend_from_slice(line),
        }
        let _ = entry;
    }
}
