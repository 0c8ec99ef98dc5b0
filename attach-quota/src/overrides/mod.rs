//! Exceptions from limits, for a person or a group: by configuration, or at run time by an administrator.
//!
//! The one that counts for a caller is found in this order: for the person at run time, for the person by
//! configuration, for the caller's groups at run time, for the caller's groups by configuration. Of several groups'
//! the most generous counts. What is added for a time ([`Grant::Extra`]) is on top of whatever counts.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use arc_swap::ArcSwap;
use attach_core::Identity;

use crate::Window;

/// An exception from one limit.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Override {
    /// What it is called: a second one of the same id takes the first one's place.
    pub id: Arc<str>,
    /// The directory of whoever it is for.
    pub directory: Arc<str>,
    /// Whom it is for.
    pub whom: Whom,
    /// The limit's id.
    pub limit: Arc<str>,
    /// What they get.
    pub grant: Grant,
    /// When it stops.
    pub until: Option<SystemTime>,
}

/// Whom an override is for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Whom {
    /// The person or machine of this stable id.
    User(Arc<str>),
    /// The members of this group.
    Group(Arc<str>),
}

/// What an override gives, in the unit and the period of its limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Grant {
    /// This much instead of the limit's amount.
    Amount(u64),
    /// This much on top, for budgets and levels; a rate gives so much more in its period.
    Extra(u64),
    /// As much as they want: the limit does not apply.
    Unlimited,
}

/// All exceptions. Cheap to clone; clones share them.
#[derive(Clone, Default)]
pub struct Overrides(Arc<Shared>);

#[derive(Default)]
struct Shared {
    configured: ArcSwap<Table>,
    running: ArcSwap<Table>,
    writing: Mutex<()>,
}

/// By directory, person or group, and limit.
type Table = HashMap<(Arc<str>, Whom, Arc<str>), Vec<Override>>;

impl Override {
    /// `grant` under `limit` for `whom` in `directory`.
    #[must_use]
    pub fn new(
        id: impl Into<Arc<str>>,
        directory: impl Into<Arc<str>>,
        whom: Whom,
        limit: impl Into<Arc<str>>,
        grant: Grant,
    ) -> Self {
        Self { id: id.into(), directory: directory.into(), whom, limit: limit.into(), grant, until: None }
    }

    /// Until `time`.
    #[must_use]
    pub fn until(mut self, time: SystemTime) -> Self {
        self.until = Some(time);
        self
    }

    fn key(&self) -> (Arc<str>, Whom, Arc<str>) {
        (Arc::clone(&self.directory), self.whom.clone(), Arc::clone(&self.limit))
    }
}

impl Overrides {
    /// No exceptions yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// These, and no others, are the exceptions by configuration.
    pub fn configure(&self, all: impl IntoIterator<Item = Override>) {
        self.0.configured.store(Arc::new(table(all)));
    }

    /// These, and no others, are the exceptions at run time.
    pub fn reset(&self, all: impl IntoIterator<Item = Override>) {
        let _writing = self.0.writing.lock().unwrap_or_else(PoisonError::into_inner);
        self.0.running.store(Arc::new(table(all)));
    }

    /// Adds an exception at run time, in the place of one of the same id.
    pub fn put(&self, one: Override) {
        self.change(|table| {
            drop_id(table, &one.id);
            table.entry(one.key()).or_default().push(one);
        });
    }

    /// Takes an exception at run time back.
    pub fn remove(&self, id: &str) {
        self.change(|table| drop_id(table, id));
    }

    fn change(&self, with: impl FnOnce(&mut Table)) {
        let _writing = self.0.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut table = Table::clone(&self.0.running.load());
        with(&mut table);
        self.0.running.store(Arc::new(table));
    }

    /// The exceptions at run time, in no order.
    #[must_use]
    pub fn list(&self) -> Vec<Override> {
        self.0.running.load().values().flatten().cloned().collect()
    }

    /// The window of a limit for `identity`; `None` if the limit does not apply.
    pub(crate) fn window(
        &self,
        limit: &Arc<str>,
        window: &Window,
        identity: &Identity,
        now: impl Fn() -> SystemTime,
    ) -> Option<Window> {
        let (running, configured) = (self.0.running.load(), self.0.configured.load());
        if running.is_empty() && configured.is_empty() {
            return Some(window.clone());
        }
        let now = now();
        let of = |table: &Table, whom: Whom| -> Vec<Grant> {
            let key = (Arc::clone(&identity.directory), whom, Arc::clone(limit));
            let all = table.get(&key).into_iter().flatten();
            all.filter(|one| one.until.is_none_or(|until| now < until)).map(|one| one.grant).collect()
        };
        let person = Whom::User(Arc::clone(&identity.id));
        let groups = |table: &Table| -> Vec<Grant> {
            let own = identity.groups.iter().filter(|group| group.directory == identity.directory);
            own.flat_map(|group| of(table, Whom::Group((*group.name).into()))).collect()
        };
        let tiers =
            [of(&running, person.clone()), of(&configured, person), groups(&running), groups(&configured)];
        let extra = tiers.iter().flatten().fold(0_u64, |sum, grant| match grant {
            Grant::Extra(more) => sum.saturating_add(*more),
            _ => sum,
        });
        let counts = tiers.iter().find_map(|tier| most_generous(tier));
        match counts {
            Some(Grant::Unlimited) => None,
            Some(Grant::Amount(amount)) => Some(window.with_amount(amount.saturating_add(extra))),
            _ if extra > 0 => Some(window.with_amount(window.amount().saturating_add(extra))),
            _ => Some(window.clone()),
        }
    }
}

fn most_generous(tier: &[Grant]) -> Option<Grant> {
    let rank = |grant: &Grant| match grant {
        Grant::Extra(_) => None,
        Grant::Amount(amount) => Some((0, *amount)),
        Grant::Unlimited => Some((1, 0)),
    };
    tier.iter().copied().filter(|grant| rank(grant).is_some()).max_by_key(rank)
}

fn table(all: impl IntoIterator<Item = Override>) -> Table {
    let mut table = Table::new();
    for one in all {
        table.entry(one.key()).or_default().push(one);
    }
    table
}

fn drop_id(table: &mut Table, id: &str) {
    table.retain(|_, all| {
        all.retain(|one| *one.id != *id);
        !all.is_empty()
    });
}

/// Names nobody.
impl fmt::Debug for Override {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Override")
            .field("limit", &self.limit)
            .field("grant", &self.grant)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Overrides {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Overrides").field("running", &self.0.running.load().len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
