use std::io::{self, Write};
use std::path::{Path, PathBuf};

use attach_audit::index::{Index, Search};
use attach_audit::read::Entry;

use super::output::Output;

/// Answers from the index in `file`, once it has all that is in the logs behind `paths`.
pub(super) fn answer<W: Write>(
    file: &Path,
    paths: &[PathBuf],
    search: &Search,
    mut output: Output<'_, W>,
) -> io::Result<()> {
    let mut index = Index::open(file)?;
    index.update(paths)?;
    index.find(search, |found| {
        let entry = Entry::parse(found.line)?;
        match found.intent {
            Some(intent) => output.crashed(&Entry::parse(intent)?, &entry, [intent, found.line]),
            None => output.one(&entry, found.line),
        }
    })?;
    output.finish()
}
