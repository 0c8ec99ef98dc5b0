use std::fs::{self, File};
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};

use super::record::Used;

/// Calls `with` for every call that the log in `folder` has an outcome of, in the order of its files.
pub(super) fn each(folder: &Path, mut with: impl FnMut(Used<'_>) -> io::Result<()>) -> io::Result<()> {
    for path in segments(folder)? {
        let mut file = BufReader::with_capacity(1 << 18, File::open(&path)?);
        let (mut line, mut number) = (Vec::new(), 0_u64);
        while file.read_until(b'\n', &mut line)? > 0 {
            number += 1;
            match Used::parse(&line) {
                Ok(Some(used)) => with(used)?,
                Ok(None) => {}
                // The end of a crashed process's file, or a file that is being written.
                Err(_) if !line.ends_with(b"\n") => {}
                Err(error) => {
                    tracing::warn!(file = %path.display(), line = number, %error, "a line that is no record is left out");
                }
            }
            line.clear();
        }
    }
    Ok(())
}

/// The log's files, oldest first for each node.
fn segments(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let is_segment = |path: &PathBuf| {
        path.extension().is_some_and(|extension| extension == "jsonl")
            && path.file_name().and_then(|name| name.to_str()).is_some_and(|name| name.starts_with("audit-"))
    };
    let entries = fs::read_dir(folder)
        .map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", folder.display())))?;
    let mut paths = entries.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>()?;
    paths.retain(is_segment);
    if paths.is_empty() {
        let why = format!("{}: there is no audit log; name the folder with --log", folder.display());
        return Err(io::Error::new(io::ErrorKind::NotFound, why));
    }
    paths.sort_unstable();
    Ok(paths)
}
