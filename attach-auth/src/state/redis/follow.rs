use std::time::Duration;

use redis::streams::{StreamId, StreamReadReply};

use super::super::backend::{Batch, Lost};
use super::Redis;
use super::known::Store;
use super::wire::{self, unreadable};

/// How long silence lasts before an empty answer shows that the store is there.
const HEARTBEAT: Duration = Duration::from_millis(400);

/// Commits that are read at once.
const READ: usize = 256;

type Meta = (Option<String>, Option<String>, Option<u64>, Option<String>);

impl Redis {
    /// The commits after `after`, or none after a while.
    pub(super) async fn follow_from(&self, after: u64) -> Result<Vec<Batch>, Lost> {
        self.keep().await;
        let (mut entries, store) = self.read(after, Some(HEARTBEAT)).await?;
        if entries.is_empty() && store.seq > after {
            // A commit came between the two halves of the answer, or the log does not go back that far.
            entries = self.read(after, None).await?.0;
            if entries.is_empty() {
                return Err(Lost::Behind);
            }
        }
        self.chain(after, entries)
    }

    /// The entries of the log after `after`, and what the store is: the one we know, if this is not an error.
    async fn read(&self, after: u64, wait: Option<Duration>) -> Result<(Vec<StreamId>, Store), Lost> {
        let [meta, _, _, log] = &self.settings.keys;
        let mut pipe = redis::pipe();
        let read = pipe.cmd("XREAD").arg("COUNT").arg(READ);
        if let Some(wait) = wait {
            read.arg("BLOCK").arg(u64::try_from(wait.as_millis()).unwrap_or(1));
        }
        read.arg("STREAMS").arg(log).arg(format!("{after}-0"));
        pipe.cmd("HMGET").arg(meta).arg(&["epoch", "parent", "seq", "head"]);
        let deadline = self.settings.deadline + wait.unwrap_or_default();
        let floor = self.known().seq;
        let answer = self.shared.feed.pipe(&pipe, deadline).await;
        if answer.is_err() {
            // What broke this connection most likely broke the other, which has nobody who would notice.
            self.shared.commands.close();
        }
        let (read, meta): (Option<StreamReadReply>, Meta) = answer?;
        let mut known = self.known();
        let (Some(epoch), Some(parent), Some(seq), Some(head)) = meta else {
            return known.doubt("it was emptied");
        };
        let store = Store { epoch, parent, seq, head };
        known.check(&store, floor)?;
        let entries = read.into_iter().flat_map(|read| read.keys).flat_map(|key| key.ids).collect();
        Ok((entries, store))
    }

    /// The commits that `entries` tell of, each of which has to follow the one before it.
    fn chain(&self, after: u64, entries: Vec<StreamId>) -> Result<Vec<Batch>, Lost> {
        let mut known = self.known();
        let mut last = after;
        let mut batches = Vec::with_capacity(entries.len());
        for entry in entries {
            let seq = entry.id.strip_suffix("-0").and_then(|seq| seq.parse::<u64>().ok());
            let text = |name| entry.get::<String>(name).ok_or_else(unreadable);
            let (previous, head) = (text("p")?, text("h")?);
            if seq != Some(last + 1) {
                return if batches.is_empty() { Err(Lost::Behind) } else { Ok(batches) };
            }
            known.check_head(last, &previous)?;
            last += 1;
            known.check_head(last, &head)?;
            known.saw(last, head);
            let changes = wire::decode(entry.get::<Vec<u8>>("b").ok_or_else(unreadable)?)?;
            batches.push(Batch { seq: last, changes });
        }
        Ok(batches)
    }
}
