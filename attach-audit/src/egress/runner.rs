use std::collections::HashMap;
use std::fmt;
use std::future::{Future, poll_fn};
use std::io;
use std::path::PathBuf;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use tokio::task::{Id, JoinError, JoinSet};
use tokio::time::{Instant, timeout};

use super::cursor::Mark;
use super::feed::Feed;
#[cfg(feature = "s3")]
use super::s3::{Archive, Bucket};
use super::ship::ship;
use super::{Shipped, Status, Target};
use crate::Audit;
use crate::log::Tail;

/// How often cursors are stored and lags are measured.
const TICK: Duration = Duration::from_secs(1);

/// Sends a log's durable records to targets, each at its own pace.
///
/// Every target has a file with a cursor. After a crash, what was sent since the cursor was stored, a second ago or
/// so, is sent again.
pub struct Egress {
    tail: Tail,
    cursors: PathBuf,
    feeds: Vec<Arc<Feed>>,
    #[cfg(feature = "s3")]
    archives: Vec<Arc<Archive>>,
    shipped: Shipped,
    drain: Duration,
}

/// Where a target begins that has no cursor yet.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Start {
    /// With the oldest record there is.
    #[default]
    Oldest,
    /// With the first record that becomes durable from now on.
    Now,
}

impl Egress {
    /// Nothing is sent yet. `cursors` is the directory for the files `egress-<name>.cursor`; the log's own will do.
    #[must_use]
    pub fn new(tail: Tail, cursors: impl Into<PathBuf>) -> Self {
        let drain = Duration::from_secs(5);
        Self {
            tail,
            cursors: cursors.into(),
            feeds: Vec::new(),
            #[cfg(feature = "s3")]
            archives: Vec::new(),
            shipped: Shipped::new(),
            drain,
        }
    }

    /// Sends records to `target`, too: from its cursor on, or from the oldest there is. Reads a file.
    ///
    /// # Errors
    ///
    /// If the name has anything but ASCII letters, digits, `-`, `_` and `.` in it or is another target's, or the
    /// cursor cannot be read.
    pub fn to(self, target: Arc<dyn Target>) -> io::Result<Self> {
        self.to_from(target, Start::Oldest)
    }

    /// As [`to`](Self::to); a target without a cursor begins at `start`.
    ///
    /// # Errors
    ///
    /// As [`to`](Self::to), and if the cursor cannot be stored.
    pub fn to_from(mut self, target: Arc<dyn Target>, start: Start) -> io::Result<Self> {
        let name = target.name();
        self.may_be_called(name)?;
        let end = self.tail.end();
        let fresh = (start == Start::Now).then(|| Mark { position: end.clone(), seq: None });
        let feed = Feed::open(target, &self.cursors, (&end, fresh), self.shipped.clone())?;
        self.feeds.push(Arc::new(feed));
        Ok(self)
    }

    /// Copies closed segments to `bucket`, too, under this name, from where its cursor is. Reads a file.
    ///
    /// # Errors
    ///
    /// As [`to`](Self::to).
    #[cfg(feature = "s3")]
    pub fn archive(mut self, name: &str, bucket: Bucket) -> io::Result<Self> {
        self.may_be_called(name)?;
        let archive = Archive::open(name, self.tail.clone(), (&self.cursors, bucket), self.shipped.clone())?;
        self.archives.push(Arc::new(archive));
        Ok(self)
    }

    fn may_be_called(&self, name: &str) -> io::Result<()> {
        let taken = self.feeds.iter().any(|feed| feed.name() == name);
        #[cfg(feature = "s3")]
        let taken = taken || self.archives.iter().any(|archive| archive.name() == name);
        if is_name(name) && !taken {
            return Ok(());
        }
        let why = format!("{name:?} cannot be the name of an egress, or is another's");
        Err(io::Error::new(io::ErrorKind::InvalidInput, why))
    }

    /// Replaces how long [`run`](Self::run) goes on after the log has ended: 5 s.
    #[must_use]
    pub fn drain(self, drain: Duration) -> Self {
        Self { drain, ..self }
    }

    /// Writes down in `audit`, whose log this is, which records are put aside because a target refuses them, before they
    /// are. To be called when all targets are there.
    #[must_use]
    pub fn recording(self, audit: &Audit) -> Self {
        self.feeds.iter().for_each(|feed| feed.records_in(audit));
        self
    }

    /// Whether nothing is sent anywhere.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        #[cfg(feature = "s3")]
        if !self.archives.is_empty() {
            return false;
        }
        self.feeds.is_empty()
    }

    /// How far the targets have come, durably; kept up to date by [`run`](Self::run).
    #[must_use]
    pub fn shipped(&self) -> Shipped {
        self.shipped.clone()
    }

    /// How the targets stand.
    #[must_use]
    pub fn status(&self) -> Vec<Status> {
        let all = self.feeds.iter().map(|feed| feed.status());
        #[cfg(feature = "s3")]
        let all = all.chain(self.archives.iter().map(|archive| archive.status()));
        all.collect()
    }

    /// Sends until the log has ended and everything was taken, or the time to drain is over. To be run once, on a
    /// Tokio runtime, beside the service; what it had not sent is sent after the next start.
    pub async fn run(&self) {
        self.run_until(std::future::pending()).await;
    }

    /// As [`run`](Self::run), or until `stop` is ready. Nothing is under way to any target then, and the cursors say how
    /// far each has come: another `Egress` over the same directory goes on there.
    pub async fn run_until(&self, stop: impl Future<Output = ()>) {
        let mut stop = pin!(stop);
        let mut archives = JoinSet::new();
        #[cfg(feature = "s3")]
        for archive in &self.archives {
            archives.spawn(Arc::clone(archive).run(self.drain));
        }
        if !self.send(stop.as_mut()).await {
            while let Some(Some(ended)) = unless(stop.as_mut(), archives.join_next()).await {
                let () = ended.unwrap_or_else(|_| tracing::error!("copying audit segments panicked"));
            }
        }
        archives.shutdown().await;
    }

    /// Whether it ended because of `stop`.
    async fn send(&self, mut stop: Pin<&mut impl Future<Output = ()>>) -> bool {
        let (mut loops, mut running) = (JoinSet::new(), HashMap::new());
        for feed in &self.feeds {
            self.begin(feed, &mut loops, &mut running);
        }
        let (mut due, mut deadline, mut stopped) = (Instant::now() + TICK, None, false);
        while !running.is_empty() {
            let until = deadline.map_or(due, |deadline| due.min(deadline));
            let ended = timeout(until.saturating_duration_since(Instant::now()), loops.join_next_with_id());
            match unless(stop.as_mut(), ended).await {
                None => {
                    stopped = true;
                    break;
                }
                Some(Ok(Some(ended))) => self.ended(&ended, &mut loops, &mut running),
                Some(Ok(None)) => break,
                Some(Err(_)) => {
                    self.keep().await;
                    due = Instant::now() + TICK;
                }
            }
            if self.tail.has_ended() {
                let end = *deadline.get_or_insert_with(|| Instant::now() + self.drain);
                if Instant::now() >= end {
                    break;
                }
            }
        }
        loops.shutdown().await;
        self.keep().await;
        if !stopped {
            self.farewell();
        }
        stopped
    }

    fn begin(&self, feed: &Arc<Feed>, loops: &mut JoinSet<()>, running: &mut HashMap<Id, Arc<Feed>>) {
        let task = loops.spawn(ship(Arc::clone(feed), self.tail.clone()));
        running.insert(task.id(), Arc::clone(feed));
    }

    /// A loop that panicked begins again where it was; the others do not notice.
    fn ended(
        &self,
        ended: &Result<(Id, ()), JoinError>,
        loops: &mut JoinSet<()>,
        running: &mut HashMap<Id, Arc<Feed>>,
    ) {
        let id = ended.as_ref().map_or_else(JoinError::id, |(id, ())| *id);
        let Some(feed) = running.remove(&id) else { return };
        if ended.is_err() {
            tracing::error!(egress = feed.name(), "an egress target panicked");
            let (again, tail) = (Arc::clone(&feed), self.tail.clone());
            let task = loops.spawn(async move {
                tokio::time::sleep(TICK).await;
                ship(again, tail).await;
            });
            running.insert(task.id(), feed);
        }
    }

    /// Stores cursors and measures lags, off the runtime's threads.
    async fn keep(&self) {
        let (feeds, tail) = (self.feeds.clone(), self.tail.clone());
        let kept = tokio::task::spawn_blocking(move || {
            for feed in feeds {
                let position = feed.reached().map(|mark| mark.position);
                let lag = tail.bytes_behind(position.as_ref());
                feed.keep(lag.unwrap_or_default());
            }
        });
        if kept.await.is_err() {
            tracing::error!("the cursors of egress could not be stored");
        }
    }

    fn farewell(&self) {
        for status in self.feeds.iter().map(|feed| feed.status()).filter(|status| status.lag_bytes > 0) {
            tracing::warn!(
                egress = &*status.name,
                bytes = status.lag_bytes,
                "not everything was sent; the rest goes out after the next start"
            );
        }
    }
}

/// What `future` comes to; nothing if `stop` is ready before.
async fn unless<T>(
    mut stop: Pin<&mut impl Future<Output = ()>>,
    future: impl Future<Output = T>,
) -> Option<T> {
    let mut future = pin!(future);
    poll_fn(|cx| match stop.as_mut().poll(cx) {
        Poll::Ready(()) => Poll::Ready(None),
        Poll::Pending => future.as_mut().poll(cx).map(Some),
    })
    .await
}

fn is_name(name: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    !name.is_empty() && name.len() <= 64 && name.bytes().all(fits)
}

impl fmt::Debug for Egress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.feeds.iter().map(|feed| feed.name()).collect();
        f.debug_struct("Egress").field("targets", &names).finish_non_exhaustive()
    }
}
