use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use super::attribute::Object;
use super::names::Names;
use super::stored;
use crate::revocation::Subject;
use crate::state::{Change, Row, View};

/// The users, by what they are called.
#[derive(Clone, Default)]
pub(super) struct UserIndex(Arc<RwLock<Users>>);

#[derive(Default)]
pub(super) struct Users {
    /// By directory and id.
    users: BTreeMap<(Arc<str>, Arc<str>), Names>,
    called: HashMap<(Arc<str>, Subject), BTreeSet<Arc<str>>>,
    count: HashMap<Arc<str>, usize>,
}

impl UserIndex {
    pub(super) fn read(&self) -> RwLockReadGuard<'_, Users> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Users {
    /// The users of `directory` who are called so.
    pub(super) fn called<'u>(
        &'u self,
        directory: &str,
        subject: &Subject,
    ) -> impl Iterator<Item = &'u Names> + use<'u> {
        let directory: Arc<str> = directory.into();
        let ids = self.called.get(&(Arc::clone(&directory), subject.clone()));
        ids.into_iter()
            .flatten()
            .filter_map(move |id| self.users.get(&(Arc::clone(&directory), Arc::clone(id))))
    }

    /// The ids of a directory's users, the oldest first.
    pub(super) fn ids(&self, directory: &str) -> impl Iterator<Item = &Arc<str>> {
        let directory: Arc<str> = directory.into();
        let from = self.users.range((Arc::clone(&directory), Arc::from(""))..);
        from.take_while(move |((of, _), _)| *of == directory).map(|((_, id), _)| id)
    }

    pub(super) fn count(&self, directory: &str) -> usize {
        self.count.get(directory).copied().unwrap_or(0)
    }

    fn put(&mut self, key: &str, user: Option<&Object>) {
        let Some((directory, id)) = stored::split(key) else { return };
        if let Some(names) = self.users.remove(&(Arc::clone(&directory), Arc::clone(&id))) {
            for subject in names.subjects() {
                let called = (Arc::clone(&directory), subject);
                if let Some(ids) = self.called.get_mut(&called) {
                    ids.remove(&id);
                    if ids.is_empty() {
                        self.called.remove(&called);
                    }
                }
            }
            self.count.entry(Arc::clone(&directory)).and_modify(|count| *count = count.saturating_sub(1));
        }
        let Some(user) = user else { return };
        let names = Names::of(&id, user);
        for subject in names.subjects() {
            self.called.entry((Arc::clone(&directory), subject)).or_default().insert(Arc::clone(&id));
        }
        *self.count.entry(Arc::clone(&directory)).or_default() += 1;
        self.users.insert((directory, id), names);
    }
}

impl View for UserIndex {
    fn reset(&self, rows: &mut dyn Iterator<Item = &Row>) {
        let mut users = Users::default();
        rows.for_each(|row| users.put(&row.key, Some(&stored::read(row))));
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = users;
    }

    fn apply(&self, change: &Change) {
        let mut users = self.0.write().unwrap_or_else(PoisonError::into_inner);
        match change {
            Change::Put(row, _) => users.put(&row.key, Some(&stored::read(row))),
            Change::Remove(_, key) => users.put(key, None),
        }
    }
}
