use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use attach_core::Identity;
use attach_core::identity::{Kind, Proof};

use super::entry::Entry;
use super::index::Found;
use super::rows::{KeyRow, owner_tag};
use super::secret::Hash;
use super::time::seconds;
use super::{Key, KeyError, KeyIndex, KeySettings, OwnerGroups, Secret};
use crate::clock::SystemClock;
use crate::state::{Change, CommitError, Expect, Health, Row, State};
use crate::{Clock, Event, LogWitness, Revocations, Witness};

/// Mints, lists and revokes gateway keys, and tells whose they are.
///
/// Cheap to clone; clones share the keys. [`flush`](Self::flush) has to be called by a timer.
#[derive(Clone)]
pub struct Keys {
    pub(super) state: State,
    pub(super) index: KeyIndex,
    pub(super) settings: Arc<KeySettings>,
    pub(super) witness: Arc<dyn Witness>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) revocations: Option<Revocations>,
    pub(super) groups: Option<Arc<dyn OwnerGroups>>,
}

impl Keys {
    /// Keys of `state`, which was opened with `index` as a view of its keys.
    #[must_use]
    pub fn new(state: State, index: KeyIndex, settings: KeySettings) -> Self {
        Self {
            state,
            index,
            settings: Arc::new(settings),
            witness: Arc::new(LogWitness),
            clock: Arc::new(SystemClock::default()),
            revocations: None,
            groups: None,
        }
    }

    /// Where every change is recorded before it happens; the program's log unless set.
    #[must_use]
    pub fn witness(mut self, witness: Arc<dyn Witness>) -> Self {
        self.witness = witness;
        self
    }

    /// Whose keys are refused. Without, a revoked owner's keys work until nobody has confirmed the owner for
    /// [`max_unconfirmed`](KeySettings::max_unconfirmed).
    #[must_use]
    pub fn revocations(mut self, revocations: Revocations) -> Self {
        self.revocations = Some(revocations);
        self
    }

    /// Who knows whether a group that owns a service identity still has members.
    #[must_use]
    pub fn owner_groups(mut self, groups: Arc<dyn OwnerGroups>) -> Self {
        self.groups = Some(groups);
        self
    }

    /// Replaces the machine's clock.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// The live keys of the caller, by the order of their making.
    #[must_use]
    pub fn list(&self, owner: &Identity) -> Vec<Key> {
        self.shown(&owner_tag(&owner.directory, &owner.id))
    }

    /// Every live key, those of service identities included.
    #[must_use]
    pub fn list_all(&self) -> Vec<Key> {
        self.shown("")
    }

    /// Revokes the key with the public `id` of the caller. When it returns no node of the service accepts it that
    /// can see the store.
    ///
    /// # Errors
    ///
    /// When the caller has no such key or may not manage keys, or it cannot be recorded.
    pub async fn revoke(&self, owner: &Identity, id: &str) -> Result<(), KeyError> {
        may_manage(owner)?;
        self.revoke_in(&owner_tag(&owner.directory, &owner.id), id, &owner.id).await
    }

    /// Revokes whoever's key has the public `id`, for the administrator called `actor`.
    ///
    /// # Errors
    ///
    /// As [`revoke`](Self::revoke).
    pub async fn revoke_any(&self, actor: &str, id: &str) -> Result<(), KeyError> {
        self.revoke_in("", id, actor).await
    }

    /// Revokes the key whose secret this is: whoever holds it may give it up (RFC 7009). `false` if it is nobody's.
    ///
    /// # Errors
    ///
    /// When it cannot be recorded.
    pub async fn give_up(&self, secret: &Secret) -> Result<bool, KeyError> {
        if let Health::Down { why, .. } = self.state.health() {
            return Err(KeyError::Unavailable(why));
        }
        let Some(found) = self.index.find(&secret.hash()) else { return Ok(false) };
        let actor = Arc::clone(&found.entry.key.owner);
        self.revoke_entry(&found.entry, &actor).await.map(|()| true)
    }

    async fn revoke_in(&self, tag: &str, id: &str, actor: &str) -> Result<(), KeyError> {
        let now = self.now();
        let is_it = |found: &Found| *found.entry.key.id == *id && found.entry.is_live(now);
        let found = self.index.keys(tag).into_iter().find(is_it).ok_or(KeyError::NotFound)?;
        self.revoke_entry(&found.entry, actor).await
    }

    pub(super) async fn revoke_entry(&self, entry: &Entry, actor: &str) -> Result<(), KeyError> {
        if entry.key.revoked.is_some() {
            return Ok(());
        }
        self.record(self.event("key.revoke", actor, &entry.key)).await?;
        let revoked = KeyRow { revoked: Some(self.now()), ..entry.key.clone() };
        let row = revoked.to_row(Arc::clone(&entry.row.key));
        match self.state.commit(vec![Change::Put(row, Expect::Value(entry.row.value.clone()))]).await {
            // Somebody was faster. What they did to the key is known only once it has arrived here.
            Err(CommitError::Conflict(..)) if self.is_over(entry) => Ok(()),
            done => Ok(done?),
        }
    }

    fn is_over(&self, entry: &Entry) -> bool {
        let held = self.index.keys(&entry.key.tag());
        let mut same = held.iter().filter(|found| found.entry.key.id == entry.key.id);
        same.all(|found| found.entry.key.revoked.is_some())
    }

    fn shown(&self, tag: &str) -> Vec<Key> {
        let now = self.now();
        let found = self.index.keys(tag);
        let live = found.iter().filter(|found| found.entry.is_live(now));
        let mut keys: Vec<Key> = live.map(|found| found.entry.show(found.standing.as_deref())).collect();
        keys.sort_by(|a, b| (a.created_at, &a.id).cmp(&(b.created_at, &b.id)));
        keys
    }

    pub(super) fn now(&self) -> u64 {
        seconds(self.clock.now())
    }

    pub(super) fn find(&self, hash: &Hash) -> Option<Found> {
        self.index.find(hash)
    }

    pub(super) async fn record(&self, event: Event) -> Result<(), KeyError> {
        Ok(self.witness.witness(event).await?)
    }

    pub(super) fn event(&self, action: &'static str, actor: &str, key: &KeyRow) -> Event {
        Event::new(action, actor)
            .directory(Arc::clone(&key.directory))
            .target(key.id.clone())
            .detail("owner", &*key.owner)
            .detail("prefix", key.prefix.clone())
    }

    /// Writes `row` into the first of the places `tag` has, in the order given, that is free or whose key is over.
    pub(super) async fn place(&self, tag: &str, row: &KeyRow, with: Vec<Change>) -> Result<Row, KeyError> {
        let now = self.now();
        let taken = self.index.keys(tag);
        for slot in 0..self.settings.per_owner {
            let name: Arc<str> = format!("key/{tag}/{slot:03}").into();
            let there = taken.iter().find(|found| found.entry.row.key == name);
            let expect = match there {
                None => Expect::Absent,
                Some(found) if found.entry.is_live(now) => continue,
                Some(found) => Expect::Value(found.entry.row.value.clone()),
            };
            let row = row.to_row(name);
            let mut changes = vec![Change::Put(row.clone(), expect)];
            changes.extend(with.iter().cloned());
            match self.state.commit(changes).await {
                Ok(()) => return Ok(row),
                // Another node took it.
                Err(CommitError::Conflict(..)) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(KeyError::TooMany)
    }

    /// What fills the store for good is refused; what is in it keeps working.
    pub(super) fn has_room(&self) -> Result<(), KeyError> {
        if self.index.len() < self.settings.total { Ok(()) } else { Err(KeyError::TooMany) }
    }

    pub(super) fn is_down(&self) -> Option<Duration> {
        match self.state.health() {
            Health::Down { since, .. } if since >= self.settings.stale => Some(since),
            _ => None,
        }
    }
}

/// A key could otherwise outlive its own revocation by minting another.
pub(super) fn may_manage(identity: &Identity) -> Result<(), KeyError> {
    let person = identity.kind == Kind::Person;
    let own = person && identity.proof == Proof::Token && identity.actor.is_none();
    if own { Ok(()) } else { Err(KeyError::TokenRequired) }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keys")
            .field("index", &self.index)
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}
