use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use attach_core::Identity;

use super::{FrontEnd, SigningKey};
use crate::ConfigError;
use crate::clock::{Clock, SystemClock};
use crate::once::Once;
use crate::state::State;

/// How far the time of a signature may be from ours, either way.
pub(super) const WINDOW: Duration = Duration::from_secs(60);

/// Nonces that are remembered for a window; more than that many signed requests in it are not served.
const NONCES: usize = 500_000;

/// The front ends that may speak for people; see the [module](crate::delegation).
///
/// For [`AuthLayer::delegation`](crate::AuthLayer::delegation).
#[must_use]
pub struct Delegation {
    front_ends: Arc<[FrontEnd]>,
    pub(super) nonces: Once,
    pub(super) clock: Arc<dyn Clock>,
}

impl Delegation {
    /// These may.
    ///
    /// # Errors
    ///
    /// When two have one name or are one machine, when two keys of one have one id, or when one may neither pass tokens
    /// nor sign.
    pub fn new(front_ends: impl IntoIterator<Item = FrontEnd>) -> Result<Self, ConfigError> {
        let front_ends: Vec<FrontEnd> = front_ends.into_iter().collect();
        for (n, one) in front_ends.iter().enumerate() {
            check(one, front_ends.get(..n).unwrap_or_default())?;
        }
        // A signature may be as old as the window, or as much from the future.
        let nonces = Once::new(WINDOW * 2 + Duration::from_secs(1), NONCES);
        Ok(Self { front_ends: front_ends.into(), nonces, clock: Arc::new(SystemClock::default()) })
    }

    /// Has nonces known to every node that shares `state`; to this node only unless set.
    pub fn state(mut self, state: State) -> Self {
        self.nonces.share(state);
        self
    }

    /// Uses clocks other than the machine's.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Goes on with what was shown to `before`, which these front ends take the place of: a request that was signed for
    /// that one is not taken again.
    pub(crate) fn succeeding(&self, before: &Self) -> Self {
        Self {
            front_ends: Arc::clone(&self.front_ends),
            nonces: before.nonces.clone(),
            clock: Arc::clone(&before.clock),
        }
    }

    /// The front end that `identity` is.
    pub(super) fn front_end(&self, identity: &Identity) -> Option<&FrontEnd> {
        self.front_ends.iter().find(|front_end| front_end.is(identity))
    }
}

fn check(one: &FrontEnd, others: &[FrontEnd]) -> Result<(), ConfigError> {
    let wrong = |why: &str| Err(ConfigError::new(format!("front end `{}`: {why}", one.name)));
    if others.iter().any(|other| other.name == one.name) {
        return wrong("there are two of this name");
    }
    if others.iter().any(|other| other.directory == one.directory && other.machine == one.machine) {
        return wrong("another one is the same machine");
    }
    if !one.tokens && one.keys.is_empty() {
        return wrong("it may neither pass tokens nor sign, so it cannot speak for anybody");
    }
    if one.directories.is_empty() {
        return wrong("it may speak for the people of no directory");
    }
    let mut ids: Vec<&str> = one.keys.iter().map(SigningKey::id).collect();
    ids.sort_unstable();
    if ids.windows(2).any(|pair| pair.first() == pair.last()) {
        return wrong("two of its keys have one id");
    }
    Ok(())
}

impl fmt::Debug for Delegation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Delegation").field("front_ends", &self.front_ends).finish_non_exhaustive()
    }
}
