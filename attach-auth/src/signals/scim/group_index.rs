use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use serde_json::Value;

use super::attribute::{Object, get, text};
use super::stored;
use crate::state::{Change, Row, View};

/// The groups, by who is in them.
#[derive(Clone, Default)]
pub(super) struct GroupIndex(Arc<RwLock<Groups>>);

#[derive(Default)]
pub(super) struct Groups {
    /// By directory and id.
    groups: BTreeMap<Key, Entry>,
    /// The groups' ids, by directory and member.
    of: HashMap<Key, Vec<Arc<str>>>,
}

/// A directory, and an id in it.
type Key = (Arc<str>, Arc<str>);

struct Entry {
    name: Arc<str>,
    members: Vec<Arc<str>>,
}

impl GroupIndex {
    pub(super) fn read(&self) -> RwLockReadGuard<'_, Groups> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Groups {
    /// The names of the groups that the user `member` is in.
    pub(super) fn of(&self, directory: &Arc<str>, member: &Arc<str>) -> impl Iterator<Item = &Arc<str>> {
        let ids = self.of.get(&(Arc::clone(directory), Arc::clone(member)));
        let directory = Arc::clone(directory);
        ids.into_iter()
            .flatten()
            .filter_map(move |id| self.groups.get(&(Arc::clone(&directory), Arc::clone(id))))
            .map(|group| &group.name)
    }

    /// The ids of a directory's groups, the oldest first, and their names.
    pub(super) fn all(&self, directory: &str) -> impl Iterator<Item = (&Arc<str>, &Arc<str>)> {
        let directory: Arc<str> = directory.into();
        let from = self.groups.range((Arc::clone(&directory), Arc::from(""))..);
        from.take_while(move |((of, _), _)| *of == directory).map(|((_, id), group)| (id, &group.name))
    }

    fn put(&mut self, key: &str, group: Option<&Object>) {
        let Some((directory, id)) = stored::split(key) else { return };
        if let Some(before) = self.groups.remove(&(Arc::clone(&directory), Arc::clone(&id))) {
            for member in before.members {
                let member = (Arc::clone(&directory), member);
                if let Some(groups) = self.of.get_mut(&member) {
                    groups.retain(|group| *group != id);
                    if groups.is_empty() {
                        self.of.remove(&member);
                    }
                }
            }
        }
        let Some(group) = group else { return };
        let members = get(group, "members").and_then(Value::as_array).into_iter().flatten();
        let members: Vec<Arc<str>> =
            members.filter_map(|member| text(member.as_object()?, "value")).map(Into::into).collect();
        for member in &members {
            self.of.entry((Arc::clone(&directory), Arc::clone(member))).or_default().push(Arc::clone(&id));
        }
        let name = text(group, "displayName").unwrap_or_default().into();
        self.groups.insert((directory, id), Entry { name, members });
    }
}

impl View for GroupIndex {
    fn reset(&self, rows: &mut dyn Iterator<Item = &Row>) {
        let mut groups = Groups::default();
        rows.for_each(|row| groups.put(&row.key, Some(&stored::read(row))));
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = groups;
    }

    fn apply(&self, change: &Change) {
        let mut groups = self.0.write().unwrap_or_else(PoisonError::into_inner);
        match change {
            Change::Put(row, _) => groups.put(&row.key, Some(&stored::read(row))),
            Change::Remove(_, key) => groups.put(key, None),
        }
    }
}
