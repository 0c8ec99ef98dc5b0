//! One target and how far it has come, shared by the loop that sends and by who asks.

use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::cursor::{Cursor, Mark};
use super::refused::Refused;
use super::{Delivered, SendError, Shipped, Status, Target};
use crate::log::{Line, Position};
use crate::metrics::EgressMetrics;
use crate::{Audit, chain};

#[derive(Debug)]
pub(super) struct Feed {
    pub(super) target: Arc<dyn Target>,
    cursor: Cursor,
    shipped: Shipped,
    refused: Refused,
    metrics: EgressMetrics,
    progress: Mutex<Progress>,
}

/// So many records are put aside one after another; a receiver that refuses more of them refuses all there is, and then
/// somebody has to put that right.
const IN_A_ROW: u32 = 10;

#[derive(Debug)]
struct Progress {
    reached: Option<Mark>,
    /// What the file says.
    stored: Option<Mark>,
    /// When the oldest record was written that is not delivered, since 1970.
    oldest: Option<Duration>,
    problem: Option<SendError>,
    /// Attempts that failed since it was up.
    failed: u64,
    cursor_fails: bool,
    lag_bytes: u64,
    sent: u64,
    rejected: u64,
    put_aside: u64,
    /// Since one was taken.
    in_a_row: u32,
    skipped: u64,
    failures: u64,
}

impl Feed {
    /// Reads the cursor; `fresh` is where a target begins that has none for the log that ends at `end`.
    pub(super) fn open(
        target: Arc<dyn Target>,
        dir: &Path,
        (end, fresh): (&Position, Option<Mark>),
        shipped: Shipped,
    ) -> io::Result<Self> {
        let cursor = Cursor::new(dir, target.name());
        let own = |mark: &Mark| {
            let own = mark.position.segment.node == end.segment.node;
            if !own {
                let node = &*mark.position.segment.node;
                tracing::error!(
                    egress = target.name(),
                    node,
                    "the node had another name: what is left of its log under that name is not sent"
                );
            }
            own
        };
        let mut stored = cursor.load()?.filter(own);
        if let (None, Some(fresh)) = (&stored, fresh) {
            cursor.store(&fresh)?;
            stored = Some(fresh);
        }
        shipped.reached(target.name(), stored.as_ref().map(|mark| mark.position.clone()));
        let metrics = EgressMetrics::new(target.name());
        let progress = Progress {
            reached: stored.clone(),
            stored,
            oldest: None,
            problem: None,
            failed: 0,
            cursor_fails: false,
            lag_bytes: 0,
            sent: 0,
            rejected: 0,
            put_aside: 0,
            in_a_row: 0,
            skipped: 0,
            failures: 0,
        };
        let refused = Refused::new(dir, target.name());
        Ok(Self { target, cursor, shipped, refused, metrics, progress: Mutex::new(progress) })
    }

    pub(super) fn name(&self) -> &str {
        self.target.name()
    }

    pub(super) fn reached(&self) -> Option<Mark> {
        self.lock().reached.clone()
    }

    /// The oldest record not delivered was written then.
    pub(super) fn waits_since(&self, written: Option<Duration>) {
        self.lock().oldest = written;
    }

    /// Records are gone that were not sent.
    pub(super) fn skipped(&self, records: u64) {
        let mut progress = self.lock();
        progress.skipped = progress.skipped.saturating_add(records);
        drop(progress);
        self.metrics.skipped(records);
        tracing::error!(
            egress = self.name(),
            at_least = records,
            "audit records were deleted before they were sent"
        );
    }

    /// A batch of `records` that ends at `mark` was taken.
    pub(super) fn delivered(&self, mark: Mark, records: u64, delivered: &Delivered) {
        let refused = delivered.refused.len() as u64;
        let records = records.saturating_sub(refused);
        let rejected = delivered.rejected.min(records);
        let mut progress = self.lock();
        progress.reached = Some(mark);
        progress.oldest = None;
        progress.sent += records - rejected;
        if records > 0 {
            progress.in_a_row = 0;
        }
        let warn = rejected > 0 && progress.rejected == 0;
        progress.rejected += rejected;
        let (back, failed) = (progress.problem.take().is_some(), std::mem::take(&mut progress.failed));
        drop(progress);
        self.metrics.delivered(records - rejected, rejected);
        if back {
            tracing::warn!(egress = self.name(), failed, "audit records are taken again");
        }
        if warn {
            tracing::warn!(
                egress = self.name(),
                rejected,
                "a receiver refuses audit records for good; they are counted"
            );
        }
    }

    /// What is put aside is to be recorded there first.
    pub(super) fn records_in(&self, audit: &Audit) {
        // The first to be named stays.
        let _ = self.refused.audit.set(audit.clone());
    }

    /// It is not everything that is refused.
    pub(super) fn takes_some(&self) {
        self.lock().in_a_row = 0;
    }

    /// A single record was refused for good; with `mark`, all to its end is done with it. Whether it is out of the way now.
    pub(super) async fn put_aside(&self, line: Line, mark: Option<Mark>, why: &SendError) -> bool {
        if self.lock().in_a_row >= IN_A_ROW {
            return false;
        }
        let seq = chain::place(&line.bytes).map(|(seq, _)| seq);
        if let Err(error) = self.refused.put_aside(self.name(), line, why).await {
            tracing::error!(egress = self.name(), %error, "a refused audit record cannot be put aside");
            return false;
        }
        let mut progress = self.lock();
        if let Some(mark) = mark {
            (progress.reached, progress.oldest) = (Some(mark), None);
        }
        progress.put_aside += 1;
        progress.in_a_row += 1;
        drop(progress);
        self.metrics.put_aside();
        tracing::error!(egress = self.name(), seq, %why, "an audit record that is refused again and again was put aside");
        true
    }

    /// An attempt failed.
    pub(super) fn failed(&self, error: &SendError) {
        let mut progress = self.lock();
        progress.failures += 1;
        progress.failed += 1;
        let same = |before: &SendError| std::mem::discriminant(before) == std::mem::discriminant(error);
        let known = progress.problem.as_ref().is_some_and(same);
        let lag_bytes = progress.lag_bytes;
        progress.problem = Some(error.clone());
        drop(progress);
        self.metrics.failed();
        if !known {
            tracing::error!(egress = self.name(), %error, lag_bytes, "audit records wait in the log");
        }
    }

    /// Makes durable how far it has come, and says so to retention; notes how much it lags behind.
    pub(super) fn keep(&self, lag_bytes: u64) {
        let mut progress = self.lock();
        progress.lag_bytes = lag_bytes;
        let stale = progress.reached.clone().filter(|mark| progress.stored.as_ref() != Some(mark));
        drop(progress);
        let status = self.status();
        self.metrics.stands(&status);
        let Some(mark) = stale else { return };
        let stored = self.cursor.store(&mark);
        let mut progress = self.lock();
        let failed_before = std::mem::replace(&mut progress.cursor_fails, stored.is_err());
        match stored {
            Ok(()) => {
                progress.stored = Some(mark.clone());
                drop(progress);
                self.shipped.reached(self.name(), Some(mark.position));
            }
            Err(error) if !failed_before => {
                drop(progress);
                tracing::error!(egress = self.name(), %error, "the cursor is not stored: after a restart, records are sent again");
            }
            Err(_) => {}
        }
    }

    pub(super) fn status(&self) -> Status {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let progress = self.lock();
        Status {
            name: self.name().into(),
            up: progress.problem.is_none(),
            problem: progress.problem.as_ref().map(|problem| problem.to_string().into()),
            position: progress.reached.as_ref().map(|mark| mark.position.clone()),
            lag_bytes: progress.lag_bytes,
            lag: progress.oldest.map(|written| now.saturating_sub(written)).unwrap_or_default(),
            sent: progress.sent,
            rejected: progress.rejected,
            put_aside: progress.put_aside,
            skipped: progress.skipped,
            failures: progress.failures,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::egress::Stdout;

    #[tokio::test]
    async fn a_receiver_that_refuses_ten_in_a_row_refuses_everything() {
        let dir = std::env::temp_dir().join(format!("attach-feed-{}", uuid::Uuid::now_v7()));
        std::fs::create_dir_all(&dir).expect("created");
        let end: Position = "audit-n-0000000000001-000000.jsonl:1".parse().expect("a position");
        let stdout = Arc::new(Stdout::new("soc"));
        let feed = Feed::open(stdout, &dir, (&end, None), Shipped::new()).expect("a feed");
        let mark = || Mark { position: end.clone(), seq: Some(1) };
        let why = SendError::Unacceptable("it answered 400".into());
        let refused = async || {
            let line = Line { bytes: b"{\"seq\":1}".as_slice().into(), end: end.clone() };
            feed.put_aside(line, Some(mark()), &why).await
        };
        for _ in 0..10 {
            assert!(refused().await);
        }
        assert!(!refused().await, "it is not the record that is wrong");
        feed.delivered(mark(), 1, &Delivered::all());
        assert!(refused().await, "it is the record again");
        assert_eq!(feed.status().put_aside, 11);
        let kept = std::fs::read_to_string(dir.join("egress-soc.refused")).expect("there");
        assert_eq!(kept.lines().count(), 11);
        std::fs::remove_dir_all(dir).expect("removed");
    }
}
