//! How a record becomes a line of a chain.

use std::time::Instant;

use serde::Serialize;

use super::{Options, SegmentName};
use crate::chain::{self, Hash};
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
    /// What `mono_ns` counts from.
    began: Instant,
}

#[derive(Serialize)]
struct Constant<'a> {
    chain: &'a str,
    node: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    build: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    cfg_hash: &'a str,
}

impl Framer {
    pub(super) fn new(name: &SegmentName, options: &Options) -> serde_json::Result<Self> {
        let mut constant = serde_json::to_vec(&Constant {
            chain: &name.chain(),
            node: &options.node,
            build: &options.build,
            cfg_hash: &options.config_hash,
        })?;
        constant.remove(0);
        constant.pop();
        Ok(Self { constant, began: Instant::now() })
    }

    /// Appends the line of a record with `members`.
    pub(super) fn line(
        &self,
        out: &mut Vec<u8>,
        tip: &mut Tip,
        id: uuid::Uuid,
        at: Timestamp,
        members: &[u8],
    ) {
        use std::io::Write;
        let start = out.len();
        // Writing to memory cannot fail.
        let _ = write!(out, "{{\"v\":1,\"id\":\"{id}\",\"seq\":{},", tip.next);
        out.extend_from_slice(&self.constant);
        let _ = write!(out, ",\"ts\":\"{at}\",");
        if let Some(nanos) = at.steady_nanos(self.began) {
            let _ = write!(out, "\"mono_ns\":{nanos},");
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
        self.line(out, tip, record.id(), record.time(), &members);
    }
}
