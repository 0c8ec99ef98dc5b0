//! The log's side: what it says of each call.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;

use attach_audit::read::Entry;
use attach_audit::verify;

use super::calls::Kind;
use super::driver::Ledger;
use crate::Result;
use crate::wire::uuid;

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Findings {
    pub(super) records: u64,
    pub(super) bytes: u64,
    /// Calls that the client has an answer to and the log does not know.
    pub(super) lost: u64,
    /// Ids that more than one record has, and second ends of one call.
    pub(super) duplicate: u64,
    /// Intents without an outcome.
    pub(super) open: u64,
    /// Ends of no intent, calls that nobody made, calls whose records are of the wrong kind, gaps, orphans.
    pub(super) odd: u64,
}

#[derive(Default)]
struct Log {
    found: Findings,
    ids: HashSet<u128>,
    /// Intents without an outcome so far.
    open: HashSet<u128>,
    /// How each call ended.
    ends: HashMap<u128, End>,
    /// Refusals of callers nobody knows.
    unknown: u64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    /// Something went upstream, and this is how it ended.
    Served,
    Refused,
}

/// Holds the log in `folder` against what the clients saw.
pub(super) fn compare(folder: &Path, ledger: &Ledger) -> Result<Findings> {
    let report = verify::verify(folder)?;
    let mut log = Log::default();
    let mut segments: Vec<_> = fs::read_dir(folder)?.flatten().map(|entry| entry.path()).collect();
    segments.retain(|path| path.extension().is_some_and(|extension| extension == "jsonl"));
    segments.sort();
    for segment in segments {
        for line in BufReader::new(fs::File::open(segment)?).split(b'\n') {
            log.add(&Entry::parse(&line?)?)?;
        }
    }
    log.found.records = report.records;
    log.found.bytes = report.bytes;
    Ok(log.against(ledger))
}

impl Log {
    fn add(&mut self, entry: &Entry<'_>) -> Result<()> {
        let id = uuid(&entry.id).ok_or("a record without an id")?;
        self.found.duplicate += u64::from(!self.ids.insert(id));
        let request = uuid(&entry.req_id).ok_or("a record without a request")?;
        match &*entry.kind {
            "intent" => _ = self.open.insert(id),
            "outcome" => {
                let intent = entry.intent_id.as_deref().and_then(uuid);
                let known = intent.is_some_and(|intent| self.open.remove(&intent));
                self.found.odd += u64::from(!known);
                self.end(request, End::Served);
            }
            "reject" if entry.actor.kind == "anonymous" || entry.fold.is_some() => {
                self.unknown += entry.events();
            }
            "reject" => self.end(request, End::Refused),
            "gap" | "orphan" => self.found.odd += 1,
            _ => {}
        }
        Ok(())
    }

    fn end(&mut self, request: u128, end: End) {
        self.found.duplicate += u64::from(self.ends.insert(request, end).is_some());
    }

    fn against(mut self, ledger: &Ledger) -> Findings {
        self.found.open = self.open.len() as u64;
        let mut answered = HashSet::new();
        for (id, kind) in &ledger.answered {
            self.found.duplicate += u64::from(!answered.insert(*id));
            match (kind, self.ends.remove(id)) {
                (Kind::Unknown, None) | (Kind::Forbidden, Some(End::Refused)) => {}
                (Kind::Plain | Kind::Streamed | Kind::Leaves, Some(End::Served)) => {}
                (_, None) => self.found.lost += 1,
                (_, Some(_)) => self.found.odd += 1,
            }
        }
        // What is left are calls whose client left before it knew their id; those that left before anybody knew who
        // they were count with the unknown.
        let left = self.ends.len() as u64;
        let early = (self.unknown + left).saturating_sub(ledger.unknown);
        self.found.lost += ledger.unknown.saturating_sub(self.unknown);
        self.found.odd += early.saturating_sub(ledger.nameless);
        self.found
    }
}
