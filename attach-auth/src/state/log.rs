use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::watch;

use super::backend::{Batch, Feed, Lost};

/// How many commits a follower may be behind before it has to load everything afresh.
const KEPT: usize = 1024;

/// The last commits of a backend that lives in this process, for those that follow it.
pub(super) struct Log {
    batches: Mutex<VecDeque<Batch>>,
    mark: watch::Sender<Mark>,
}

#[derive(Clone, Copy)]
struct Mark {
    /// Whoever has not come this far has missed something that is not here any more.
    floor: u64,
    last: u64,
    closed: bool,
}

impl Log {
    /// Nothing happened after `seq`.
    pub(super) fn new(seq: u64) -> Self {
        let mark = Mark { floor: seq, last: seq, closed: false };
        Self { batches: Mutex::default(), mark: watch::Sender::new(mark) }
    }

    pub(super) fn last(&self) -> u64 {
        self.mark.borrow().last
    }

    pub(super) fn push(&self, batch: Batch) {
        let mut batches = self.batches.lock().unwrap_or_else(PoisonError::into_inner);
        let last = batch.seq;
        batches.push_back(batch);
        let floor = (batches.len() > KEPT).then(|| batches.pop_front()).flatten().map(|batch| batch.seq);
        drop(batches);
        self.mark.send_modify(|mark| {
            mark.last = last;
            mark.floor = floor.unwrap_or(mark.floor);
        });
    }

    /// What happened can only be known by loading everything afresh.
    #[cfg(feature = "sqlite")]
    pub(super) fn interrupt(&self) {
        self.mark.send_modify(|mark| mark.floor = u64::MAX);
    }

    /// Everything was loaded, up to `seq`.
    #[cfg(feature = "sqlite")]
    pub(super) fn resume(&self, seq: u64) {
        self.mark.send_modify(|mark| {
            mark.last = seq;
            if mark.floor == u64::MAX {
                mark.floor = seq;
            }
        });
    }

    /// Nothing will happen any more.
    #[cfg(feature = "sqlite")]
    pub(super) fn close(&self) {
        self.mark.send_modify(|mark| mark.closed = true);
    }

    /// What [`Backend::follow`](super::Backend::follow) answers.
    pub(super) fn follow(self: &Arc<Self>, after: u64) -> Feed<Result<Vec<Batch>, Lost>> {
        let (this, mut mark) = (Arc::clone(self), self.mark.subscribe());
        Box::pin(async move {
            let closed = || Lost::Unreachable("closed".into());
            let news = |mark: &Mark| mark.closed || after < mark.floor || after < mark.last;
            let mark = *mark.wait_for(news).await.map_err(|_| closed())?;
            if mark.closed {
                return Err(closed());
            }
            if after < mark.floor {
                return Err(Lost::Behind);
            }
            let batches = this.batches.lock().unwrap_or_else(PoisonError::into_inner);
            Ok(batches.iter().filter(|batch| batch.seq > after).cloned().collect())
        })
    }
}
