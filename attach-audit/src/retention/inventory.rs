//! What is there: the segments of each node, oldest first, with what is kept beside them.

use std::collections::{BTreeMap, VecDeque};
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::Timestamp;
use crate::chain::{self, Hash};
use crate::log::{LONGEST, SegmentName};
use crate::record::After;

/// The segments in a directory, by node.
#[derive(Debug, Default)]
pub(super) struct Inventory {
    pub(super) nodes: BTreeMap<Box<str>, VecDeque<Entry>>,
    /// Of all segments and what is kept beside them.
    pub(super) bytes: u64,
    pub(super) segments: u64,
    /// What is kept beside segments that are not there.
    pub(super) left: Vec<Left>,
}

/// A content file without its segment.
#[derive(Debug)]
pub(super) struct Left {
    pub(super) of: SegmentName,
    pub(super) path: PathBuf,
    pub(super) bytes: u64,
}

/// A segment's files.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) name: SegmentName,
    pub(super) path: PathBuf,
    pub(super) bytes: u64,
    /// What was asked and answered, if that is kept.
    pub(super) content: Option<PathBuf>,
}

/// What can only go at once: a segment, and those behind it that were given up on, which nothing would explain without
/// it.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) segment: Entry,
    pub(super) passed_over: Vec<Entry>,
    pub(super) first: Option<u64>,
    pub(super) last: Option<(u64, Hash)>,
    /// Not older than its last record, as a record spells it.
    pub(super) ended: Box<str>,
}

impl Inventory {
    pub(super) fn of(dir: &Path) -> io::Result<Self> {
        let (mut entries, mut contents) = (Vec::new(), BTreeMap::new());
        for entry in fs::read_dir(dir)? {
            let entry = entry?;
            let file = entry.file_name();
            let Some(file) = file.to_str() else { continue };
            if let Some(name) = SegmentName::parse(file) {
                entries.push((name, entry.path(), entry.metadata()?.len()));
            } else if let Some(of) = content_of(file) {
                contents.insert(of, (entry.path(), entry.metadata()?.len()));
            }
        }
        entries.sort_by(|a, b| a.0.cmp(&b.0));
        let mut inventory = Self { segments: entries.len() as u64, ..Self::default() };
        for (name, path, own) in entries {
            let (content, beside) = contents.remove(&name).unzip();
            let bytes = own + beside.unwrap_or_default();
            inventory.bytes += bytes;
            let node = inventory.nodes.entry(name.node.clone()).or_default();
            node.push_back(Entry { name, path, bytes, content });
        }
        inventory.bytes += contents.values().map(|(_, bytes)| bytes).sum::<u64>();
        let left = contents.into_iter().map(|(of, (path, bytes))| Left { of, path, bytes });
        inventory.left = left.collect();
        Ok(inventory)
    }
}

/// The segment that a file is kept beside.
fn content_of(file: &str) -> Option<SegmentName> {
    SegmentName::parse(&format!("audit-{}", file.strip_prefix("content-")?))
}

impl Group {
    /// The oldest of a node; `None` if it is `current`, or there is none.
    pub(super) fn oldest(entries: &VecDeque<Entry>, current: &SegmentName) -> io::Result<Option<Self>> {
        let Some(segment) = entries.front().filter(|entry| entry.name != *current) else { return Ok(None) };
        let first = Head::of(&segment.path)?;
        let mut group = Self {
            segment: segment.clone(),
            passed_over: Vec::new(),
            first: first.as_ref().map(|head| head.seq),
            last: None,
            ended: "".into(),
        };
        for later in entries.iter().skip(1) {
            let head = Head::of(&later.path)?;
            if group.ended.is_empty()
                && let Some(head) = &head
            {
                group.ended.clone_from(&head.ts);
            }
            match head.and_then(|head| Some((head.after.filter(|after| segment.is_at(after))?, head.ts))) {
                Some((after, ts)) => {
                    (group.last, group.ended) = (Some((after.seq, after.hash)), ts);
                    return Ok(Some(group));
                }
                None => group.passed_over.push(later.clone()),
            }
        }
        // Nothing continues it: it was given up on itself, or it is the last of a node that is no more.
        group.passed_over.clear();
        if group.ended.is_empty() {
            group.ended = Timestamp::from(fs::metadata(&segment.path)?.modified()?).to_string().into();
            group.last = last(&segment.path)?;
        }
        Ok(Some(group))
    }

    pub(super) fn files(&self) -> impl Iterator<Item = &Entry> {
        self.passed_over.iter().rev().chain([&self.segment])
    }

    pub(super) fn bytes(&self) -> u64 {
        self.files().map(|entry| entry.bytes).sum()
    }
}

impl Entry {
    fn is_at(&self, after: &After) -> bool {
        self.name.n == after.segment && self.name.chain() == *after.chain
    }
}

/// A segment's first record, if it has a whole one.
struct Head {
    seq: u64,
    ts: Box<str>,
    after: Option<After>,
}

impl Head {
    fn of(path: &Path) -> io::Result<Option<Self>> {
        #[derive(Deserialize)]
        struct First {
            ts: Box<str>,
            after: Option<After>,
        }
        let mut line = Vec::new();
        BufReader::new(File::open(path)?).take(LONGEST).read_until(b'\n', &mut line)?;
        let Some(link) = line.strip_suffix(b"\n").and_then(chain::read) else { return Ok(None) };
        let first = serde_json::from_slice::<First>(&line).ok();
        Ok(first.map(|First { ts, after }| Self { seq: link.seq, ts, after }))
    }
}

/// A segment's last whole record.
fn last(path: &Path) -> io::Result<Option<(u64, Hash)>> {
    let mut file = BufReader::with_capacity(1 << 17, File::open(path)?);
    let (mut line, mut last) = (Vec::new(), None);
    while file.by_ref().take(LONGEST).read_until(b'\n', &mut line)? > 0 {
        let whole = line.strip_suffix(b"\n").and_then(chain::read);
        last = whole.map(|link| (link.seq, link.hash)).or(last);
        line.clear();
    }
    Ok(last)
}
