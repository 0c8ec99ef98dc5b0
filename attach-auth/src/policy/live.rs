use std::fmt;
use std::sync::Arc;

use arc_swap::ArcSwap;

use super::{Ask, Policy, Rules, Verdict};

/// A policy that can be replaced while it is asked. Clones share it.
///
/// ```
/// use attach_auth::policy::{Live, Rule, Rules};
///
/// let live = Live::new(Rules::deny_by_default().allow(Rule::new("eng").groups(["eng"]))?);
/// live.replace(Rules::deny_by_default().allow(Rule::new("eng").groups(["engineering"]))?)?;
/// let open = Rules::deny_by_default().allow(Rule::new("oops"))?;
/// assert!(live.replace(open).is_err(), "a slip of the pen lets nobody in");
/// live.replace(Rules::allow_by_default())?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Live<P>(Arc<ArcSwap<P>>);

impl<P> Live<P> {
    /// `policy`, until it is replaced.
    #[must_use]
    pub fn new(policy: impl Into<Arc<P>>) -> Self {
        Self(Arc::new(ArcSwap::new(policy.into())))
    }

    /// The policy in force.
    #[must_use]
    pub fn load(&self) -> Arc<P> {
        self.0.load_full()
    }

    /// Puts `policy` in force, whatever it allows. Rules have [`replace`](Live::replace).
    pub fn swap(&self, policy: impl Into<Arc<P>>) {
        self.0.store(policy.into());
    }
}

impl Live<Rules> {
    /// Puts `rules` in force, at once for every later question.
    ///
    /// # Errors
    ///
    /// When the rules so far are not [open to everybody](Rules::is_open_to_everybody) and these are, without saying
    /// so by [`Rules::allow_by_default`]. The rules so far stay in force.
    pub fn replace(&self, rules: impl Into<Arc<Rules>>) -> Result<(), TooOpen> {
        let rules = rules.into();
        if rules.is_open_to_everybody() && !rules.allow_by_default && !self.0.load().is_open_to_everybody() {
            return Err(TooOpen(()));
        }
        self.swap(rules);
        Ok(())
    }
}

impl<P: Policy> Policy for Live<P> {
    fn allows(&self, ask: &Ask<'_>) -> Verdict {
        self.0.load().allows(ask)
    }
}

impl<P> Clone for Live<P> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<P> fmt::Debug for Live<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Live").finish_non_exhaustive()
    }
}

/// New rules would open to everybody what was not open before, and do not say so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TooOpen(());

impl fmt::Display for TooOpen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "the new rules would allow everything to everybody, which the rules in force do not; if that is meant, \
             write default = \"allow\"",
        )
    }
}

impl std::error::Error for TooOpen {}
