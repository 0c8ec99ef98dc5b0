use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use arc_swap::ArcSwapOption;
use serde::de::DeserializeOwned;

use super::entry::{Entry, Service, Standing, Used};
use super::rows::{KeyRow, OwnerRow, ServiceRow, UsedRow, service_tag};
use super::secret::Hash;
use crate::state::{Change, Row, View};

/// Keys by the hash of their secrets: a [`View`] of [`Table::KEYS`](crate::state::Table::KEYS).
#[derive(Clone, Default)]
pub struct KeyIndex(Arc<RwLock<Maps>>);

#[derive(Default)]
struct Maps {
    keys: BTreeMap<Arc<str>, Arc<Entry>>,
    by_hash: HashMap<Hash, Arc<Entry>>,
    owners: HashMap<Arc<str>, Arc<Standing>>,
    by_id: HashMap<(Arc<str>, Arc<str>), Arc<Standing>>,
    services: BTreeMap<Arc<str>, Arc<Service>>,
    used: HashMap<Box<str>, Arc<Used>>,
}

/// Who a secret is of.
pub(super) struct Found {
    pub(super) entry: Arc<Entry>,
    pub(super) standing: Option<Arc<Standing>>,
    pub(super) service: Option<Arc<Service>>,
}

impl KeyIndex {
    /// No keys yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    pub(super) fn find(&self, hash: &Hash) -> Option<Found> {
        let maps = self.read();
        Some(maps.found(maps.by_hash.get(hash)?))
    }

    /// The keys in the places of `tag`; of all owners if it is empty.
    pub(super) fn keys(&self, tag: &str) -> Vec<Found> {
        let maps = self.read();
        let prefix = if tag.is_empty() { "key/".to_owned() } else { format!("key/{tag}/") };
        let from = maps.keys.range(Arc::from(&*prefix)..);
        from.take_while(|(key, _)| key.starts_with(&prefix)).map(|(_, entry)| maps.found(entry)).collect()
    }

    pub(super) fn standing(&self, directory: &Arc<str>, id: &Arc<str>) -> Option<Arc<Standing>> {
        let maps = self.read();
        if maps.by_id.is_empty() {
            return None;
        }
        maps.by_id.get(&(Arc::clone(directory), Arc::clone(id))).cloned()
    }

    pub(super) fn standings(&self) -> Vec<Arc<Standing>> {
        self.read().owners.values().cloned().collect()
    }

    pub(super) fn service(&self, directory: &str, name: &str) -> Option<Arc<Service>> {
        let row = format!("service/{}", service_tag(directory, name));
        self.read().services.get(row.as_str()).cloned()
    }

    pub(super) fn services(&self) -> Vec<Arc<Service>> {
        let mut services: Vec<_> = self.read().services.values().cloned().collect();
        services.sort_by(|a, b| {
            (&a.service.directory, &a.service.name).cmp(&(&b.service.directory, &b.service.name))
        });
        services
    }

    /// How many keys and service identities there are.
    pub(super) fn len(&self) -> usize {
        let maps = self.read();
        maps.keys.len() + maps.services.len()
    }

    fn read(&self) -> RwLockReadGuard<'_, Maps> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Maps {
    fn found(&self, entry: &Arc<Entry>) -> Found {
        Found {
            entry: Arc::clone(entry),
            standing: self.owners.get(&entry.owner).cloned(),
            service: self.services.get(&entry.owner).cloned(),
        }
    }

    fn put(&mut self, row: &Row) {
        let known = match row.key.split_once('/') {
            Some(("key", _)) => self.put_key(row),
            Some(("owner", _)) => self.put_owner(row),
            Some(("service", _)) => self.put_service(row),
            Some(("used", id)) => self.put_used(id, row),
            _ => None,
        };
        if known.is_none() {
            // Fail closed: a row of a later version may say that a key is over.
            tracing::error!("a row about gateway keys cannot be read; the key is refused");
            self.remove(&row.key);
        }
    }

    fn put_key(&mut self, row: &Row) -> Option<()> {
        let key: KeyRow = parse(row)?;
        let hash = Hash::from_hex(&key.hash)?;
        let used = self.used(&key.id);
        self.remove(&row.key);
        self.used.insert(key.id.clone(), Arc::clone(&used));
        let owner = format!("{}/{}", if key.service { "service" } else { "owner" }, key.tag());
        let entry = Arc::new(Entry {
            row: row.clone(),
            owner: owner.into(),
            used,
            identity: ArcSwapOption::empty(),
            key,
        });
        self.by_hash.insert(hash, Arc::clone(&entry));
        self.keys.insert(Arc::clone(&row.key), entry);
        Some(())
    }

    fn put_owner(&mut self, row: &Row) -> Option<()> {
        let owner: OwnerRow = parse(row)?;
        if let Some(standing) = self.owners.get(&row.key) {
            standing.merge(row, owner);
            return Some(());
        }
        let id = (Arc::clone(&owner.directory), Arc::clone(&owner.id));
        let standing = Arc::new(Standing::new(row, owner));
        self.by_id.insert(id, Arc::clone(&standing));
        self.owners.insert(Arc::clone(&row.key), standing);
        Some(())
    }

    fn put_service(&mut self, row: &Row) -> Option<()> {
        let service: ServiceRow = parse(row)?;
        let used = self.used(&service_tag(&service.directory, &service.name));
        self.services.insert(Arc::clone(&row.key), Arc::new(Service { row: row.clone(), service, used }));
        Some(())
    }

    fn put_used(&mut self, id: &str, row: &Row) -> Option<()> {
        let used: UsedRow = parse(row)?;
        self.used(id).store(used.at);
        Some(())
    }

    fn used(&mut self, id: &str) -> Arc<Used> {
        Arc::clone(self.used.entry(id.into()).or_default())
    }

    fn remove(&mut self, key: &str) {
        if let Some(entry) = self.keys.remove(key) {
            if let Some(hash) = Hash::from_hex(&entry.key.hash) {
                self.by_hash.remove(&hash);
            }
            self.used.remove(&entry.key.id);
        }
        if let Some(standing) = self.owners.remove(key) {
            let (_, owner) = &**standing.stored.load();
            self.by_id.remove(&(Arc::clone(&owner.directory), Arc::clone(&owner.id)));
        }
        self.services.remove(key);
        if let Some(id) = key.strip_prefix("used/") {
            self.used.remove(id);
        }
    }
}

fn parse<T: DeserializeOwned>(row: &Row) -> Option<T> {
    serde_json::from_slice(&row.value).ok()
}

impl View for KeyIndex {
    fn reset(&self, rows: &mut dyn Iterator<Item = &Row>) {
        let mut maps = Maps::default();
        rows.for_each(|row| maps.put(row));
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = maps;
    }

    fn apply(&self, change: &Change) {
        let mut maps = self.0.write().unwrap_or_else(PoisonError::into_inner);
        match change {
            Change::Put(row, _) => maps.put(row),
            Change::Remove(_, key) => maps.remove(key),
        }
    }
}

impl fmt::Debug for KeyIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyIndex").field("keys", &self.len()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::mint::fresh;
    use crate::keys::rows::Grant;
    use crate::state::Table;

    fn key() -> (KeyRow, Hash) {
        let made = fresh(&"acme".into(), &"alice".into(), "ide".into(), Grant::default());
        let (key, secret) = made.expect("randomness");
        (key, secret.hash())
    }

    #[test]
    fn a_row_that_cannot_be_read_takes_its_key_away() {
        let (index, (key, hash)) = (KeyIndex::new(), key());
        index.apply(&Change::put(key.to_row("key/a/000")));
        assert!(index.find(&hash).is_some());
        index.apply(&Change::put(Row::new(Table::KEYS, "key/a/000", "{\"v\":2}")));
        assert!(index.find(&hash).is_none());
        assert_eq!(index.len(), 0);
    }

    #[test]
    fn the_key_that_takes_a_place_leaves_nothing_of_the_one_before() {
        let (index, (old, old_hash), (new, new_hash)) = (KeyIndex::new(), key(), key());
        index.apply(&Change::put(old.to_row("key/a/000")));
        index.apply(&Change::put(new.to_row("key/a/000")));
        assert!(index.find(&old_hash).is_none() && index.find(&new_hash).is_some());
        index.apply(&Change::remove(Table::KEYS, "key/a/000"));
        assert!(index.find(&new_hash).is_none() && index.read().used.is_empty());
    }

    #[test]
    fn a_revoked_key_remembers_its_last_use() {
        let (index, (mut key, hash)) = (KeyIndex::new(), key());
        index.apply(&Change::put(key.to_row("key/a/000")));
        index.find(&hash).expect("a key").entry.used.touch(7);
        key.revoked = Some(8);
        index.apply(&Change::put(key.to_row("key/a/000")));
        assert_eq!(index.find(&hash).expect("a key").entry.used.seconds(), 7);
    }
}
