//! One round of retention.

use std::collections::{BTreeSet, VecDeque};
use std::fs;
use std::io;
use std::path::Path;
use std::time::{Duration, SystemTime};

use super::disk::{self, Change};
use super::inventory::{Entry, Group, Inventory, Left};
use super::{Hold, Retention, hold};
use crate::Timestamp;

/// What a round has done.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Swept {
    /// The segments that are gone, and content that was there without its segment.
    pub deleted: Vec<String>,
    /// What is due and did not go, and why.
    pub stuck: Option<&'static str>,
}

impl Retention {
    pub(super) fn round(&mut self, stopped: &dyn Fn() -> bool) -> io::Result<Swept> {
        self.look_at_disk();
        let held = self.look_at_hold();
        let mut inventory = Inventory::of(&self.dir)?;
        let mut swept = Swept::default();
        if !held {
            self.clear(&mut inventory, &mut swept)?;
        }
        self.delete(&mut inventory, &mut swept, stopped)?;
        self.metrics.log(inventory.bytes, inventory.segments);
        self.metrics.kept(held, swept.stuck.is_some());
        self.say(&inventory, &swept);
        Ok(swept)
    }

    /// Deletes what is due, the oldest of all nodes first; a node's next only when the one before is gone.
    fn delete(
        &self,
        inventory: &mut Inventory,
        swept: &mut Swept,
        stopped: &dyn Fn() -> bool,
    ) -> io::Result<()> {
        let mut stays = BTreeSet::new();
        while !stopped() {
            let Some(group) = self.oldest(inventory, &stays)? else { break };
            let Some(because) = self.due(&group, inventory.bytes) else {
                stays.insert(group.segment.name.node);
                continue;
            };
            if let Some(why) = self.objection(&group) {
                swept.stuck = Some(why);
                stays.insert(group.segment.name.node);
                continue;
            }
            if self.notary.deletes(&group, because).is_err() {
                swept.stuck = Some("that it is deleted cannot be recorded");
                break;
            }
            // Recording takes a while, in which somebody may have said that it is to stay.
            if let Some(why) = self.objection(&group) {
                swept.stuck = Some(why);
                break;
            }
            remove(&self.dir, &group)?;
            tracing::info!(segment = %group.segment.name, because, bytes = group.bytes(), "an audit segment was deleted");
            self.metrics.deleted();
            inventory.forget(&group);
            swept.deleted.extend(group.files().map(|entry| entry.name.to_string()));
        }
        Ok(())
    }

    /// Deletes content whose segment a crash kept from being written, or that somebody deleted by hand: no record that is
    /// here refers to it, and nobody else would ever delete it. What belongs to the segment that is being begun stays.
    fn clear(&self, inventory: &mut Inventory, swept: &mut Swept) -> io::Result<()> {
        let current = self.tail.current();
        for Left { of, path, bytes } in inventory.left.drain(..) {
            if of.node == current.node && of >= current {
                continue;
            }
            let file = of.content();
            if self.notary.clears(&file, bytes).is_err() {
                swept.stuck = Some("that it is deleted cannot be recorded");
                break;
            }
            fs::remove_file(path)?;
            hold::sync(&self.dir)?;
            tracing::info!(file, bytes, "content without its audit segment was deleted");
            inventory.bytes = inventory.bytes.saturating_sub(bytes);
            swept.deleted.push(file);
        }
        Ok(())
    }

    fn oldest(&self, inventory: &Inventory, stays: &BTreeSet<Box<str>>) -> io::Result<Option<Group>> {
        let current = self.tail.current();
        let mut groups = Vec::new();
        for (node, entries) in &inventory.nodes {
            if !stays.contains(node) {
                groups.extend(Group::oldest(entries, &current)?);
            }
        }
        Ok(groups.into_iter().min_by(|a, b| a.ended.cmp(&b.ended)))
    }

    /// Which bound it exceeds.
    fn due(&self, group: &Group, bytes: u64) -> Option<&'static str> {
        let oldest = |age: Duration| SystemTime::now().checked_sub(age);
        // Both are spelled alike, so that earlier is less.
        let aged = self.keep.age.and_then(oldest).is_some_and(|oldest| *group.ended < *spelled(oldest));
        match self.keep.size {
            _ if aged => Some("age"),
            Some(size) if bytes > size => Some("size"),
            _ => None,
        }
    }

    /// Why it must stay although it is due.
    fn objection(&self, group: &Group) -> Option<&'static str> {
        if !Hold::all(&self.dir).is_ok_and(|holds| holds.is_empty()) {
            return Some("there is a legal hold");
        }
        let name = &group.segment.name;
        let left = match (self.shipped)() {
            None => true,
            Some(None) => false,
            Some(Some(at)) => at.segment.node == name.node && at.segment > *name,
        };
        (!left).then_some("it has not been sent everywhere yet")
    }

    fn look_at_disk(&mut self) {
        let used = match disk::used(&self.dir) {
            Ok(Some(used)) => used,
            Ok(None) => return,
            Err(error) => return tracing::warn!(%error, "the audit log's disk does not say how full it is"),
        };
        self.metrics.used(used);
        let percent = format!("{:.1}", used * 100.0);
        let dir = self.dir.display();
        match self.disk.note(used) {
            Change::None => {}
            Change::Full => tracing::error!(percent, %dir, "the audit log's disk is filling up"),
            Change::Well => tracing::info!(percent, %dir, "the audit log's disk has room again"),
        }
    }

    /// Puts a hold's beginning and end on record, as far as that is possible. Whether there is one.
    fn look_at_hold(&mut self) -> bool {
        let holds = Hold::all(&self.dir);
        if let Err(error) = &holds {
            tracing::error!(%error, "whether there is a legal hold cannot be read: nothing is deleted");
        }
        let Ok(holds) = holds else { return true };
        // A new hold may follow one whose end is not on record yet.
        for release in Hold::released(&self.dir).unwrap_or_default() {
            if self.notary.released(&release).is_ok()
                && let Err(error) = release.forget_release(&self.dir)
            {
                tracing::warn!(%error, "the end of a legal hold will be recorded again");
            }
        }
        let any = !holds.is_empty();
        // Tried again with the next round.
        let _ = self.notary.holds(holds);
        any
    }

    /// Says once that something is due and cannot go, and once that it went.
    fn say(&mut self, inventory: &Inventory, swept: &Swept) {
        let stuck = swept.stuck.is_some();
        if std::mem::replace(&mut self.stuck, stuck) == stuck {
            return;
        }
        let bytes = inventory.bytes;
        match swept.stuck {
            Some(why) => {
                tracing::error!(
                    why,
                    bytes,
                    "the audit log is older or larger than it is to be, and nothing is deleted"
                );
            }
            None => tracing::info!(bytes, "the audit log is as it is to be kept again"),
        }
    }
}

fn spelled(time: SystemTime) -> String {
    Timestamp::from(time).to_string()
}

/// What only the segment explains goes before it, so that what is left verifies at every moment.
fn remove(dir: &Path, group: &Group) -> io::Result<()> {
    for Entry { path, content, .. } in group.files() {
        for file in content.iter().chain([path]) {
            fs::remove_file(file)?;
        }
        hold::sync(dir)?;
    }
    Ok(())
}

impl Inventory {
    fn forget(&mut self, group: &Group) {
        let files = 1 + group.passed_over.len();
        self.bytes = self.bytes.saturating_sub(group.bytes());
        self.segments = self.segments.saturating_sub(files as u64);
        if let Some(entries) = self.nodes.get_mut(&group.segment.name.node) {
            drop_front(entries, files);
        }
    }
}

fn drop_front(entries: &mut VecDeque<Entry>, n: usize) {
    entries.drain(..n.min(entries.len()));
}
