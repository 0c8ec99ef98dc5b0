//! How much a stranger can have us ask.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use attach_core::Peer;
use quick_cache::sync::Cache;

use super::account::Account;
use super::lane::Lane;
use crate::Denial;

/// Questions that are under way at once, and that wait their turn.
const UNDER_WAY: usize = 64;
const WAITING: usize = 256;
/// Addresses that are remembered.
const ADDRESSES: usize = 10_000;

/// Bounds what is asked: at a time, and of junk by each address.
pub(super) struct Guard {
    all: Lane,
    /// By network; all who come without an address share one.
    accounts: Cache<Option<IpAddr>, Arc<Account>>,
}

impl Guard {
    pub(super) fn new() -> Self {
        Self { all: Lane::new(UNDER_WAY, WAITING), accounts: Cache::new(ADDRESSES) }
    }

    /// Asks when it is this address's turn. `is_junk` tells from the outcome whether to charge for it.
    pub(super) async fn ask<T>(
        &self,
        peer: Option<&Peer>,
        now: impl Fn() -> Duration,
        is_junk: impl Fn(&T) -> bool,
        question: impl Future<Output = T>,
    ) -> Result<T, Denial> {
        let account = self.account(peer.map(Peer::network));
        let _turn = account.lane.enter().await.ok_or_else(|| throttled(Duration::ZERO))?;
        account.junk.check(now()).map_err(throttled)?;
        let _slot = self.all.enter().await.ok_or_else(|| throttled(Duration::ZERO))?;
        let outcome = question.await;
        if is_junk(&outcome) {
            account.junk.charge(now());
        }
        Ok(outcome)
    }

    fn account(&self, holder: Option<IpAddr>) -> Arc<Account> {
        let made = self.accounts.get_or_insert_with(&holder, || Ok::<_, ()>(Arc::default()));
        made.unwrap_or_default()
    }
}

/// Never a 401: the token was not asked about.
fn throttled(wait: Duration) -> Denial {
    let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
    Denial::unavailable(seconds.max(1)).with_reason("introspection_throttled").with_message(
        "the identity provider is not asked about more tokens from this address right now; try again",
    )
}

impl fmt::Debug for Guard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guard").field("addresses", &self.accounts.len()).finish_non_exhaustive()
    }
}
