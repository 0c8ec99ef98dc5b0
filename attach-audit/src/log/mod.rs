//! The hash-chained log: JSON lines in segments, one group commit at a time.
//!
//! A writer thread takes what has come in, writes it with one `write`, calls `fdatasync` once, says so to everybody
//! who waits, and begins again: the longer the disk takes, the larger the groups. A record is on its way as soon as
//! it was taken; it is *durable* when its group is.
//!
//! How long a disk takes must not decide how long a request waits, so a second thread looks at the clock: a record
//! that waits for longer than its patience is given up on, though it stays in the queue, and no new request is taken
//! until the disk has answered and a `gap` record says how many there were.
//!
//! With a signer ([`Options`]), the writer adds a checkpoint each second or 1,000 records while there are records: a
//! signed root over everything that is durable.
//!
//! When a write or a sync fails, the segment is given up on: a sync is never tried twice on one file, because the
//! kernel may have dropped the pages that the first one could not write. What was not acknowledged is written again
//! to a new segment, whose head says from where. If that fails too, the log takes no new request until it works
//! again, and then says so in a `gap` record.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use tokio::sync::watch::Receiver;

mod age;
mod ballast;
mod batch;
mod config;
mod follow;
mod gap;
mod name;
mod notary;
mod options;
mod path;
mod queue;
mod recover;
mod reserve;
mod segment;
#[cfg(test)]
mod simulation;
mod storage;
mod store;
mod tail;
#[cfg(test)]
mod tests;
mod watch;
mod writer;

pub use self::follow::{Follower, Line, Position};
pub use self::options::Options;
pub use self::storage::{Disk, Segment, Storage};
pub use self::tail::Tail;

pub(crate) use self::name::SegmentName;
pub(crate) use self::path::{Counting, Part, counting};
pub(crate) use self::recover::LONGEST;

use self::queue::Queue;
use self::tail::Reached;
use self::writer::{Farewell, Writer};
use crate::{Ack, Record, Sink, metrics};

/// How long the end of a log waits for a disk that hangs.
const FAREWELL: Duration = Duration::from_secs(10);

/// A log in a directory of its own; a [`Sink`].
///
/// Opening it reads the last segment only, writes a `start` record that quotes the end of the chain before, and an
/// `orphan` record for each request that a crash left without an outcome.
///
/// ```no_run
/// use attach_audit::{Audit, Log, log::Options};
///
/// let log = Log::open("/var/lib/attach/audit".as_ref(), Options::new("node-1"))?;
/// let audit = Audit::new(log);
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct Log {
    queue: Arc<Queue>,
    threads: Vec<JoinHandle<()>>,
    reached: Receiver<Reached>,
    dir: Option<PathBuf>,
}

impl Log {
    /// Opens the log in `dir`, which is created (mode 0700) if need be.
    ///
    /// # Errors
    ///
    /// If the directory cannot be used, another process writes to it, or the first record cannot be made durable.
    pub fn open(dir: &Path, options: Options) -> io::Result<Self> {
        let mut log = Self::open_on(Disk::open(dir)?, options)?;
        log.dir = Some(dir.to_owned());
        Ok(log)
    }

    /// How far the log is durable, for who reads it while it is written; `None` for storage that is no directory.
    #[must_use]
    pub fn tail(&self) -> Option<Tail> {
        Some(Tail::new(self.dir.clone()?, self.reached.clone()))
    }

    /// Opens the log on storage of the caller's.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open).
    pub fn open_on(storage: impl Storage, options: Options) -> io::Result<Self> {
        let queue = Arc::new(Queue::new(&options));
        let writer = Writer::open(Box::new(storage), options, Arc::clone(&queue))?;
        let waiting = Arc::downgrade(&queue);
        metrics::queue(move || waiting.upgrade().map(|queue| queue.depth()));
        let reached = writer.reached();
        let (watched, farewell) = (Arc::clone(&queue), Farewell::new(Arc::clone(&queue)));
        let watchdog = Builder::new().name("attach-audit-watch".into()).spawn(move || watched.watch())?;
        let writer = Builder::new().name("attach-audit-log".into()).spawn(move || writer.run(farewell))?;
        Ok(Self { queue, threads: vec![watchdog, writer], reached, dir: None })
    }
}

impl Sink for Log {
    fn append(&self, record: &Record<'_>, ack: Ack) {
        self.queue.push(record, ack, false);
    }

    fn append_with(&self, record: &Record<'_>, content: &str, ack: Ack) {
        self.queue.push_with(record, content.as_bytes(), ack, false);
    }

    fn is_ready(&self) -> bool {
        self.queue.is_ready()
    }

    fn configured(&self, hash: &str) {
        self.queue.config.replace(hash);
    }

    fn close(&self, record: &Record<'_>, ack: Ack) {
        self.queue.push(record, ack, true);
    }
}

/// Waits for what was taken to be written: at most one group. The lock on the directory is free afterwards, unless
/// the disk has hung for ten seconds: then nobody waits for it any longer.
impl Drop for Log {
    fn drop(&mut self) {
        self.queue.close();
        if !self.queue.wait_gone(FAREWELL) {
            tracing::error!("the disk does not answer: the audit log ends without its last records");
            return;
        }
        for thread in self.threads.drain(..) {
            if thread.join().is_err() {
                tracing::error!("a thread of the audit log panicked");
            }
        }
    }
}

impl fmt::Debug for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Log").field("ready", &self.is_ready()).finish_non_exhaustive()
    }
}
