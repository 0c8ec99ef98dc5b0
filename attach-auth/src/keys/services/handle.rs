use std::sync::Arc;
use std::time::Duration;

use super::checked::checked;
use super::standing::state;
use super::{NewService, Owners, ServiceIdentity, ServiceState};
use crate::Event;
use crate::keys::entry::Service;
use crate::keys::mint::fresh;
use crate::keys::rows::{Grant, ServiceRow, row, service_tag};
use crate::keys::time::moment;
use crate::keys::verify::service_id;
use crate::keys::{Key, KeyError, Keys, Secret};
use crate::state::{Change, CommitError, Expect};

/// How many keys of one service work at once: the one in use and the one it is exchanged for.
const KEYS: usize = 2;

/// Creates, lists, disables and exports service identities, for administrators.
///
/// Cheap to clone. [`sweep`](Self::sweep) has to be called by a timer.
#[derive(Debug, Clone)]
pub struct Services {
    pub(super) keys: Keys,
}

impl Services {
    /// Service identities whose keys are among `keys`.
    #[must_use]
    pub fn new(keys: Keys) -> Self {
        Self { keys }
    }

    /// Every service identity, by directory and name; those that are over for a month are left out.
    #[must_use]
    pub fn list(&self) -> Vec<ServiceIdentity> {
        let now = self.keys.now();
        self.keys.index.services().iter().map(|service| self.show(service, now)).collect()
    }

    /// One service identity.
    #[must_use]
    pub fn get(&self, directory: &str, name: &str) -> Option<ServiceIdentity> {
        let service = self.keys.index.service(directory, name)?;
        Some(self.show(&service, self.keys.now()))
    }

    /// Creates a service identity without a key; [`rotate`](Self::rotate) makes one. `actor` is the administrator.
    ///
    /// # Errors
    ///
    /// When there is one of that name, what is asked for makes no sense, or it cannot be recorded.
    pub async fn create(&self, actor: &str, new: NewService) -> Result<ServiceIdentity, KeyError> {
        let (keys, now) = (&self.keys, self.keys.now());
        let expires = keys.expiry(now, new.expires_in, keys.settings.service_lifetime)?;
        let service = checked(actor, new, now, expires)?;
        keys.has_room()?;
        let (directory, name) = (Arc::clone(&service.directory), Arc::clone(&service.name));
        if keys.index.service(&directory, &name).is_some() {
            return Err(KeyError::Exists);
        }
        let event = event("service.create", actor, &service);
        keys.record(event.detail("purpose", service.purpose.clone())).await?;
        let row = row(format!("service/{}", service_tag(&directory, &name)), &service, expires);
        match keys.state.commit(vec![Change::insert(row)]).await {
            Err(CommitError::Conflict(..)) => Err(KeyError::Exists),
            done => {
                done?;
                self.get(&directory, &name).ok_or(KeyError::NotFound)
            }
        }
    }

    /// Makes a key for a service. The one before keeps working until the next rotation, for the exchange; the one
    /// before that stops. The secret is shown this once.
    ///
    /// # Errors
    ///
    /// When there is no such service, it is not active, or it cannot be recorded.
    pub async fn rotate(&self, actor: &str, directory: &str, name: &str) -> Result<(Key, Secret), KeyError> {
        let (keys, now) = (&self.keys, self.keys.now());
        let service = self.find(directory, name)?;
        if state(keys, &service, now) != ServiceState::Active {
            return Err(KeyError::NotActive);
        }
        let row = &service.service;
        let (mut key, secret) = fresh(&row.directory, &row.name, row.name.as_ref().into(), Grant::default())?;
        (key.service, key.created, key.expires) = (true, now, row.expires);
        keys.record(keys.event("service.rotate", actor, &key)).await?;
        let tag = service_tag(directory, name);
        let held = keys.index.keys(&tag);
        let place = |slot| -> Arc<str> { format!("key/{tag}/{slot:03}").into() };
        let there = |slot| held.iter().find(|found| found.entry.row.key == place(slot));
        // A place that is free or whose key is over comes before that of the older key.
        let rank = |slot: &usize| {
            there(*slot)
                .filter(|found| found.entry.is_live(now))
                .map_or((0, 0), |found| (1, found.entry.key.created))
        };
        let slot = (0..KEYS).min_by_key(rank).unwrap_or(0);
        let expect = there(slot).map_or(Expect::Absent, |found| Expect::Value(found.entry.row.value.clone()));
        keys.state.commit(vec![Change::Put(key.to_row(place(slot)), expect)]).await?;
        let found = keys.find(&secret.hash()).ok_or(KeyError::NotFound)?;
        Ok((found.entry.show(None), secret))
    }

    /// Stops a service at once, on every node.
    ///
    /// # Errors
    ///
    /// When there is no such service, or it cannot be recorded.
    pub async fn disable(&self, actor: &str, directory: &str, name: &str) -> Result<(), KeyError> {
        self.stop(actor, &*self.find(directory, name)?, ServiceState::Disabled).await
    }

    /// Lets a service work again, and for as long as `expires_in` if that is given. Idleness counts from now.
    ///
    /// # Errors
    ///
    /// When there is no such service, its time is over and stays so, or it cannot be recorded.
    pub async fn enable(
        &self,
        actor: &str,
        (directory, name): (&str, &str),
        expires_in: Option<Duration>,
    ) -> Result<(), KeyError> {
        let (keys, now) = (&self.keys, self.keys.now());
        let service = self.find(directory, name)?;
        let expires = match expires_in {
            Some(lifetime) => keys.expiry(now, lifetime, keys.settings.service_lifetime)?,
            None if now >= service.service.expires => return Err(KeyError::NotActive),
            None => service.service.expires,
        };
        let enabled = ServiceRow { disabled: None, since: now, expires, ..service.service.clone() };
        keys.record(event("service.enable", actor, &enabled)).await?;
        self.write(&service, &enabled).await
    }

    pub(super) async fn stop(
        &self,
        actor: &str,
        service: &Service,
        state: ServiceState,
    ) -> Result<(), KeyError> {
        let stopped = ServiceRow { disabled: Some(state.as_str().into()), ..service.service.clone() };
        let event = event("service.disable", actor, &stopped).detail("because", state.as_str());
        self.keys.record(event).await?;
        self.write(service, &stopped).await
    }

    async fn write(&self, service: &Service, now: &ServiceRow) -> Result<(), KeyError> {
        let row = row(Arc::clone(&service.row.key), now, now.expires);
        let change = Change::Put(row, Expect::Value(service.row.value.clone()));
        Ok(self.keys.state.commit(vec![change]).await?)
    }

    fn find(&self, directory: &str, name: &str) -> Result<Arc<Service>, KeyError> {
        self.keys.index.service(directory, name).ok_or(KeyError::NotFound)
    }

    fn show(&self, service: &Service, now: u64) -> ServiceIdentity {
        let row = &service.service;
        let held = self.keys.index.keys(&service_tag(&row.directory, &row.name));
        let live = held.iter().filter(|found| found.entry.is_live(now));
        let owners = match &row.group {
            Some(group) => Owners::Group(group.clone()),
            None => Owners::People(row.people.clone()),
        };
        ServiceIdentity {
            directory: Arc::clone(&row.directory),
            name: Arc::clone(&row.name),
            purpose: row.purpose.clone(),
            owners,
            groups: row.grant.groups.clone().unwrap_or_default(),
            scopes: row.grant.scopes.clone(),
            limits: row.grant.limits(),
            created_at: moment(row.created),
            created_by: row.created_by.clone(),
            expires_at: moment(row.expires),
            last_used_at: service.used.at(),
            state: state(&self.keys, service, now),
            keys: live.map(|found| found.entry.show(None)).collect(),
        }
    }
}

fn event(action: &'static str, actor: &str, service: &ServiceRow) -> Event {
    let target: Box<str> = (*service_id(&service.name)).into();
    let event = Event::new(action, actor).directory(Arc::clone(&service.directory)).target(target);
    event.detail("expires", service.expires.to_string())
}
