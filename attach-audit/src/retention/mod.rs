//! How long a log is kept: by age and by size, whole segments, the oldest first.
//!
//! What may go is decided by five rules, in this order:
//!
//! 1. The segment that is being written to stays.
//! 2. Nothing goes under a legal [`Hold`].
//! 3. Nothing goes that some system it is sent to does not have yet ([`Retention::shipped`]).
//! 4. That it goes is on record before it goes: an `admin` record by `retention` names the segment, its first and last
//!    record and the last one's hash. If that cannot be recorded, the segment stays.
//! 5. What is kept beside a segment (`content-<chain>-<n>.jsonl`) goes with it.
//!
//! A segment is as old as the first record of the segment that continues it, which is never older than its own last
//! record. That time is part of the chain; a file's own time changes with every copy and every `touch`.
//!
//! ```no_run
//! use attach_audit::{Audit, Log, log::Options, retention::{Keep, Retention}};
//!
//! let log = Log::open("/var/lib/attach/audit".as_ref(), Options::new("node-1"))?;
//! let tail = log.tail().expect("a directory");
//! let audit = Audit::new(log);
//! let retention = Retention::new(audit.clone(), tail, Keep::default()).start()?;
//! # drop(retention);
//! # Ok::<(), std::io::Error>(())
//! ```

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use crate::Audit;
use crate::log::{Position, Tail};
use crate::metrics::RetentionMetrics;

mod bounds;
mod disk;
mod hold;
mod inventory;
mod keep;
mod record;
mod sweep;
#[cfg(test)]
mod tests;

pub use self::bounds::Bounds;
pub use self::hold::Hold;
pub use self::keep::Keep;
pub use self::sweep::Swept;

use self::disk::Disk;
use self::record::Notary;

/// How far every system that records are sent to has come: outer `None` if there is no such system, inner if one has
/// nothing yet.
type Shipped = Box<dyn Fn() -> Option<Option<Position>> + Send>;

/// Keeps a log as long as it is to be kept, and watches the disk it is on.
#[must_use]
pub struct Retention {
    dir: PathBuf,
    tail: Tail,
    keep: Keep,
    shipped: Shipped,
    notary: Notary,
    disk: Disk,
    interval: Duration,
    metrics: RetentionMetrics,
    /// Something is due and cannot go; said once.
    stuck: bool,
}

impl Retention {
    /// Keeps the log that `tail` is of as `keep` says, and records what it does in `audit`.
    pub fn new(audit: Audit, tail: Tail, keep: Keep) -> Self {
        Self {
            dir: tail.dir().to_owned(),
            tail,
            keep,
            shipped: Box::new(|| None),
            notary: Notary::new(audit),
            disk: Disk::new(0.8),
            interval: Duration::from_secs(60),
            metrics: RetentionMetrics::default(),
            stuck: false,
        }
    }

    /// Asks `by_all` how far the systems have come that records are sent to; see `egress::Shipped::by_all`. Each of
    /// them has to be known before the first [`sweep`](Self::sweep).
    pub fn shipped(self, by_all: impl Fn() -> Option<Option<Position>> + Send + 'static) -> Self {
        Self { shipped: Box::new(by_all), ..self }
    }

    /// Says so when more than this share (0 to 1) of the file system is used; 0.8 unless set.
    pub fn disk_alert(self, share: f64) -> Self {
        Self { disk: Disk::new(share), ..self }
    }

    /// Looks this often; once a minute unless set.
    pub fn interval(self, interval: Duration) -> Self {
        Self { interval, ..self }
    }

    /// Sweeps from now on, on a thread of its own, until the handle is dropped.
    ///
    /// # Errors
    ///
    /// If there is no thread to be had.
    pub fn start(mut self) -> io::Result<Sweeping> {
        let bounds = Bounds::default();
        let told = bounds.clone();
        let thread = Builder::new().name("attach-audit-keep".into()).spawn(move || {
            self.metrics = RetentionMetrics::global();
            while !told.is_over() {
                if let Some((keep, disk_alert)) = told.changed() {
                    self.keep = keep;
                    self.disk.set(disk_alert);
                }
                if let Err(error) = self.round(&|| told.is_over()) {
                    tracing::error!(%error, "the audit log's old segments cannot be looked through");
                }
                told.wait(self.interval);
            }
        })?;
        Ok(Sweeping { bounds, thread: Some(thread) })
    }

    /// One round: writes down whether there is a legal hold, looks at the disk, deletes what is due. Works on files and
    /// waits for records, so it does not belong on an async runtime's threads.
    ///
    /// # Errors
    ///
    /// If the directory or a segment in it cannot be read.
    pub fn sweep(&mut self) -> io::Result<Swept> {
        self.round(&|| false)
    }
}

/// Retention at work; it ends when this is dropped, which waits for the record that is being written.
#[must_use]
pub struct Sweeping {
    bounds: Bounds,
    thread: Option<JoinHandle<()>>,
}

impl Sweeping {
    /// What may be changed while it works.
    #[must_use]
    pub fn bounds(&self) -> Bounds {
        self.bounds.clone()
    }
}

impl Drop for Sweeping {
    fn drop(&mut self) {
        self.bounds.end();
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the thread that keeps the audit log panicked");
        }
    }
}

impl fmt::Debug for Retention {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Retention").field("dir", &self.dir).field("keep", &self.keep).finish_non_exhaustive()
    }
}

impl fmt::Debug for Sweeping {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sweeping").finish_non_exhaustive()
    }
}
