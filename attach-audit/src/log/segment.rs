//! How a record becomes a line of a chain.

use std::sync::Arc;
use std::time::Instant;

use serde::Serialize;

use super::batch::Entry;
use super::config::InForce;
use super::{Options, SegmentName};
use crate::chain::{self, Hash};
use crate::record::{Id, append};
use crate::tree::Tree;
use crate::{Record, Timestamp};

/// The end of a chain: what the next record will be, and what it follows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Tip {
    pub(super) next: u64,
    pub(super) hash: Hash,
    pub(super) tree: Tree,
}

/// The members that are the same for every line of a chain, written once.
pub(super) struct Framer {
    constant: Vec<u8>,
    in_force: InForce,
    /// What `mono_ns` counts from.
    began: Instant,
}

#[derive(Serialize)]
struct Constant<'a> {
    chain: &'a str,
    node: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    build: &'a str,
}

impl Framer {
    pub(super) fn new(name: &SegmentName, options: &Options, in_force: InForce) -> serde_json::Result<Self> {
        let mut constant = serde_json::to_vec(&Constant {
            chain: &name.chain(),
            node: &options.node,
            build: &options.build,
        })?;
        constant.remove(0);
        constant.pop();
        Ok(Self { constant, in_force, began: Instant::now() })
    }

    /// Appends the line of an entry with `members`.
    pub(super) fn entry(&self, out: &mut Vec<u8>, tip: &mut Tip, entry: &Entry, members: &[u8]) {
        self.line(out, tip, (entry.id, entry.at, entry.config.as_ref()), members);
    }

    fn line(
        &self,
        out: &mut Vec<u8>,
        tip: &mut Tip,
        (id, at, config): (uuid::Uuid, Timestamp, Option<&Arc<str>>),
        members: &[u8],
    ) {
        let start = out.len();
        // Writing to memory cannot fail.
        out.extend_from_slice(b"{\"v\":1,\"id\":");
        let _ = append(out, &Id::Uuid(id));
        out.extend_from_slice(b",\"seq\":");
        let _ = append(out, &tip.next);
        out.push(b',');
        out.extend_from_slice(&self.constant);
        let config = config.map_or_else(|| self.in_force.hash(), Arc::clone);
        if !config.is_empty() {
            out.extend_from_slice(b",\"cfg_hash\":");
            let _ = append(out, &*config);
        }
        out.extend_from_slice(b",\"ts\":");
        let _ = append(out, &at);
        out.push(b',');
        if let Some(nanos) = at.steady_nanos(self.began) {
            out.extend_from_slice(b"\"mono_ns\":");
            let _ = append(out, &nanos);
            out.push(b',');
        }
        out.extend_from_slice(members);
        tip.hash = chain::seal(out, start, tip.hash);
        tip.tree.push(tip.hash);
        tip.next += 1;
    }

    /// Appends the line of a record of the log's own.
    pub(super) fn record(&self, out: &mut Vec<u8>, tip: &mut Tip, record: &Record<'_>) {
        let mut members = Vec::new();
        record.write_members(&mut members);
        self.line(out, tip, (record.id(), record.time(), record.config()), &members);
    }
}
