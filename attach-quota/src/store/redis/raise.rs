//! Counts that were lost are put back.

use std::time::Duration;

use super::super::Denied;
use super::RedisStore;
use super::ask::unreadable;
use super::link::{Trouble, within};
use super::scripts::RAISE;
use super::slot::Slot;

/// How long it may take: nobody's call waits for it.
const DEADLINE: Duration = Duration::from_secs(2);

/// So many buckets at once, so that nobody else waits long for Redis.
const BATCH: usize = 200;

/// What a log says was used of a budget, as its records have it
/// ([`Charged`](attach_core::exchange::Charged)).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs, reason = "made by literal")]
pub struct Counted {
    /// Whose bucket.
    pub bucket: u128,
    /// When its period ends, in seconds since 1970.
    pub until: u64,
    /// What ended calls came to, in the limit's own unit.
    pub used: u64,
}

/// What became of a count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs, reason = "both figures there are")]
pub struct Raised {
    /// What was counted before, the reservations of running calls among it.
    pub had: u64,
    /// What is counted now; never less.
    pub has: u64,
}

impl RedisStore {
    /// Sets each bucket to what a log says was used of it and what running calls hold, unless more is counted there; says
    /// of each what became of it, and `None` of one whose period is over. With `dry_run` nothing is changed.
    ///
    /// A call counts once, however often this is done: what it was booked for is part of what is counted, and the greater
    /// of the two figures stays. What waits to be settled here is settled first. `counted` is what was settled: a call of which
    /// Redis hears from another node later than from here is counted twice until its period ends, so what ended in the last
    /// seconds is better left out, and nothing is put back while a node cannot settle.
    ///
    /// # Errors
    ///
    /// [`Denied::Unavailable`] if the store cannot be asked, or does not take what waits here; a part may have been raised
    /// then, and asking again is safe.
    pub async fn raise(&self, counted: &[Counted], dry_run: bool) -> Result<Vec<Option<Raised>>, Denied> {
        within(DEADLINE, self.tell()).await.map_err(|_| Denied::Unavailable)?;
        let mut raised = Vec::with_capacity(counted.len());
        for batch in counted.chunks(BATCH) {
            let some = within(DEADLINE, self.raise_some(batch, dry_run)).await;
            raised.extend(some.map_err(|_| Denied::Unavailable)?);
        }
        Ok(raised)
    }

    async fn raise_some(&self, batch: &[Counted], dry_run: bool) -> Result<Vec<Option<Raised>>, Trouble> {
        let shared = &*self.shared;
        let connection = shared.back.connection().await?;
        let mut call = RAISE.prepare_invoke();
        call.key(&shared.keys[0]).arg(if dry_run { "look" } else { "raise" });
        for one in batch {
            call.arg(Slot::budget(one.bucket, one.until).name).arg(one.until).arg(one.used);
        }
        let answer = shared.back.run(&connection, &call).await?;
        let figure = |figure: i64| u64::try_from(figure).ok();
        let raised = answer.chunks_exact(2).filter_map(|pair| pair.first().zip(pair.get(1)));
        let raised: Vec<_> =
            raised.map(|(had, has)| Some(Raised { had: figure(*had)?, has: figure(*has)? })).collect();
        if raised.len() == batch.len() { Ok(raised) } else { Err(unreadable()) }
    }
}
