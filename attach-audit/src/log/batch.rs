use std::sync::Arc;
use std::time::Instant;

use uuid::Uuid;

use crate::record::Effect;
use crate::{Ack, Kind, Timestamp};

/// Records in the order they came.
#[derive(Default)]
pub(super) struct Batch {
    /// The members of all entries, one after another.
    pub(super) text: Vec<u8>,
    pub(super) entries: Vec<Entry>,
    /// Lines of content that the records refer to.
    pub(super) content: Vec<u8>,
    /// Records there was no room for.
    pub(super) lost: u64,
    /// Its last record is the last of the log.
    pub(super) last: bool,
}

pub(super) struct Entry {
    pub(super) id: Uuid,
    pub(super) kind: Kind,
    pub(super) at: Timestamp,
    /// Where its members end in the text.
    pub(super) end: usize,
    pub(super) effect: Effect,
    /// The configuration it was made under, if it says so.
    pub(super) config: Option<Arc<str>>,
}

/// An entry's other half, which stays with the queue: who waits for it must not depend on the disk.
pub(super) struct Waiting {
    pub(super) since: Instant,
    pub(super) ack: Ack,
}

impl Batch {
    pub(super) fn push(
        &mut self,
        (id, kind, config): (Uuid, Kind, Option<Arc<str>>),
        effect: Effect,
        members: &[u8],
        at: Timestamp,
    ) {
        self.text.extend_from_slice(members);
        self.entries.push(Entry { id, kind, at, end: self.text.len(), effect, config });
    }

    /// Appends another batch, which came later.
    pub(super) fn append(&mut self, later: &mut Self) {
        let shift = self.text.len();
        self.text.append(&mut later.text);
        self.content.append(&mut later.content);
        self.entries.extend(later.entries.drain(..).map(|entry| Entry { end: entry.end + shift, ..entry }));
        self.lost += std::mem::take(&mut later.lost);
        self.last |= std::mem::take(&mut later.last);
    }

    /// Takes off the last record.
    pub(super) fn split_last(&mut self) -> Self {
        let Some(mut entry) = self.entries.pop() else { return Self::default() };
        let begin = self.entries.last().map_or(0, |before| before.end);
        let text = self.text.split_off(begin);
        entry.end = text.len();
        let last = std::mem::take(&mut self.last);
        Self { text, entries: vec![entry], last, ..Self::default() }
    }

    pub(super) fn clear(&mut self) {
        self.text.clear();
        self.content.clear();
        self.entries.clear();
        self.lost = 0;
        self.last = false;
    }
}
