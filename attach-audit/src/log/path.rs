//! Which segments of a node count, and how far each does.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::{LONGEST, SegmentName};
use crate::record::After;

/// A segment, and where it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Part {
    pub(crate) name: SegmentName,
    pub(crate) path: PathBuf,
}

/// A segment that counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Counting {
    pub(crate) part: Part,
    /// The last of its records that counts, where the next segment says so.
    pub(crate) limit: Option<u64>,
}

/// Those of a node's segments that count, oldest first. `segments` are in order of names.
///
/// A segment that a later one does not continue was given up on, and its records were written again. One before a
/// segment that is not here counts: whoever reads gets what there is, and `verify` says what is missing.
pub(crate) fn counting(segments: Vec<Part>) -> io::Result<Vec<Counting>> {
    let mut counting: Vec<Counting> = Vec::new();
    // What the segment above says it continues.
    let mut next: Option<After> = None;
    for segment in segments.into_iter().rev() {
        let Some(head) = Head::read(&segment.path)? else {
            // Never held a record; the youngest may be about to get its first.
            if counting.is_empty() {
                counting.push(Counting { part: segment, limit: None });
            }
            continue;
        };
        let above = counting.last().map(|above| &above.part.name);
        let limit = match &next {
            Some(after) if segment.name.n == after.segment && segment.name.chain() == *after.chain => {
                Some(after.seq)
            }
            Some(after) if is_given_up(&segment.name, above, after) => continue,
            _ => None,
        };
        next = head.after;
        counting.push(Counting { part: segment, limit });
    }
    counting.reverse();
    Ok(counting)
}

/// Whether `name` was begun after the segment that `after` names, and the one `above` after that.
fn is_given_up(name: &SegmentName, above: Option<&SegmentName>, after: &After) -> bool {
    let chain = name.chain();
    let before_the_next = above.is_none_or(|above| chain != above.chain() || name.n < above.n);
    chain == *after.chain && name.n > after.segment && before_the_next
}

#[derive(Deserialize)]
struct Head {
    #[serde(default)]
    after: Option<After>,
}

impl Head {
    /// The first record; `None` if there is none that reads.
    fn read(path: &Path) -> io::Result<Option<Self>> {
        #[cfg(test)]
        HEADS_READ.with(|n| n.set(n.get() + 1));
        let mut line = Vec::new();
        BufReader::new(File::open(path)?).take(LONGEST).read_until(b'\n', &mut line)?;
        Ok(line.ends_with(b"\n").then(|| serde_json::from_slice(&line).ok()).flatten())
    }
}

#[cfg(test)]
thread_local!(static HEADS_READ: std::cell::Cell<usize> = const { std::cell::Cell::new(0) });

/// How many heads this thread has read.
#[cfg(test)]
pub(super) fn heads_read() -> usize {
    HEADS_READ.with(std::cell::Cell::get)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Dir(PathBuf);

    impl Dir {
        fn new() -> Self {
            let path = std::env::temp_dir().join(format!("attach-path-{}", uuid::Uuid::now_v7()));
            std::fs::create_dir_all(&path).expect("a directory");
            Self(path)
        }

        /// A segment of chain `epoch`, whose head says what it continues.
        fn segment(&self, epoch: u64, n: u64, after: Option<(u64, u64, u64)>) -> Part {
            let name = SegmentName { node: "n".into(), epoch, n };
            let path = self.0.join(name.to_string());
            let after = after.map_or_else(String::new, |(epoch, segment, seq)| {
                let (chain, hash) = (format!("n-{epoch:013}"), "0".repeat(64));
                format!(r#","after":{{"chain":"{chain}","segment":{segment},"seq":{seq},"hash":"{hash}","disowned":0}}"#)
            });
            std::fs::write(&path, format!("{{\"v\":1{after}}}\n")).expect("written");
            Part { name, path }
        }
    }

    impl Drop for Dir {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    fn shown(segments: Vec<Part>) -> Vec<(u64, u64, Option<u64>)> {
        let counting = counting(segments).expect("readable");
        counting.iter().map(|one| (one.part.name.epoch, one.part.name.n, one.limit)).collect()
    }

    #[test]
    fn what_was_given_up_on_does_not_count_and_what_only_lacks_its_successor_does() {
        let dir = Dir::new();
        let chain = [
            dir.segment(1, 0, None),
            dir.segment(1, 1, Some((1, 0, 9))),
            dir.segment(1, 2, Some((1, 1, 19))),
            dir.segment(1, 3, Some((1, 1, 17))),
            dir.segment(2, 0, Some((1, 3, 30))),
        ];
        assert_eq!(
            shown(chain.to_vec()),
            [(1, 0, Some(9)), (1, 1, Some(17)), (1, 3, Some(30)), (2, 0, None)]
        );
        // The first is gone, or one in between.
        assert_eq!(shown(chain[1..].to_vec()), [(1, 1, Some(17)), (1, 3, Some(30)), (2, 0, None)]);
        let gap = [&chain[..1], &chain[4..]].concat();
        assert_eq!(shown(gap), [(1, 0, None), (2, 0, None)]);
    }

    #[test]
    fn a_segment_without_a_record_counts_only_as_the_youngest() {
        let dir = Dir::new();
        let (old, empty) = (dir.segment(1, 0, None), dir.segment(1, 1, None));
        std::fs::write(&empty.path, "{\"v\":1").expect("written");
        assert_eq!(shown(vec![old.clone(), empty.clone()]), [(1, 0, None), (1, 1, None)]);
        let young = dir.segment(2, 0, Some((1, 0, 4)));
        assert_eq!(shown(vec![old, empty, young]), [(1, 0, Some(4)), (2, 0, None)]);
    }
}
