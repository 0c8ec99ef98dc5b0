//! Where the counts are kept.
//!
//! A [`Store`] books [`Charge`]s and corrects them later; [`MemoryStore`] is the one that a layer has unless it is
//! given another.
//!
//! ```
//! use std::collections::HashMap;
//! use std::sync::Mutex;
//! use std::time::Duration;
//!
//! use attach_quota::store::{Charge, Denied, Reserving, Standing, Store};
//!
//! /// So much in all, and never again.
//! #[derive(Default)]
//! struct Allowance(Mutex<HashMap<u128, u64>>);
//!
//! impl Store for Allowance {
//!     fn reserve<'a>(&'a self, charges: &'a mut [Charge]) -> Reserving<'a> {
//!         let mut used = self.0.lock().unwrap();
//!         for (index, charge) in charges.iter_mut().enumerate() {
//!             let used = used.entry(charge.key().fingerprint()).or_default();
//!             charge.stands(Standing::new(charge.limit().capacity().saturating_sub(*used), Duration::MAX));
//!             if charge.standing().left < charge.reserved() {
//!                 return Reserving::ready(Err(Denied::Limit { index, retry_after: Duration::MAX }));
//!             }
//!         }
//!         for charge in charges {
//!             *used.entry(charge.key().fingerprint()).or_default() += charge.reserved();
//!         }
//!         Reserving::ready(Ok(()))
//!     }
//!
//!     fn settle(&self, charges: &[Charge]) {
//!         let mut used = self.0.lock().unwrap();
//!         for charge in charges {
//!             let used = used.entry(charge.key().fingerprint()).or_default();
//!             *used = (*used + charge.spent()).saturating_sub(charge.reserved());
//!         }
//!     }
//! }
//! ```

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use crate::Limit;
use crate::key::Caller;

mod gcra;
mod memory;
#[cfg(test)]
mod tests;

pub use self::memory::MemoryStore;
pub use crate::key::Key;

/// Keeps the counts of all limits.
pub trait Store: Send + Sync + 'static {
    /// Books every charge, or none and says which limit was in the way.
    ///
    /// The store notes in each charge how its bucket [stands](Charge::stands), and what it
    /// [booked](Charge::booked) if that is not what was asked for. If the future is dropped before it is ready,
    /// the store sees to it that nothing stays booked.
    fn reserve<'a>(&'a self, charges: &'a mut [Charge]) -> Reserving<'a>;

    /// Replaces what is [reserved](Charge::reserved) by what was [spent](Charge::spent), both ways: a refund never
    /// fills a bucket beyond its capacity, and what is beyond the reservation is debt.
    ///
    /// Called any number of times for a reservation, from destructors as well: it must neither block nor panic.
    fn settle(&self, charges: &[Charge]);

    /// Forgets buckets that are full. Cheap enough for a timer; a store that needs none leaves it out.
    fn sweep(&self) {}
}

/// An amount under a limit, for somebody.
#[derive(Debug, Clone)]
pub struct Charge {
    limit: Arc<Limit>,
    key: Key,
    reserved: u64,
    spent: u64,
    standing: Standing,
}

impl Charge {
    /// A charge of `amount`, but at least one and never more than the limit holds: a modest limit stays usable,
    /// and no request is refused for ever.
    pub(crate) fn new(limit: &Arc<Limit>, caller: &Caller, amount: u64) -> Self {
        let reserved = amount.clamp(1, limit.capacity());
        let standing = Standing::new(0, Duration::ZERO);
        Self { limit: Arc::clone(limit), key: Key::new(limit, caller), reserved, spent: reserved, standing }
    }

    /// The limit.
    #[must_use]
    pub fn limit(&self) -> &Limit {
        &self.limit
    }

    /// Whose bucket.
    #[must_use]
    pub fn key(&self) -> &Key {
        &self.key
    }

    /// What is booked, or to be booked.
    #[must_use]
    pub fn reserved(&self) -> u64 {
        self.reserved
    }

    /// What is to be booked instead of [`reserved`](Self::reserved).
    #[must_use]
    pub fn spent(&self) -> u64 {
        self.spent
    }

    /// How the bucket stood when the store was last asked.
    #[must_use]
    pub fn standing(&self) -> Standing {
        self.standing
    }

    /// For a store: how the bucket stands now.
    pub fn stands(&mut self, standing: Standing) {
        self.standing = standing;
    }

    /// For a store: `amount` was booked, because the store counts in coarser units.
    pub fn booked(&mut self, amount: u64) {
        (self.reserved, self.spent) = (amount, amount);
    }

    pub(crate) fn spend(&mut self, amount: u64) {
        self.spent = amount;
    }

    pub(crate) fn shared_limit(&self) -> &Arc<Limit> {
        &self.limit
    }
}

/// How a bucket stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Standing {
    /// What can be used at once.
    pub left: u64,
    /// When the bucket will be full again if nobody uses it.
    pub full_in: Duration,
}

impl Standing {
    /// `left` now, and full again in `full_in`.
    #[must_use]
    pub fn new(left: u64, full_in: Duration) -> Self {
        Self { left, full_in }
    }
}

/// Why nothing was booked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Denied {
    /// A limit does not allow it.
    Limit {
        /// Which of the charges.
        index: usize,
        /// When the same charges will pass if nobody uses anything meanwhile.
        retry_after: Duration,
    },
    /// The store cannot be asked.
    Unavailable,
}

/// A reservation under way.
pub struct Reserving<'a>(Repr<'a>);

enum Repr<'a> {
    Ready(Option<Result<(), Denied>>),
    Later(Pin<Box<dyn Future<Output = Result<(), Denied>> + Send + 'a>>),
}

impl<'a> Reserving<'a> {
    /// Decided already; costs no allocation.
    #[must_use]
    pub fn ready(result: Result<(), Denied>) -> Self {
        Self(Repr::Ready(Some(result)))
    }

    /// To be decided.
    pub fn later(decision: impl Future<Output = Result<(), Denied>> + Send + 'a) -> Self {
        Self(Repr::Later(Box::pin(decision)))
    }
}

impl Future for Reserving<'_> {
    type Output = Result<(), Denied>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut self.0 {
            Repr::Ready(result) => result.take().map_or(Poll::Pending, Poll::Ready),
            Repr::Later(decision) => decision.as_mut().poll(cx),
        }
    }
}

impl fmt::Debug for Reserving<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Repr::Ready(_) => "Reserving::Ready",
            Repr::Later(_) => "Reserving::Later",
        })
    }
}
