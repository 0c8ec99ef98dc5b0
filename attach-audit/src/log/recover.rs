//! What a log finds of itself when it is opened: the end of the last chain, read from its last segment.

use std::collections::HashMap;
use std::io::{self, BufRead, BufReader, Read};

use serde::Deserialize;
use uuid::Uuid;

use super::{SegmentName, Storage};
use crate::chain;
use crate::record::{After, OpenIntent};

/// A line longer than this is none of ours.
pub(crate) const LONGEST: u64 = 16 << 20;

/// The end of the last chain.
#[derive(Debug)]
pub(super) struct Recovered {
    pub(super) after: After,
    /// Intents without an outcome, with the request each belongs to.
    pub(super) open: HashMap<Uuid, Uuid>,
}

/// Reads backwards to the last segment that has a whole record; usually that is the last one.
pub(super) fn recover(storage: &dyn Storage, names: &[SegmentName]) -> io::Result<Option<Recovered>> {
    for name in names.iter().rev() {
        if let Some(found) = read(name, storage.read(&name.to_string())?)? {
            return Ok(Some(found));
        }
        tracing::warn!(segment = %name, "an audit segment without a whole record is passed over");
    }
    Ok(None)
}

/// The members of a line that say which intents are open.
#[derive(Deserialize)]
struct Line<'a> {
    #[serde(with = "crate::record::uuid_text")]
    id: Uuid,
    #[serde(with = "crate::record::uuid_text")]
    req_id: Uuid,
    kind: &'a str,
    #[serde(default)]
    intent_id: Option<Box<str>>,
    #[serde(default)]
    open: Vec<OpenIntent>,
}

fn read(name: &SegmentName, file: impl Read) -> io::Result<Option<Recovered>> {
    let mut file = BufReader::with_capacity(1 << 18, file);
    let (mut found, mut line): (Option<Recovered>, _) = (None, Vec::new());
    let chain = name.chain();
    loop {
        line.clear();
        let length = file.by_ref().take(LONGEST).read_until(b'\n', &mut line)? as u64;
        if length == 0 {
            return Ok(found);
        }
        let follows = |link: &chain::Link<'_>| match &found {
            Some(found) => link.seq == found.after.seq + 1 && link.prev == found.after.hash,
            None => link.chain == chain,
        };
        let Some(link) = line.strip_suffix(b"\n").and_then(chain::read).filter(follows) else {
            let rest = io::copy(&mut file, &mut io::sink())?;
            if let Some(found) = &mut found {
                found.after.disowned = length + rest;
                tracing::warn!(segment = %name, after = found.after.seq, bytes = length + rest, "the audit log ends in a torn write");
            }
            return Ok(found);
        };
        let after = After {
            chain: chain.clone().into(),
            segment: name.n,
            seq: link.seq,
            hash: link.hash,
            disowned: 0,
        };
        let open = found.take().map(|found| found.open).unwrap_or_default();
        found = Some(Recovered { after, open: track(open, &line) });
    }
}

fn track(mut open: HashMap<Uuid, Uuid>, line: &[u8]) -> HashMap<Uuid, Uuid> {
    let Ok(line) = serde_json::from_slice::<Line<'_>>(line) else { return open };
    if line.kind == "intent" {
        open.insert(line.id, line.req_id);
    }
    if let Some(closed) = line.intent_id.and_then(|id| id.parse::<Uuid>().ok()) {
        open.remove(&closed);
    }
    open.extend(line.open.iter().map(|intent| (intent.intent_id, intent.req_id)));
    open
}
