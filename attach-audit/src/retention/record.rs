//! What is put on record, from a thread without a runtime.

use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};

use super::Hold;
use super::inventory::Group;
use crate::verify::DELETES;
use crate::{Audit, Deed, Unrecorded};

/// Who deletes, in a record.
const ACTOR: &str = "retention";
/// Who places and ends holds: somebody on the machine.
const OPERATOR: &str = "operator";

/// Writes down what is about to be done, and what was found.
#[derive(Debug)]
pub(super) struct Notary {
    audit: Audit,
    /// The holds that are on record.
    holds: Vec<Hold>,
}

impl Notary {
    pub(super) fn new(audit: Audit) -> Self {
        Self { audit, holds: Vec::new() }
    }

    /// Says that a group goes.
    pub(super) fn deletes(&self, group: &Group, because: &'static str) -> Result<(), Unrecorded> {
        let mut deed = Deed::admin(DELETES, ACTOR)
            .target(group.segment.name.to_string())
            .detail("because", because)
            .detail("bytes", group.bytes().to_string());
        if let Some(first) = group.first {
            deed = deed.detail("first_seq", first.to_string());
        }
        if let Some((seq, hash)) = group.last {
            deed = deed.detail("last_seq", seq.to_string()).detail("last_hash", hash.to_string());
        }
        if !group.passed_over.is_empty() {
            let names: Vec<_> = group.passed_over.iter().map(|entry| entry.name.to_string()).collect();
            deed = deed.detail("passed_over", names.join(" "));
        }
        if group.files().any(|entry| entry.content.is_some()) {
            deed = deed.detail("content", "deleted with it");
        }
        self.write(&deed)
    }

    /// Says which holds there are, each once per start and change; and none any more.
    pub(super) fn holds(&mut self, holds: Vec<Hold>) -> Result<(), Unrecorded> {
        self.holds.retain(|known| holds.contains(known));
        for hold in holds {
            if !self.holds.contains(&hold) {
                self.write(&about("retention.hold", &hold))?;
                self.holds.push(hold);
            }
        }
        Ok(())
    }

    /// Says that content goes which no record refers to.
    pub(super) fn clears(&self, file: &str, bytes: u64) -> Result<(), Unrecorded> {
        let deed = Deed::admin(DELETES, ACTOR).target(file).detail("because", "its segment is not there");
        self.write(&deed.detail("bytes", bytes.to_string()))
    }

    /// Says that a hold has ended, and why.
    pub(super) fn released(&self, release: &Hold) -> Result<(), Unrecorded> {
        self.write(&about("retention.release", release))
    }

    fn write(&self, deed: &Deed) -> Result<(), Unrecorded> {
        wait(self.audit.record(deed))
    }
}

fn about(action: &'static str, hold: &Hold) -> Deed {
    let details = [("name", &hold.name), ("reason", &hold.reason), ("by", &hold.by), ("at", &hold.since)];
    let given = details.into_iter().filter(|(_, value)| !value.is_empty());
    given.fold(Deed::admin(action, OPERATOR), |deed, (name, value)| deed.detail(name, value.clone()))
}

/// Waits on this thread.
fn wait<F: Future>(future: F) -> F::Output {
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let mut future = pin!(future);
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(done) => return done,
            Poll::Pending => thread::park(),
        }
    }
}
