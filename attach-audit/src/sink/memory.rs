use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{Ack, Sink};
use crate::Record;

/// Keeps records in memory: for tests, and for looking at what would be written.
///
/// ```
/// use attach_audit::{Audit, Memory};
///
/// let records = Memory::new();
/// let audit = Audit::new(records.clone());
/// assert!(records.lines().is_empty());
/// ```
#[derive(Clone, Default)]
pub struct Memory(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    lines: Vec<String>,
    content: Vec<String>,
    manual: bool,
    failing: bool,
    held: Vec<Ack>,
}

impl Memory {
    /// A sink in which every record is durable at once.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A sink in which a record is durable only after [`release`](Self::release).
    #[must_use]
    pub fn manual() -> Self {
        let sink = Self::new();
        sink.lock().manual = true;
        sink
    }

    /// The records so far, one JSON object each.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        self.lock().lines.clone()
    }

    /// The lines of content that records refer to.
    #[must_use]
    pub fn content(&self) -> Vec<String> {
        self.lock().content.clone()
    }

    /// How many records wait to be released.
    #[must_use]
    pub fn held(&self) -> usize {
        self.lock().held.len()
    }

    /// Makes durable whatever waits.
    pub fn release(&self) {
        let held = std::mem::take(&mut self.lock().held);
        held.into_iter().for_each(Ack::durable);
    }

    /// Lets whatever waits fail.
    pub fn fail(&self) {
        let held = std::mem::take(&mut self.lock().held);
        held.into_iter().for_each(|ack| ack.failed("failed on purpose"));
    }

    /// From here on takes no record (`true`), or does again.
    pub fn set_failing(&self, failing: bool) {
        self.lock().failing = failing;
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Sink for Memory {
    fn append(&self, record: &Record<'_>, ack: Ack) {
        let mut state = self.lock();
        if state.failing {
            return ack.failed("failing on purpose");
        }
        state.lines.push(record.to_json());
        if state.manual {
            state.held.push(ack);
        } else {
            ack.durable();
        }
    }

    fn append_with(&self, record: &Record<'_>, content: &str, ack: Ack) {
        let mut state = self.lock();
        if !state.failing {
            state.content.push(content.to_owned());
        }
        drop(state);
        self.append(record, ack);
    }
}

impl fmt::Debug for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.lock();
        f.debug_struct("Memory").field("lines", &state.lines.len()).field("held", &state.held.len()).finish()
    }
}
