use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::super::backend::Lost;
use super::super::file;

/// Commits whose heads are remembered, for checking that the next one follows.
const HEADS: usize = 4096;

/// What this node has seen of the store, by which it knows it again.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// Which life of the store; empty before the first time.
    pub(super) epoch: String,
    /// The last commit that anybody was told about here.
    pub(super) seq: u64,
    /// What the last commits called themselves. The store quotes the head before with each commit: a store that
    /// lost some and went on with others does not continue ours.
    heads: BTreeMap<u64, String>,
    /// It was not what it was, and has not shown since that it is again.
    pub(super) doubted: bool,
    /// The file says something else.
    pub(super) changed: bool,
}

/// What the store says it is.
#[derive(Debug)]
pub(super) struct Store {
    pub(super) epoch: String,
    pub(super) parent: String,
    pub(super) seq: u64,
    pub(super) head: String,
}

/// As it is in the file.
#[derive(Serialize, Deserialize)]
struct Kept {
    epoch: String,
    seq: u64,
    head: String,
}

impl Known {
    /// Nothing but the epoch.
    pub(super) fn of(epoch: &str) -> Self {
        Self { epoch: epoch.to_owned(), ..Self::default() }
    }

    /// What an earlier process of this node knew; nothing if there was none.
    pub(super) fn read(path: &Path) -> Result<Self, Lost> {
        let unreadable = |why: String| Lost::Unreachable(format!("{}: {why}", path.display()).into());
        let text = match fs::read(path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => return Err(unreadable(error.to_string())),
        };
        let kept: Kept = serde_json::from_slice(&text).map_err(|error| unreadable(error.to_string()))?;
        let heads = [(kept.seq, kept.head)].into();
        Ok(Self { epoch: kept.epoch, seq: kept.seq, heads, doubted: false, changed: false })
    }

    /// The bytes for the file, if it says something else.
    pub(super) fn take_changed(&mut self) -> Option<Vec<u8>> {
        if !std::mem::take(&mut self.changed) {
            return None;
        }
        let head = self.heads.get(&self.seq).cloned().unwrap_or_default();
        serde_json::to_vec(&Kept { epoch: self.epoch.clone(), seq: self.seq, head }).ok()
    }

    /// Whether `store` is the one we know, as far as that shows without its commits.
    ///
    /// `floor` is the last commit that was known when it was asked: meanwhile there may have been another.
    /// `Err(Behind)` if an operator renewed it, so that everything is to be loaded.
    pub(super) fn check(&mut self, store: &Store, floor: u64) -> Result<(), Lost> {
        if store.epoch != self.epoch {
            if self.epoch.is_empty() || store.parent != self.epoch {
                return self.doubt("it is another store");
            }
            *self = Self::of(&store.epoch);
            return Err(Lost::Behind);
        }
        if store.seq < floor {
            return self.doubt("it is older than what it acknowledged");
        }
        self.check_head(store.seq, &store.head)
    }

    /// Whether the commit `seq` called itself `head`.
    pub(super) fn check_head(&mut self, seq: u64, head: &str) -> Result<(), Lost> {
        match self.heads.get(&seq) {
            Some(known) if known == head => {
                self.doubted &= seq < self.seq;
                Ok(())
            }
            Some(_) => self.doubt("it lost commits and went on with others"),
            None => Ok(()),
        }
    }

    pub(super) fn doubt<T>(&mut self, why: &str) -> Result<T, Lost> {
        self.doubted = true;
        Err(Lost::Reset(why.into()))
    }

    /// The commit `seq`, which called itself `head`, was seen.
    pub(super) fn saw(&mut self, seq: u64, head: String) {
        self.heads.insert(seq, head);
        if self.heads.len() > HEADS {
            self.heads.pop_first();
        }
        if seq >= self.seq {
            self.seq = seq;
            self.changed = true;
        }
    }
}

/// Writes `bytes` to the file at once or not at all.
pub(super) fn keep(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let fresh = path.with_extension("new");
    let mut file = file::private().create(true).truncate(true).open(&fresh)?;
    file.write_all(bytes)?;
    file.sync_data()?;
    fs::rename(&fresh, path)
}
