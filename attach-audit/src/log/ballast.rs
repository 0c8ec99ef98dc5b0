//! Space kept for the moment when the disk is full: a file that is deleted then.
//!
//! A file of its own rather than space reserved in each segment: it works on every file system, readers of segments need
//! not know of it, and what is reserved is the same whether a segment has just begun or is nearly full.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

use crate::private::private;

/// Its name, in the log's directory.
pub(super) const NAME: &str = "audit.reserve";
/// What is written at once where a file system cannot allocate without writing.
const CHUNK: usize = 1 << 16;

/// Allocates `bytes` in `dir`, unless that was done before.
pub(super) fn reserve(dir: &Path, bytes: u64) -> io::Result<()> {
    let path = dir.join(NAME);
    if bytes == 0 || is_whole(&path, bytes) {
        return Ok(());
    }
    let mut file = private().create(true).truncate(true).open(&path)?;
    let filled = fill(&mut file, bytes).and_then(|()| file.sync_all());
    // Half of it would take the space that is missing, and be no reserve.
    filled.inspect_err(|_| drop(fs::remove_file(&path)))
}

/// Gives the space back; false if there was none.
pub(super) fn release(dir: &Path) -> bool {
    fs::remove_file(dir.join(NAME)).is_ok()
}

/// A copy or a restored backup may have holes in place of the space.
fn is_whole(path: &Path, bytes: u64) -> bool {
    let Ok(found) = fs::metadata(path) else { return false };
    #[cfg(unix)]
    let allocated = std::os::unix::fs::MetadataExt::blocks(&found).saturating_mul(512);
    #[cfg(not(unix))]
    let allocated = found.len();
    found.len() == bytes && allocated >= bytes
}

fn fill(file: &mut File, bytes: u64) -> io::Result<()> {
    #[cfg(target_os = "linux")]
    match rustix::fs::fallocate(&*file, rustix::fs::FallocateFlags::empty(), 0, bytes) {
        Err(rustix::io::Errno::OPNOTSUPP | rustix::io::Errno::NOSYS) => {}
        other => return Ok(other?),
    }
    // Not zeros, which some file systems do not store.
    let (mut chunk, mut random) = (vec![0; CHUNK], 0x9e37_79b9_7f4a_7c15_u64);
    let mut left = bytes;
    while left > 0 {
        for word in chunk.chunks_exact_mut(8) {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            word.copy_from_slice(&random.to_le_bytes());
        }
        let n = left.min(CHUNK as u64);
        file.write_all(chunk.get(..usize::try_from(n).unwrap_or(CHUNK)).unwrap_or(&chunk))?;
        left -= n;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_space_is_taken_and_given_back() {
        let dir = std::env::temp_dir().join(format!("attach-ballast-{}", uuid::Uuid::now_v7()));
        fs::create_dir(&dir).expect("created");
        reserve(&dir, 1 << 20).expect("there is room");
        assert!(is_whole(&dir.join(NAME), 1 << 20));
        reserve(&dir, 1 << 20).expect("it is there already");
        // A hole of the same length is not taken for it.
        File::create(dir.join(NAME)).and_then(|file| file.set_len(1 << 20)).expect("written");
        reserve(&dir, 1 << 20).expect("there is room");
        assert!(is_whole(&dir.join(NAME), 1 << 20));
        assert!(release(&dir) && !release(&dir));
        fs::remove_dir_all(dir).expect("removed");
    }
}
