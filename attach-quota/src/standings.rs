//! What somebody may use, and what is left of it.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use attach_core::Identity;

use crate::QuotaLayer;
use crate::bill::Applied;
use crate::caller::Caller;
use crate::layer::Callers;
use crate::limit::{Limit, Scope, Window};
use crate::store::{Charge, Standing};

/// A limit as it is for somebody, with what is left of it.
#[derive(Clone)]
#[non_exhaustive]
pub struct Allowance {
    limit: Arc<Limit>,
    window: Option<Window>,
    shared_by: Option<Arc<str>>,
    standing: Option<Standing>,
    /// The store was asked, and did not answer.
    unanswered: bool,
    now: SystemTime,
}

impl QuotaLayer {
    /// The limits that apply to `identity`, those for particular models or operations included, in the order in which
    /// they are tried. Nothing is booked.
    ///
    /// Of alternatives for members of groups it is the one that counts. If the store cannot say what is left, the limits
    /// are there all the same. A layer that is told its callers by a function knows nothing of identities: there is
    /// nothing then.
    pub async fn standings(&self, identity: &Arc<Identity>) -> Vec<Allowance> {
        if !matches!(self.callers, Callers::Identity) {
            return Vec::new();
        }
        let caller = Caller::Known(Arc::clone(identity));
        let applicable = self.book().applicable(&caller);
        let mut charges: Vec<Charge> = applicable.iter().filter_map(asking).collect();
        let looked = charges.is_empty() || self.store.look(&mut charges).await.is_ok();
        let mut standings = charges.iter().map(Charge::standing);
        let now = SystemTime::now();
        let allowance = |one: Applied| {
            let standing = one.window.as_ref().and_then(|_| standings.next()).filter(|_| looked);
            let shared_by = one.key.id().filter(|_| !is_own(one.key.scope())).map(Arc::from);
            Allowance { limit: one.limit, window: one.window, shared_by, standing, unanswered: !looked, now }
        };
        applicable.into_iter().map(allowance).collect()
    }
}

/// What asks a store about a bucket; nothing where there is no limit.
fn asking(one: &Applied) -> Option<Charge> {
    Some(Charge::new(&one.limit, one.window.clone()?, one.key.clone(), 1))
}

fn is_own(scope: &Scope) -> bool {
    matches!(scope, Scope::User | Scope::GroupMember)
}

impl Allowance {
    /// The limit as it is for everybody.
    #[must_use]
    pub fn limit(&self) -> &Limit {
        &self.limit
    }

    /// How much there is for this caller, and when there is more; `None` if an override lifts the limit.
    #[must_use]
    pub fn window(&self) -> Option<&Window> {
        self.window.as_ref()
    }

    /// Whether an override changes what the limit gives.
    #[must_use]
    pub fn is_overridden(&self) -> bool {
        self.window.as_ref() != Some(self.limit.window())
    }

    /// What the bucket is for, if not for the caller alone: the client's or key's id, the group's name or the claim's
    /// value. Nothing where a directory or everyone shares.
    #[must_use]
    pub fn shared_by(&self) -> Option<&str> {
        self.shared_by.as_deref()
    }

    /// The models that the limit is for, as patterns; all of them if there is none.
    pub fn models(&self) -> impl Iterator<Item = &str> {
        self.limit.what().models.iter().map(attach_core::call::ModelGlob::as_str)
    }

    /// The operations that the limit is for; all of them if there is none.
    pub fn apis(&self) -> impl Iterator<Item = &'static str> {
        self.limit.what().apis.iter().map(|api| api.as_str())
    }

    /// The upstreams that the limit is for; all of them if there is none.
    pub fn upstreams(&self) -> impl Iterator<Item = &str> {
        self.limit.what().upstreams.iter().map(|name| &**name)
    }

    /// What is left, in the limit's unit; `None` if the store cannot say, or if there is no limit.
    #[must_use]
    pub fn left(&self) -> Option<u64> {
        Some(self.standing?.left)
    }

    /// What is used of what can be used at once: of a bucket what has not flown back yet, of a budget what was used in
    /// the period, of a level the calls that run. A debt beyond it is not part of it.
    #[must_use]
    pub fn used(&self) -> Option<u64> {
        Some(self.window.as_ref()?.capacity().saturating_sub(self.standing?.left))
    }

    /// In which time everything is there again if nothing is used meanwhile: when the bucket is full, or when the
    /// budget's next period begins, which is known even if the store is not. Nothing for a level, which ends with the
    /// calls that hold it.
    #[must_use]
    pub fn resets_in(&self) -> Option<Duration> {
        match (self.window.as_ref()?, self.standing) {
            (Window::Level(_), _) | (Window::Rate { .. }, None) => None,
            (_, Some(standing)) => Some(standing.full_in),
            (Window::Budget(budget), None) => {
                let now = self.now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
                Some(Duration::from_secs(budget.bounds(now.as_secs()).1).saturating_sub(now))
            }
        }
    }

    /// [`resets_in`](Self::resets_in) as a time of the calendar; `None` as well if it is beyond all calendars.
    #[must_use]
    pub fn resets_at(&self) -> Option<SystemTime> {
        self.now.checked_add(self.resets_in()?)
    }

    /// Whether the store that nodes share did not say what is left.
    #[must_use]
    pub fn is_degraded(&self) -> bool {
        self.unanswered || self.standing.is_some_and(|standing| standing.degraded)
    }

    /// The same, and nobody knows what is left: for who asks about somebody of whom too little is known to say which
    /// bucket is theirs.
    #[must_use]
    pub fn unknown(mut self) -> Self {
        self.standing = None;
        self
    }
}

/// Names nobody.
impl fmt::Debug for Allowance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Allowance")
            .field("limit", &self.limit.id())
            .field("window", &self.window)
            .field("standing", &self.standing)
            .finish_non_exhaustive()
    }
}
