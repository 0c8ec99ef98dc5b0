//! Creating, changing and deleting resources: audited, and together with what it means for callers.

use std::sync::Arc;

use http::HeaderMap;
use http::header::{IF_MATCH, IF_NONE_MATCH};
use uuid::Uuid;

use super::attribute::{Object, get};
use super::collection::Collection;
use super::error::ScimError;
use super::limits::ScimLimits;
use super::names::{self, Names};
use super::stored::{Stored, key};
use crate::Event;
use crate::signals::desk::{Signals, Undone};
use crate::signals::{SignalCredential, SignalKind};
use crate::state::{Change, Expect, Row, Table};

/// How often a change is tried that meets those of other nodes.
const ATTEMPTS: usize = 10;

/// One directory's resources of one kind.
pub(super) struct Store<'s> {
    pub(super) signals: &'s Signals,
    pub(super) caller: &'s SignalCredential,
    pub(super) collection: Collection,
    pub(super) limits: ScimLimits,
}

impl Store<'_> {
    pub(super) fn load(&self, id: &str) -> Result<Stored, ScimError> {
        let row = self.signals.state().get(self.collection.table(), &key(self.directory(), id));
        row.map(|row| Stored::of(&row, id)).ok_or_else(ScimError::not_found)
    }

    pub(super) async fn create(&self, object: Object) -> Result<Stored, ScimError> {
        let object = self.collection.tidy(object, self.limits)?;
        if self.collection.is_full(self.signals.provisioned(), self.directory(), self.limits) {
            return Err(ScimError::full("the directory has as many resources as it may have"));
        }
        let id = Uuid::now_v7().simple().to_string();
        let after = self.names(&id, &object);
        if after
            .as_ref()
            .is_some_and(|names| self.signals.state().get(Table::ONCE, &self.unique(names)).is_some())
        {
            return Err(ScimError::uniqueness());
        }
        let row = Stored::row(self.collection, &key(self.directory(), &id), object, None, self.signals.now());
        let stored = Stored::of(&row, &id);
        let mut changes = vec![Change::insert(row)];
        changes.extend(self.consequences(None, after.as_ref()));
        let [action, ..] = self.collection.actions();
        self.act(action, &id, (None, after.as_ref()), changes).await?.map_err(|_| ScimError::uniqueness())?;
        Ok(stored)
    }

    /// Changes a resource as `change` has it, again if another change comes between.
    pub(super) async fn update(
        &self,
        id: &str,
        headers: &HeaderMap,
        change: impl Fn(Object) -> Result<Object, ScimError>,
    ) -> Result<Stored, ScimError> {
        let _turn = self.signals.turn(&key(self.directory(), id)).await;
        for _ in 0..ATTEMPTS {
            let mut news = self.signals.state().subscribe();
            let before = self.load(id)?;
            check(headers, &before)?;
            let object = self.collection.tidy(change(before.object.clone())?, self.limits)?;
            let (was, is) = (self.names(id, &before.object), self.names(id, &object));
            let key = key(self.directory(), id);
            let row = Stored::row(self.collection, &key, object, before.created(), self.signals.now());
            let stored = Stored::of(&row, id);
            let mut changes = vec![Change::Put(row, Expect::Value(before.bytes.clone()))];
            changes.extend(self.consequences(was.as_ref(), is.as_ref()));
            let [_, action, _] = self.collection.actions();
            match self.act(action, id, (was.as_ref(), is.as_ref()), changes).await? {
                Ok(()) => return Ok(stored),
                Err(Table::ONCE) => return Err(ScimError::uniqueness()),
                // What came between is on its way here.
                Err(_) => news.changed().await.map_err(|_| ScimError::unavailable())?,
            }
        }
        Err(ScimError::unavailable())
    }

    /// Deletes a resource. Whoever it was stays disabled, until somebody of the same name is provisioned.
    pub(super) async fn delete(&self, id: &str, headers: &HeaderMap) -> Result<(), ScimError> {
        let _turn = self.signals.turn(&key(self.directory(), id)).await;
        for _ in 0..ATTEMPTS {
            let mut news = self.signals.state().subscribe();
            let before = self.load(id)?;
            check(headers, &before)?;
            let was = self.names(id, &before.object);
            let key = key(self.directory(), id);
            // Rows are removed whatever they are: what is there is confirmed first, in the same commit.
            let same = Row::new(self.collection.table(), key.as_str(), before.bytes.clone());
            let mut changes = vec![
                Change::Put(same, Expect::Value(before.bytes)),
                Change::remove(self.collection.table(), key),
            ];
            changes.extend(self.consequences(was.as_ref(), None));
            let [.., action] = self.collection.actions();
            if self.act(action, id, (was.as_ref(), None), changes).await?.is_ok() {
                return Ok(());
            }
            news.changed().await.map_err(|_| ScimError::unavailable())?;
        }
        Err(ScimError::unavailable())
    }

    fn names(&self, id: &str, object: &Object) -> Option<Names> {
        (self.collection == Collection::Users).then(|| Names::of(id, object))
    }

    /// What changes beside the resource itself: whose the user name is, and who may go on.
    fn consequences(&self, before: Option<&Names>, after: Option<&Names>) -> Vec<Change> {
        let name = |names: Option<&Names>| names.map(|names| self.unique(names));
        let (old, new) = (name(before), name(after));
        let mut changes = Vec::new();
        if old != new {
            changes.extend(old.map(|key| Change::remove(Table::ONCE, key)));
            let id = after.map(|names| names.id.to_string()).unwrap_or_default();
            changes.extend(new.map(|key| Change::insert(Row::new(Table::ONCE, key, id))));
        }
        let facts = names::facts(self.signals, self.caller.directory(), before, after);
        changes.extend(self.signals.revocations().changes(&facts));
        changes
    }

    /// The row that a user name has to itself.
    fn unique(&self, names: &Names) -> String {
        format!("scim-user\n{}\n{}", self.directory(), names.user_name.to_lowercase())
    }

    /// The inner error is the table in which something was not as it was thought to be.
    async fn act(
        &self,
        action: &'static str,
        id: &str,
        (before, after): (Option<&Names>, Option<&Names>),
        changes: Vec<Change>,
    ) -> Result<Result<(), Table>, ScimError> {
        let names = after.or(before);
        let target = names.and_then(|names| names.external_id.as_deref()).filter(|id| !id.contains('@'));
        let mut event = Event::new(action, &**self.caller.name())
            .directory(Arc::clone(self.caller.directory()))
            .target(target.unwrap_or(id))
            .detail("id", id);
        if names.is_some() {
            let active = |names: Option<&Names>| names.is_some_and(|names| names.active).to_string();
            event = event.detail("was_active", active(before)).detail("active", active(after));
        }
        match self.signals.act(SignalKind::Scim, event, changes).await {
            Ok(()) => Ok(Ok(())),
            Err(Undone::Conflict(table)) => Ok(Err(table)),
            Err(Undone::Unavailable) => Err(ScimError::unavailable()),
        }
    }

    fn directory(&self) -> &str {
        self.caller.directory()
    }
}

/// Holds `If-Match` and `If-None-Match` against what is stored (RFC 7644 §3.14).
fn check(headers: &HeaderMap, stored: &Stored) -> Result<(), ScimError> {
    let version = stored.version();
    let names = |value: &http::HeaderValue| {
        let mut listed = value.to_str().unwrap_or_default().split(',').map(str::trim);
        listed.any(|one| one == "*" || one == version)
    };
    let lost = headers.get(IF_MATCH).is_some_and(|value| !names(value));
    let same = headers.get(IF_NONE_MATCH).is_some_and(names);
    if lost || same { Err(ScimError::precondition()) } else { Ok(()) }
}

/// What replaces a resource: `active` stays what it was where nothing is said about it, and so does the id that the
/// directory gave the user, by which tokens name them.
pub(super) fn replacement(mut new: Object, before: &Object) -> Object {
    for name in ["active", "externalId"] {
        if get(&new, name).is_none()
            && let Some(value) = before.get(name)
        {
            new.insert(name.to_owned(), value.clone());
        }
    }
    new
}
