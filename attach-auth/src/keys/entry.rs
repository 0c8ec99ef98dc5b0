//! Keys, owners and service identities as they are held in memory.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use arc_swap::{ArcSwap, ArcSwapOption};
use attach_core::Identity;

use super::rows::{KeyRow, OwnerRow, ServiceRow};
use super::time::moment;
use super::{Key, Owner};
use crate::state::Row;

/// A key, and who it makes its bearer.
pub(super) struct Entry {
    pub(super) row: Row,
    pub(super) key: KeyRow,
    /// The row of its owner.
    pub(super) owner: Arc<str>,
    pub(super) used: Arc<Used>,
    /// Built once for each state of the owner's rights: requests share it.
    pub(super) identity: ArcSwapOption<(Arc<OwnerRow>, Arc<Identity>)>,
}

/// An owner as last described, here and in the store.
pub(super) struct Standing {
    pub(super) described: ArcSwap<OwnerRow>,
    pub(super) confirmed: AtomicU64,
    pub(super) stored: ArcSwap<(Row, OwnerRow)>,
}

/// A service identity.
pub(super) struct Service {
    pub(super) row: Row,
    pub(super) service: ServiceRow,
    pub(super) used: Arc<Used>,
}

/// When something was last used, here and as the store has it, in seconds; 0 for never.
#[derive(Default)]
pub(super) struct Used {
    at: AtomicU64,
    stored: AtomicU64,
}

impl Entry {
    /// The key as it may be shown; `standing` is its owner's.
    pub(super) fn show(&self, standing: Option<&Standing>) -> Key {
        let (key, described) = (&self.key, standing.map(|standing| standing.described.load_full()));
        let confirmed = standing.map(|standing| standing.confirmed.load(Ordering::Relaxed));
        Key {
            id: key.id.clone(),
            prefix: key.prefix.clone(),
            name: key.name.clone(),
            owner: owner(key, described.as_deref()),
            created_at: moment(key.created),
            expires_at: moment(key.expires),
            revoked_at: key.revoked.map(moment),
            groups: key.grant.groups.clone(),
            scopes: key.grant.scopes.clone(),
            limits: key.grant.limits(),
            assurance: key.grant.assurance(),
            last_used_at: self.used.at(),
            last_confirmed_at: confirmed.map(moment),
        }
    }

    pub(super) fn is_live(&self, now: u64) -> bool {
        self.key.revoked.is_none() && now < self.key.expires
    }
}

fn owner(key: &KeyRow, described: Option<&OwnerRow>) -> Owner {
    use attach_core::identity::Kind;
    Owner {
        directory: Arc::clone(&key.directory),
        id: Arc::clone(&key.owner),
        issuer: described.map_or_else(|| Arc::clone(&key.directory), |owner| Arc::clone(&owner.issuer)),
        subject: described.map_or_else(|| Arc::clone(&key.owner), |owner| Arc::clone(&owner.subject)),
        kind: described.map_or(if key.service { Kind::Service } else { Kind::Person }, OwnerRow::kind),
        name: described.and_then(|owner| owner.name.clone()),
    }
}

impl Standing {
    pub(super) fn new(row: &Row, owner: OwnerRow) -> Self {
        Self {
            confirmed: AtomicU64::new(owner.confirmed),
            described: ArcSwap::from_pointee(owner.clone()),
            stored: ArcSwap::from_pointee((row.clone(), owner)),
        }
    }

    /// The store has `owner` now. What this node learnt later stays.
    pub(super) fn merge(&self, row: &Row, owner: OwnerRow) {
        self.confirmed.fetch_max(owner.confirmed, Ordering::Relaxed);
        self.describe(&owner);
        self.stored.store(Arc::new((row.clone(), owner)));
    }

    /// Takes over what `owner` says, unless a token that was issued later said something else.
    pub(super) fn describe(&self, owner: &OwnerRow) {
        let newer = Arc::new(owner.clone());
        self.described.rcu(|known| Arc::clone(if owner.as_of > known.as_of { &newer } else { known }));
    }

    pub(super) fn confirm(&self, now: u64) {
        self.confirmed.fetch_max(now, Ordering::Relaxed);
    }
}

impl Used {
    pub(super) fn at(&self) -> Option<SystemTime> {
        Some(self.seconds()).filter(|at| *at > 0).map(moment)
    }

    pub(super) fn seconds(&self) -> u64 {
        self.at.load(Ordering::Relaxed)
    }

    pub(super) fn touch(&self, now: u64) {
        self.at.fetch_max(now, Ordering::Relaxed);
    }

    pub(super) fn store(&self, at: u64) {
        self.touch(at);
        self.stored.fetch_max(at, Ordering::Relaxed);
    }

    /// What the store is to be told, if it is a minute behind.
    pub(super) fn due(&self) -> Option<u64> {
        let (at, stored) = (self.seconds(), self.stored.load(Ordering::Relaxed));
        (at > stored && (stored == 0 || at >= stored + super::WRITE_BEHIND)).then_some(at)
    }
}
