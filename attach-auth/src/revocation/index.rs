use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use attach_core::Identity;
use tokio::sync::watch;

use super::fact::Key;
use crate::clock::since_epoch;
use crate::state::{Change, Row, View};

/// The facts, by who is meant: a [`View`] of [`Table::FACTS`](crate::state::Table::FACTS).
///
/// Only what a row's key says decides, so that a row whose value cannot be read refuses all the same.
#[derive(Clone, Default)]
pub struct FactIndex(Arc<Inner>);

struct Inner {
    /// Saves the lock where nobody is revoked, which is nearly always.
    any: AtomicBool,
    facts: RwLock<Facts>,
    /// Counts what may refuse somebody who was let in before.
    revision: watch::Sender<u64>,
}

#[derive(Default)]
struct Facts(HashMap<Box<str>, Directory>);

/// What is known about the subjects of one directory.
#[derive(Default)]
struct Directory {
    users: Subjects,
    names: Subjects,
    sessions: Subjects,
    tokens: Subjects,
    clients: Subjects,
}

type Subjects = HashMap<Box<str>, Standing>;

/// What is known about one subject.
#[derive(Default)]
struct Standing {
    disabled: bool,
    /// Nearly always one.
    events: Vec<Event>,
}

/// What was issued up to `not_before` is refused up to `until`. Both in seconds since the epoch.
#[derive(Clone, Copy)]
struct Event {
    not_before: u64,
    until: u64,
}

impl FactIndex {
    /// No facts yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether any fact refuses `identity`. `now` is asked for seconds since the epoch where the answer depends on it.
    #[must_use]
    pub fn refuses(&self, identity: &Identity, now: impl Fn() -> u64) -> bool {
        self.0.any.load(Ordering::Acquire)
            && self.0.facts.read().unwrap_or_else(PoisonError::into_inner).refuses(identity, &now)
    }

    /// Changes whenever somebody may be refused who was not before.
    pub(super) fn subscribe(&self) -> watch::Receiver<u64> {
        self.0.revision.subscribe()
    }

    fn write(&self, with: impl FnOnce(&mut Facts)) {
        let mut facts = self.0.facts.write().unwrap_or_else(PoisonError::into_inner);
        with(&mut facts);
        self.0.any.store(!facts.0.is_empty(), Ordering::Release);
    }

    fn announce(&self) {
        self.0.revision.send_modify(|revision| *revision += 1);
    }
}

impl Facts {
    fn refuses(&self, identity: &Identity, now: &impl Fn() -> u64) -> bool {
        let Some(directory) = self.0.get(&*identity.directory) else { return false };
        let refused = |subjects: &Subjects, value: &str| {
            subjects.get(value).is_some_and(|standing| standing.refuses(identity, now))
        };
        // What cannot be lifted: a session that ended and a token that was withdrawn stay so, whenever it was issued.
        let over = |subjects: &Subjects, value: Option<&Arc<str>>| {
            value.and_then(|value| subjects.get(&**value)).is_some_and(|standing| standing.stands(now))
        };
        refused(&directory.users, &identity.id)
            || refused(&directory.users, &identity.subject)
            || (!directory.names.is_empty()
                && names(identity).any(|name| refused(&directory.names, &lowercase(name))))
            || identity.client_id.as_ref().is_some_and(|client| refused(&directory.clients, client))
            || over(&directory.sessions, identity.session_id.as_ref())
            || over(&directory.tokens, identity.token_id.as_ref())
    }

    fn put(&mut self, row: &Row) {
        let Some(key) = Key::parse(&row.key) else {
            tracing::error!("a fact about a caller has a key that this version cannot read");
            return;
        };
        if let Some(subjects) = self.0.entry(key.directory.into()).or_default().of(key.kind) {
            subjects.entry(key.subject.into()).or_default().put(key.not_before, row.expires_at);
        }
    }

    fn remove(&mut self, key: &str) {
        let Some(key) = Key::parse(key) else { return };
        let Some(directory) = self.0.get_mut(key.directory) else { return };
        let Some(subjects) = directory.of(key.kind) else { return };
        if subjects.get_mut(key.subject).is_some_and(|standing| standing.remove(key.not_before)) {
            subjects.remove(key.subject);
        }
        if directory.is_empty() {
            self.0.remove(key.directory);
        }
    }
}

impl Directory {
    fn of(&mut self, kind: &str) -> Option<&mut Subjects> {
        Some(match kind {
            "user" => &mut self.users,
            "name" => &mut self.names,
            "session" => &mut self.sessions,
            "token" => &mut self.tokens,
            "client" => &mut self.clients,
            _ => return None,
        })
    }

    fn is_empty(&self) -> bool {
        [&self.users, &self.names, &self.sessions, &self.tokens, &self.clients]
            .iter()
            .all(|map| map.is_empty())
    }
}

impl Standing {
    fn refuses(&self, identity: &Identity, now: &impl Fn() -> u64) -> bool {
        let issued_at = identity.issued_at.map(since_epoch);
        // What does not say when it was issued may have been issued before.
        let meets = |event: &Event| issued_at.is_none_or(|issued_at| issued_at <= event.not_before);
        self.disabled || self.events.iter().any(|event| meets(event) && event.until > now())
    }

    /// Whether there is anything at all that has not expired.
    fn stands(&self, now: &impl Fn() -> u64) -> bool {
        self.disabled || self.events.iter().any(|event| event.until > now())
    }

    fn put(&mut self, not_before: Option<u64>, until: Option<u64>) {
        let Some(not_before) = not_before else {
            self.disabled = true;
            return;
        };
        self.remove(Some(not_before));
        self.events.push(Event { not_before, until: until.unwrap_or(u64::MAX) });
    }

    /// Whether nothing is left.
    fn remove(&mut self, not_before: Option<u64>) -> bool {
        match not_before {
            None => self.disabled = false,
            Some(time) => self.events.retain(|event| event.not_before != time),
        }
        !self.disabled && self.events.is_empty()
    }
}

/// Everything about a caller that a directory might call a name.
fn names(identity: &Identity) -> impl Iterator<Item = &str> {
    [identity.email.as_ref(), identity.user_name.as_ref(), Some(&identity.subject)]
        .into_iter()
        .flatten()
        .map(|name| &**name)
}

/// Names mostly are in lower case: no copy for those.
fn lowercase(name: &str) -> Cow<'_, str> {
    if name.bytes().all(|byte| byte.is_ascii() && !byte.is_ascii_uppercase()) {
        Cow::Borrowed(name)
    } else {
        Cow::Owned(name.to_lowercase())
    }
}

impl View for FactIndex {
    fn reset(&self, rows: &mut dyn Iterator<Item = &Row>) {
        let mut fresh = Facts::default();
        rows.for_each(|row| fresh.put(row));
        self.write(|facts| *facts = fresh);
        self.announce();
    }

    fn apply(&self, change: &Change) {
        match change {
            Change::Put(row, _) => {
                self.write(|facts| facts.put(row));
                self.announce();
            }
            Change::Remove(_, key) => self.write(|facts| facts.remove(key)),
        }
    }
}

impl Default for Inner {
    fn default() -> Self {
        Self { any: AtomicBool::new(false), facts: RwLock::default(), revision: watch::Sender::new(0) }
    }
}

impl fmt::Debug for FactIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FactIndex").field("any", &self.0.any.load(Ordering::Acquire)).finish()
    }
}
