//! How far targets have come, seen from outside the process that sends.

use std::fs;
use std::io;
use std::path::Path;

use super::cursor::Cursor;
use crate::log::{Position, SegmentName};

/// The end of the log in `dir` as it is now, while another process may be writing it; `None` without a log. Reads files.
///
/// # Errors
///
/// If the directory cannot be read.
pub fn end_of(dir: &Path) -> io::Result<Option<Position>> {
    let mut newest = None;
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        let name = entry.file_name().to_str().and_then(SegmentName::parse);
        let Some(name) = name.filter(|name| newest.as_ref().is_none_or(|(known, _)| name > known)) else {
            continue;
        };
        newest = Some((name, entry));
    }
    let position = |(segment, entry): (SegmentName, fs::DirEntry)| {
        Ok(Position { segment, offset: entry.metadata()?.len() })
    };
    newest.map(position).transpose()
}

/// How far the target named `target` has come, by its cursor in `cursors`, which is stored each second or so; `None` if
/// it has none. Reads a file.
///
/// # Errors
///
/// If the cursor is there and cannot be read.
pub fn reached(cursors: &Path, target: &str) -> io::Result<Option<Position>> {
    Ok(Cursor::new(cursors, target).load()?.map(|mark| mark.position))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::egress::cursor::Mark;

    #[test]
    fn a_target_is_level_when_its_cursor_is_at_the_end_of_the_newest_segment() {
        let dir = std::env::temp_dir().join(format!("attach-behind-{}", std::process::id()));
        fs::create_dir_all(&dir).unwrap();
        assert_eq!(end_of(&dir).unwrap(), None);
        fs::write(dir.join("audit-n-0000000000007-000002.jsonl"), "12345\n").unwrap();
        fs::write(dir.join("audit-n-0000000000007-000001.jsonl"), "1234567890\n").unwrap();
        fs::write(dir.join("other.txt"), "x").unwrap();
        let end = end_of(&dir).unwrap().unwrap();
        assert_eq!(end.to_string(), "audit-n-0000000000007-000002.jsonl:6");
        assert_eq!(reached(&dir, "siem").unwrap(), None);
        let before: Position = "audit-n-0000000000007-000001.jsonl:11".parse().unwrap();
        Cursor::new(&dir, "siem").store(&Mark { position: before.clone(), seq: Some(4) }).unwrap();
        assert!(reached(&dir, "siem").unwrap().is_some_and(|reached| reached == before && reached < end));
        fs::remove_dir_all(&dir).unwrap();
    }
}
