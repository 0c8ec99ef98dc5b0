use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use attach_core::identity::{Kind, Limits};
use attach_core::{Api, Identity};

use super::handle::may_manage;
use super::rows::{Grant, KeyRow, OwnerRow, owner_tag, row};
use super::secret::{Secret, random};
use super::time::seconds;
use super::{Key, KeyError, Keys, NewKey};
use crate::policy::ModelGlob;
use crate::state::Change;

/// How long lists of groups, scopes, models and operations may be.
const ENTRIES: usize = 100;
/// How long one of their entries may be, in bytes.
const ENTRY: usize = 256;

impl Keys {
    /// Mints a key with at most the rights of `owner`. The secret is shown this once: it is kept nowhere.
    ///
    /// # Errors
    ///
    /// When `owner` showed a key or is spoken for, asks for what is not theirs or makes no sense, has too many keys,
    /// or it cannot be recorded.
    pub async fn mint(&self, owner: &Identity, new: NewKey) -> Result<(Key, Secret), KeyError> {
        may_manage(owner)?;
        let now = self.now();
        let expires = self.expiry(now, new.expires_in, self.settings.max_lifetime)?;
        let name = checked_name(&new.name, 100)?;
        let grant = narrowed(owner, &new)?;
        self.has_room()?;
        let tag = owner_tag(&owner.directory, &owner.id);
        let live = self.index.keys(&tag).iter().filter(|found| found.entry.is_live(now)).count();
        if live >= self.settings.per_owner {
            return Err(KeyError::TooMany);
        }
        let (mut key, secret) = fresh(&owner.directory, &owner.id, name, grant)?;
        (key.created, key.expires) = (now, expires);
        let event = self.event("key.create", &owner.id, &key);
        self.record(event.detail("name", key.name.clone()).detail("expires", expires.to_string())).await?;
        let described = self.latest(describe(owner, now));
        // The description outlives every key of the owner's, whichever of two nodes writes last.
        let until = now.saturating_add(self.settings.max_lifetime.as_secs());
        let described = Change::put(row(format!("owner/{tag}"), &described, until));
        self.place(&tag, &key, vec![described]).await?;
        let found = self.find(&secret.hash()).ok_or(KeyError::NotFound)?;
        Ok((found.entry.show(found.standing.as_deref()), secret))
    }

    /// What a token said that was issued later than this one holds.
    fn latest(&self, described: OwnerRow) -> OwnerRow {
        let known = self.index.standing(&described.directory, &described.id);
        match known.map(|standing| standing.described.load_full()) {
            Some(known) if known.as_of > described.as_of => {
                OwnerRow { confirmed: described.confirmed, ..OwnerRow::clone(&known) }
            }
            _ => described,
        }
    }

    pub(super) fn expiry(&self, now: u64, lifetime: Duration, longest: Duration) -> Result<u64, KeyError> {
        if lifetime.as_secs() == 0 || lifetime > longest {
            let longest = longest.as_secs();
            return Err(KeyError::invalid(format!("`expires_in` is between 1 and {longest} seconds")));
        }
        Ok(now.saturating_add(lifetime.as_secs()))
    }
}

/// A key without its times, and its secret.
pub(super) fn fresh(
    directory: &Arc<str>,
    owner: &Arc<str>,
    name: Box<str>,
    grant: Grant,
) -> Result<(KeyRow, Secret), KeyError> {
    let no_randomness = || KeyError::Unavailable("the system has no randomness".into());
    let secret = Secret::generate().ok_or_else(no_randomness)?;
    let id = format!("key_{}", random(20).ok_or_else(no_randomness)?);
    let key = KeyRow {
        id: id.into(),
        hash: secret.hash().to_hex(),
        prefix: secret.shown(),
        name,
        directory: Arc::clone(directory),
        owner: Arc::clone(owner),
        service: false,
        created: 0,
        expires: 0,
        revoked: None,
        grant,
    };
    Ok((key, secret))
}

/// The owner as `identity` describes it.
pub(super) fn describe(identity: &Identity, now: u64) -> OwnerRow {
    OwnerRow {
        directory: Arc::clone(&identity.directory),
        id: Arc::clone(&identity.id),
        issuer: Arc::clone(&identity.issuer),
        subject: Arc::clone(&identity.subject),
        machine: identity.kind == Kind::Service,
        name: identity.name.clone(),
        email: identity.email.clone(),
        user_name: identity.user_name.clone(),
        groups: own_groups(identity).map(Into::into).collect(),
        as_of: identity.issued_at.map_or(now, seconds),
        confirmed: now,
    }
}

fn own_groups(identity: &Identity) -> impl Iterator<Item = &str> {
    identity.groups.iter().filter(|group| group.directory == identity.directory).map(|group| &*group.name)
}

/// What of the owner's rights the key carries.
fn narrowed(owner: &Identity, new: &NewKey) -> Result<Grant, KeyError> {
    let groups: BTreeSet<&str> = own_groups(owner).collect();
    let not_had =
        |asked: &[Box<str>], had: &dyn Fn(&str) -> bool| asked.iter().find(|one| !had(one)).cloned();
    if let Some(asked) = &new.groups
        && let Some(group) = not_had(asked, &|group| groups.contains(group))
    {
        return Err(KeyError::ExceedsRights(group));
    }
    let scopes = match &new.scopes {
        None => owner.scopes.iter().cloned().collect(),
        Some(asked) => match not_had(asked, &|scope| owner.scopes.contains(scope)) {
            Some(scope) => return Err(KeyError::ExceedsRights(scope)),
            None => asked.clone(),
        },
    };
    checked_limits(&new.limits)?;
    checked_entries("groups", new.groups.as_deref().unwrap_or_default())?;
    let mut grant = Grant {
        groups: new.groups.clone(),
        scopes,
        models: new.limits.models.clone(),
        apis: new.limits.apis.clone(),
        // Rules about clients go on meaning the key.
        client: owner.client_id.clone(),
        ..Grant::default()
    };
    grant.set_assurance(&owner.assurance);
    Ok(grant)
}

pub(super) fn checked_limits(limits: &Limits) -> Result<(), KeyError> {
    checked_entries("models", &limits.models)?;
    checked_entries("apis", &limits.apis)?;
    for pattern in &limits.models {
        pattern.parse::<ModelGlob>().map_err(|error| KeyError::invalid(error.to_string()))?;
    }
    match limits.apis.iter().find(|name| !Api::ALL.iter().any(|api| api.as_str() == &***name)) {
        Some(name) => Err(KeyError::invalid(format!("`{}` is no operation", name.escape_debug()))),
        None => Ok(()),
    }
}

pub(super) fn checked_entries(what: &str, entries: &[Box<str>]) -> Result<(), KeyError> {
    let long = entries.len() > ENTRIES || entries.iter().any(|entry| entry.is_empty() || entry.len() > ENTRY);
    if long {
        return Err(KeyError::invalid(format!(
            "`{what}` has at most {ENTRIES} entries of 1 to {ENTRY} bytes"
        )));
    }
    Ok(())
}

/// `name` without white space around it.
pub(super) fn checked_name(name: &str, longest: usize) -> Result<Box<str>, KeyError> {
    let name = name.trim();
    let length = name.chars().count();
    if length == 0 || length > longest || name.chars().any(char::is_control) {
        return Err(KeyError::invalid(format!(
            "a name has 1 to {longest} characters, none of them a control"
        )));
    }
    Ok(name.into())
}
