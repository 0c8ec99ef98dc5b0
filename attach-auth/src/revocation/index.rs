use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::SystemTime;

use attach_core::Identity;

use super::{Effect, Fact, Subject};
use crate::state::{Change, Row, View};

/// The facts, by who is meant: a [`View`] of [`Table::FACTS`](crate::state::Table::FACTS).
#[derive(Clone, Default)]
pub struct FactIndex(Arc<RwLock<Facts>>);

#[derive(Default)]
struct Facts(HashMap<(Arc<str>, Subject), Standing>);

/// What is known about one subject.
#[derive(Debug, Clone, Copy, Default)]
struct Standing {
    disabled: bool,
    not_before: Option<SystemTime>,
}

impl FactIndex {
    /// No facts yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether any fact refuses `identity`.
    pub(super) fn refuses(&self, identity: &Identity) -> bool {
        let facts = self.0.read().unwrap_or_else(PoisonError::into_inner);
        !facts.0.is_empty() && facts.refuses(identity)
    }
}

impl Facts {
    fn refuses(&self, identity: &Identity) -> bool {
        let refused = |subject| {
            let standing = self.0.get(&(Arc::clone(&identity.directory), subject));
            standing.is_some_and(|standing| standing.refuses(identity.issued_at))
        };
        // What cannot be lifted: a session that ended and a token that was withdrawn stay so, whenever it was issued.
        let over = |subject| self.0.contains_key(&(Arc::clone(&identity.directory), subject));
        let own = Arc::clone;
        refused(Subject::User(own(&identity.id)))
            || refused(Subject::User(own(&identity.subject)))
            || names(identity).any(|name| refused(Subject::name(name)))
            || identity.client_id.as_ref().is_some_and(|client| refused(Subject::Client(own(client))))
            || identity.session_id.as_ref().is_some_and(|session| over(Subject::Session(own(session))))
            || identity.token_id.as_ref().is_some_and(|token| over(Subject::Token(own(token))))
    }

    fn change(&mut self, key: &str, with: impl FnOnce(&mut Standing, &str)) {
        let Some((directory, subject, effect)) = Fact::of_key(key) else { return };
        let subject = (Arc::from(directory), subject);
        let standing = self.0.entry(subject.clone()).or_default();
        with(standing, effect);
        if !standing.disabled && standing.not_before.is_none() {
            self.0.remove(&subject);
        }
    }

    fn put(&mut self, row: &Row) {
        let Some(fact) = Fact::of_row(row) else {
            // Fail closed: a row of a later version that we cannot read still means that somebody was refused.
            tracing::error!("a fact about a caller cannot be read; the caller is refused");
            return self.change(&row.key, |standing, _| standing.disabled = true);
        };
        self.change(&row.key, |standing, _| match fact.effect {
            Effect::NotBefore(time) => standing.not_before = Some(time),
            Effect::Disabled | Effect::Enabled => standing.disabled = true,
        });
    }
}

impl Standing {
    fn refuses(self, issued_at: Option<SystemTime>) -> bool {
        let before = |time| issued_at.is_none_or(|issued_at| issued_at <= time);
        self.disabled || self.not_before.is_some_and(before)
    }
}

/// Everything about a caller that a directory might call a name.
fn names(identity: &Identity) -> impl Iterator<Item = &str> {
    [&identity.email, &identity.user_name]
        .into_iter()
        .flatten()
        .chain([&identity.subject])
        .map(|name| &**name)
}

impl View for FactIndex {
    fn reset(&self, rows: &mut dyn Iterator<Item = &Row>) {
        let mut facts = Facts::default();
        rows.for_each(|row| facts.put(row));
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = facts;
    }

    fn apply(&self, change: &Change) {
        let mut facts = self.0.write().unwrap_or_else(PoisonError::into_inner);
        match change {
            Change::Put(row, _) => facts.put(row),
            Change::Remove(_, key) => facts.change(key, |standing, effect| match effect {
                "not_before" => standing.not_before = None,
                _ => standing.disabled = false,
            }),
        }
    }
}

impl fmt::Debug for FactIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let facts = self.0.read().unwrap_or_else(PoisonError::into_inner);
        f.debug_struct("FactIndex").field("subjects", &facts.0.len()).finish()
    }
}
