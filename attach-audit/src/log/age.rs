use std::time::{Duration, Instant};

/// How old the segment is that is written to, and whether anybody needs it closed.
///
/// A head and checkpoints are the log's own: a log at rest would else begin a segment each hour and say nothing in it.
#[derive(Debug)]
pub(super) struct Age {
    most: Option<Duration>,
    began: Instant,
    /// It has records that are not the log's own, or a start.
    used: bool,
}

impl Age {
    /// That of the first segment of a chain, which has its start.
    pub(super) fn of_first(most: Option<Duration>) -> Self {
        Self { most, began: Instant::now(), used: true }
    }

    /// When a new segment is to begin though nothing comes.
    pub(super) fn due(&self) -> Option<Instant> {
        self.began.checked_add(self.most.filter(|_| self.used)?)
    }

    pub(super) fn is_due(&self) -> bool {
        self.due().is_some_and(|due| due <= Instant::now())
    }

    /// A write has gone well: it was `fresh`, the first of a segment, and had `records` or none.
    pub(super) fn landed(&mut self, fresh: bool, records: bool) {
        if fresh {
            (self.began, self.used) = (Instant::now(), false);
        }
        self.used |= records;
    }
}
