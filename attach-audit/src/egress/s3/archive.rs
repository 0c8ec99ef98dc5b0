use std::fmt;
use std::fs;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use tokio::time::{sleep, timeout};

use super::bucket::{Bucket, Object};
use crate::egress::aside::aside;
use crate::egress::backoff::Backoff;
use crate::egress::cursor::{Cursor, Mark};
use crate::egress::{SendError, Shipped, Status};
use crate::log::{Position, SegmentName, Tail};
use crate::metrics::EgressMetrics;

/// How often it is looked for closed segments.
const INTERVAL: Duration = Duration::from_secs(10);

/// Copies closed segments to a bucket, in order, each until the store has it.
pub struct Archive {
    name: Box<str>,
    tail: Tail,
    bucket: Bucket,
    cursor: Cursor,
    shipped: Shipped,
    metrics: EgressMetrics,
    state: Mutex<State>,
}

struct State {
    /// The next segment to be copied is this one, or a later one; `None`: the oldest there is.
    next: Option<Position>,
    problem: Option<SendError>,
    lag_bytes: u64,
    lag: Duration,
    sent: u64,
    failures: u64,
}

/// Segments that are not copied yet, the oldest first.
struct Pending {
    names: Vec<SegmentName>,
    bytes: u64,
    /// Since when the oldest is closed.
    waits: Duration,
}

impl Archive {
    /// Reads the cursor `egress-<name>.cursor` in `dir`, and tells `shipped` from now on how far the copies go.
    pub(in crate::egress) fn open(
        name: &str,
        tail: Tail,
        (dir, bucket): (&Path, Bucket),
        shipped: Shipped,
    ) -> io::Result<Self> {
        let cursor = Cursor::new(dir, name);
        let node = tail.current().node;
        let next = cursor.load()?.map(|mark| mark.position).filter(|at| at.segment.node == node);
        shipped.reached(name, next.clone());
        let (problem, lag, sent) = (None, Duration::ZERO, 0);
        let state = Mutex::new(State { next, problem, lag_bytes: 0, lag, sent, failures: 0 });
        let metrics = EgressMetrics::new(name);
        Ok(Self { name: name.into(), tail, bucket, cursor, shipped, metrics, state })
    }

    pub(in crate::egress) fn name(&self) -> &str {
        &self.name
    }

    /// Copies until the log has ended and its last segment is copied as well, which may take `drain`.
    pub(in crate::egress) async fn run(self: Arc<Self>, drain: Duration) {
        let mut backoff = Backoff::default();
        while !self.tail.has_ended() {
            let pause = self.attempt(false, &mut backoff).await.unwrap_or(INTERVAL);
            let _ = timeout(pause, self.tail.ended()).await;
        }
        let last = async {
            while let Some(pause) = self.attempt(true, &mut backoff).await {
                sleep(pause).await;
            }
        };
        if timeout(drain, last).await.is_err() {
            tracing::warn!(
                egress = &*self.name,
                "not every audit segment was copied; the rest goes out after the next start"
            );
        }
    }

    /// Copies what is closed. How long to wait before it is tried again, if something went wrong.
    async fn attempt(self: &Arc<Self>, ended: bool, backoff: &mut Backoff) -> Option<Duration> {
        let error = match self.copy_all(ended).await {
            Ok(()) => {
                *backoff = Backoff::default();
                return None;
            }
            Err(error) => error,
        };
        self.failed(&error);
        let after = if let SendError::Unavailable { after, .. } = &error { *after } else { None };
        Some(backoff.next(after))
    }

    pub(in crate::egress) fn status(&self) -> Status {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        Status {
            name: self.name.clone(),
            up: state.problem.is_none(),
            problem: state.problem.as_ref().map(|problem| problem.to_string().into()),
            position: state.next.clone(),
            lag_bytes: state.lag_bytes,
            lag: state.lag,
            sent: state.sent,
            rejected: 0,
            put_aside: 0,
            skipped: 0,
            failures: state.failures,
        }
    }

    /// Copies what is closed; with `ended`, the segment that was written to last is.
    async fn copy_all(self: &Arc<Self>, ended: bool) -> Result<(), SendError> {
        loop {
            let this = Arc::clone(self);
            let pending = aside(move || this.pending(ended)).await?.map_err(|error| local(&error))?;
            self.stands(&pending);
            let Some(name) = pending.names.into_iter().next() else { return Ok(()) };
            self.copy(&name).await?;
            self.copied(&name).await?;
        }
    }

    async fn copy(&self, name: &SegmentName) -> Result<(), SendError> {
        let path = self.tail.dir().join(name.to_string());
        let object = aside(move || fs::read(path).map(Object::new)).await?;
        match object {
            Ok(object) => self.bucket.put(&name.to_string(), &object).await,
            // Deleted by hand, after it was listed.
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(local(&error)),
        }
    }

    /// Makes durable that it is copied, and says so to retention.
    async fn copied(self: &Arc<Self>, name: &SegmentName) -> Result<(), SendError> {
        let position = Position { segment: name.at(name.n + 1), offset: 0 };
        let (this, mark) = (Arc::clone(self), Mark { position: position.clone(), seq: None });
        aside(move || this.cursor.store(&mark)).await?.map_err(|error| local(&error))?;
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.next = Some(position.clone());
        state.sent += 1;
        let back = state.problem.take().is_some();
        drop(state);
        self.shipped.reached(&self.name, Some(position));
        tracing::info!(egress = &*self.name, segment = %name, back, "an audit segment was copied");
        Ok(())
    }

    fn pending(&self, ended: bool) -> io::Result<Pending> {
        let current = self.tail.current();
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let next = state.next.as_ref().map(|at| at.segment.clone());
        drop(state);
        let (mut names, mut bytes, mut oldest) = (Vec::new(), 0, None);
        for entry in fs::read_dir(self.tail.dir())? {
            let entry = entry?;
            let Some(name) = entry.file_name().to_str().and_then(SegmentName::parse) else { continue };
            let closed = name < current || ended && name == current;
            if name.node == current.node && closed && next.as_ref().is_none_or(|next| name >= *next) {
                let about = entry.metadata()?;
                bytes += about.len();
                oldest = oldest.into_iter().chain([about.modified()?]).min();
                names.push(name);
            }
        }
        names.sort();
        let waits = oldest.and_then(|oldest| SystemTime::now().duration_since(oldest).ok());
        Ok(Pending { names, bytes, waits: waits.unwrap_or_default() })
    }

    fn stands(&self, pending: &Pending) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        (state.lag_bytes, state.lag) = (pending.bytes, pending.waits);
        drop(state);
        self.metrics.stands(&self.status());
    }

    fn failed(&self, error: &SendError) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.failures += 1;
        let known = state.problem.replace(error.clone()).is_some_and(|before| before == *error);
        let lag_bytes = state.lag_bytes;
        drop(state);
        self.metrics.failed();
        self.metrics.stands(&self.status());
        if !known {
            tracing::error!(egress = &*self.name, %error, lag_bytes, "audit segments wait to be copied");
        }
    }
}

/// Of this machine's disk.
fn local(error: &io::Error) -> SendError {
    SendError::unavailable(error.to_string())
}

impl fmt::Debug for Archive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, bucket, .. } = self;
        f.debug_struct("Archive").field("name", name).field("bucket", bucket).finish_non_exhaustive()
    }
}
