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
                (Kind::Unknown, None)
                | (Kind::Forbidden, Some(End::Refused))
                | (Kind::Plain | Kind::Streamed | Kind::Leaves, Some(End::Served)) => {}
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

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::sync::Arc;

    use attach_audit::log::Options;
    use attach_audit::{Audit, Log};
    use attach_core::{Body, Exchange, Identity};
    use http::{Request, Response};
    use tower::{ServiceBuilder, ServiceExt, service_fn};

    use super::*;
    use crate::scratch::Scratch;

    /// A log of three calls, and what their clients saw.
    fn three_calls(files: &Scratch) -> Ledger {
        let audit = Audit::new(Log::open(files.path(), Options::new("n")).expect("a log"));
        let service = ServiceBuilder::new()
            .layer(audit.layer())
            .layer(audit.intent_layer())
            .service(service_fn(async |_: Request<()>| Ok::<_, Infallible>(Response::new(Body::empty()))));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let mut ledger = Ledger::default();
        runtime.block_on(async {
            for _ in 0..3 {
                let mut request = Request::new(());
                let exchange = Exchange::of_request(&mut request);
                exchange.identify(Arc::new(Identity::person("acme", "alice")));
                let Ok(_) = service.clone().oneshot(request).await;
                ledger.answered.push((u128::from_be_bytes(*exchange.id().as_bytes()), Kind::Plain));
            }
            audit.close().await;
        });
        ledger.sent = 3;
        ledger
    }

    fn bad(found: &Findings) -> (u64, u64, u64, u64) {
        (found.lost, found.duplicate, found.open, found.odd)
    }

    #[test]
    fn a_log_that_says_what_the_clients_saw_is_good_and_every_difference_is_told() {
        let files = Scratch::new("compare").expect("a directory");
        let mut ledger = three_calls(&files);
        assert_eq!(bad(&compare(files.path(), &ledger).expect("verifies")), (0, 0, 0, 0));

        ledger.answered.push((1, Kind::Plain));
        assert_eq!(bad(&compare(files.path(), &ledger).expect("verifies")), (1, 0, 0, 0), "nobody wrote it");
        ledger.answered.pop();

        let known = ledger.answered.pop().expect("three");
        assert_eq!(bad(&compare(files.path(), &ledger).expect("verifies")), (0, 0, 0, 1), "nobody asked it");
        ledger.answered.push((known.0, Kind::Forbidden));
        assert_eq!(
            bad(&compare(files.path(), &ledger).expect("verifies")),
            (0, 0, 0, 1),
            "served, not refused"
        );

        ledger.answered.pop();
        ledger.answered.extend([known, known]);
        let (lost, duplicate, ..) = bad(&compare(files.path(), &ledger).expect("verifies"));
        assert_eq!((lost, duplicate), (1, 1), "two answers with one id");
        ledger.answered.pop();

        ledger.unknown = 2;
        assert_eq!(
            bad(&compare(files.path(), &ledger).expect("verifies")),
            (2, 0, 0, 0),
            "refusals not counted"
        );
    }

    #[test]
    fn an_intent_without_an_outcome_and_a_second_outcome_are_told() {
        let mut log = super::Log::default();
        let line = |kind: &str, id: u8, intent: &str| {
            let id = format!("00000000-0000-0000-0000-0000000000{id:02}");
            format!(r#"{{"kind":"{kind}","id":"{id}","req_id":"{id}"{intent}}}"#)
        };
        let end = r#","intent_id":"00000000-0000-0000-0000-000000000001""#;
        for line in
            [line("intent", 1, ""), line("intent", 2, ""), line("outcome", 3, end), line("outcome", 4, end)]
        {
            log.add(&Entry::parse(line.as_bytes()).expect("a record")).expect("has ids");
        }
        let nameless = Ledger { nameless: 2, ..Ledger::default() };
        assert_eq!(bad(&log.against(&nameless)), (0, 0, 1, 1));
    }
}
