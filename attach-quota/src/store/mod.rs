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
//! use attach_quota::store::{Charge, Denied, Reserving, Settling, Standing, Store};
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
//!             charge.stands(Standing::new(charge.window().capacity().saturating_sub(*used), Duration::MAX));
//!             match charge.standing().left < charge.reserved() {
//!                 true if charge.is_shadow() => charge.pass_over(),
//!                 true => return Reserving::ready(Err(Denied::Limit { index, retry_after: Duration::MAX })),
//!                 false => {}
//!             }
//!         }
//!         for charge in charges {
//!             *used.entry(charge.key().fingerprint()).or_default() += charge.reserved();
//!         }
//!         Reserving::ready(Ok(()))
//!     }
//!
//!     fn settle(&self, charges: &[Charge], _: Settling) {
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

mod bucket;
mod charge;
#[cfg(any(feature = "redis", feature = "sqlite"))]
mod digest;
mod gcra;
mod key;
mod memory;
#[cfg(feature = "redis")]
mod redis;
#[cfg(feature = "sqlite")]
mod sqlite;
#[cfg(test)]
mod tests;

pub use self::charge::{Charge, Standing};
pub use self::key::Key;
pub(crate) use self::key::{Owner, fingerprint_of};
pub use self::memory::MemoryStore;
#[cfg(feature = "redis")]
pub use self::redis::{Counted, Raised, RedisStatus, RedisStore, RedisUrlError};
#[cfg(feature = "sqlite")]
pub use self::sqlite::{OpenError, SqliteStore};

/// Keeps the counts of all limits.
pub trait Store: Send + Sync + 'static {
    /// Books every charge, or none and says which limit was in the way. A [shadow](Charge::is_shadow) charge is never
    /// in the way: without room for it, it is [passed over](Charge::pass_over).
    ///
    /// The store notes in each charge how its bucket [stands](Charge::stands), and what it
    /// [booked](Charge::booked) if that is not what was asked for. If the future is dropped before it is ready,
    /// the store sees to it that nothing stays booked: a stream under a limit that [cuts](crate::Action::Cut) asks for
    /// more while it runs, one charge at a time, and may end before it is answered.
    fn reserve<'a>(&'a self, charges: &'a mut [Charge]) -> Reserving<'a>;

    /// Replaces what is [reserved](Charge::reserved) by what was [spent](Charge::spent), both ways: a refund never
    /// fills a bucket beyond its capacity, and what is beyond the reservation is debt.
    ///
    /// Called any number of times for a reservation, the [last](Settling::Last) time exactly once, from destructors as
    /// well: it must neither block nor panic.
    fn settle(&self, charges: &[Charge], settling: Settling);

    /// Notes in each charge how its bucket stands, and books nothing. Without it nobody can be told what is left.
    fn look<'a>(&'a self, charges: &'a mut [Charge]) -> Reserving<'a> {
        let _ = charges;
        Reserving::ready(Err(Denied::Unavailable))
    }

    /// Ready when everything that was settled before is as durable as it gets; `None` if it is already.
    fn flushed(&self) -> Option<Flushed> {
        None
    }

    /// Forgets buckets that are full. Cheap enough for a timer; a store that needs none leaves it out.
    fn sweep(&self) {}

    /// How many buckets are kept in this process, for the metrics; `None` if none are.
    fn buckets(&self) -> Option<usize> {
        None
    }
}

impl<S: Store + ?Sized> Store for Arc<S> {
    fn reserve<'a>(&'a self, charges: &'a mut [Charge]) -> Reserving<'a> {
        (**self).reserve(charges)
    }

    fn settle(&self, charges: &[Charge], settling: Settling) {
        (**self).settle(charges, settling);
    }

    fn look<'a>(&'a self, charges: &'a mut [Charge]) -> Reserving<'a> {
        (**self).look(charges)
    }

    fn flushed(&self) -> Option<Flushed> {
        (**self).flushed()
    }

    fn sweep(&self) {
        (**self).sweep();
    }

    fn buckets(&self) -> Option<usize> {
        (**self).buckets()
    }
}

/// When what was settled is durable.
pub type Flushed = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Which settlement of a reservation it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(clippy::exhaustive_enums, reason = "a call runs or has ended")]
pub enum Settling {
    /// The call goes on; what it used so far is more than was reserved.
    Running,
    /// The call has ended. Nothing more comes for these charges.
    Last,
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
    /// The limit is [fair](crate::Limit::fair), and what is left is kept for callers who had less. What stands before a store
    /// says so, no store.
    Share {
        /// Which of the charges.
        index: usize,
        /// When the pool has enough again if nobody uses anything meanwhile.
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
