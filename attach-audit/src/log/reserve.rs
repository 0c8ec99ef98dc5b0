//! A full disk: what is running ends on record, on space that was kept for it; nothing new begins.

use std::io;
use std::time::{Duration, Instant};

use super::batch::Batch;
use super::writer::Writer;

/// How long a record waits for company while the disk is full. Less than anybody's patience.
const COMPANY: Duration = Duration::from_millis(10);

impl Writer {
    /// Keeps space for when there is none. Without it the log works too.
    pub(super) fn reserve(&self) {
        if let Err(error) = self.storage.reserve(self.options.reserve) {
            let bytes = self.options.reserve;
            tracing::warn!(%error, bytes, "no space is kept for a full disk: running requests may be cut then");
        }
    }

    /// The disk is full: gives the kept space back, from now on refuses new requests, and writes what is left of the
    /// batch. False if `error` is another, or nothing was kept.
    pub(super) fn give_way(&self, error: &io::Error) -> bool {
        use io::ErrorKind::{QuotaExceeded, StorageFull};
        if !matches!(error.kind(), StorageFull | QuotaExceeded) || !self.storage.release() {
            return false;
        }
        tracing::error!(
            "the audit log's disk is full: requests are refused, running ones end on the space kept"
        );
        self.queue.fail();
        true
    }

    /// Writes what running requests have to say until the space can be kept again, writing fails, or the log is closed.
    pub(super) fn finish(&mut self, batch: &mut Batch) {
        let mut tried = Instant::now();
        loop {
            let (_, open) = self.queue.pause(COMPANY, batch);
            // A `gap` record comes before the last.
            if !open || (!batch.entries.is_empty() && self.attempt(batch, None).is_err()) {
                return;
            }
            if tried.elapsed() >= self.options.retry {
                if self.storage.reserve(self.options.reserve).is_ok() {
                    return;
                }
                tried = Instant::now();
            }
        }
    }
}
