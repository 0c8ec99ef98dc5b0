use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use attach_core::Identity;
use attach_core::identity::{Group, Limits, Proof};

use super::entry::{Entry, Standing};
use super::index::Found;
use super::rows::{Grant, OwnerRow};
use super::services::refusal;
use super::time::moment;
use super::{Keys, Secret};
use crate::Denial;

impl Keys {
    /// Who shows the gateway key `text`. Never leaves the process.
    ///
    /// # Errors
    ///
    /// 401 `invalid_key` for what is no live key, `key_expired`, `owner_unconfirmed` when the owner was not seen for
    /// too long, `service_disabled`, `revoked`; 503 while the store is down.
    pub fn authenticate(&self, text: &str) -> Result<Arc<Identity>, Denial> {
        let Some(secret) = Secret::parse(text) else {
            return Err(invalid("key_malformed"));
        };
        if self.is_down().is_some() {
            let message = "whether the key is good cannot be known now; try again";
            return Err(Denial::unavailable(1).with_reason("key_store_down").with_message(message));
        }
        let found = self.find(&secret.hash()).ok_or_else(|| invalid("key_unknown"))?;
        let now = self.now();
        let key = &found.entry.key;
        if key.revoked.is_some() {
            return Err(invalid("key_revoked"));
        }
        if now >= key.expires {
            return Err(
                Denial::invalid_token("key_expired").with_message("this key has expired; make another")
            );
        }
        let identity = if key.service { self.service(&found, now) } else { self.owned(&found, now) }?;
        if let Some(revocations) = &self.revocations {
            revocations.check(&identity)?;
        }
        found.entry.used.touch(now);
        if let Some(service) = &found.service {
            service.used.touch(now);
        }
        Ok(identity)
    }

    fn owned(&self, found: &Found, now: u64) -> Result<Arc<Identity>, Denial> {
        let unconfirmed = || {
            Denial::invalid_token("owner_unconfirmed").with_message(
                "this key's owner was not seen for too long: the owner has to use this service signed in",
            )
        };
        let standing = found.standing.as_deref().ok_or_else(unconfirmed)?;
        let confirmed = standing.confirmed.load(Ordering::Relaxed);
        if now >= confirmed.saturating_add(self.settings.max_unconfirmed.as_secs()) {
            return Err(unconfirmed());
        }
        Ok(identity(&found.entry, standing))
    }

    fn service(&self, found: &Found, now: u64) -> Result<Arc<Identity>, Denial> {
        let gone = || Denial::invalid_token("service_disabled").with_reason("service_unknown");
        let service = found.service.as_deref().ok_or_else(gone)?;
        if let Some(reason) = refusal(self, service, now) {
            return Err(Denial::invalid_token("service_disabled").with_reason(reason));
        }
        let (row, key) = (&service.service, &found.entry.key);
        // What the service may do is what its row says now: narrowing it narrows its keys at once.
        let mut identity = Identity::service(Arc::clone(&row.directory), service_id(&row.name));
        identity.name = Some(Arc::clone(&row.name));
        let groups = row.grant.groups.iter().flatten();
        identity.groups = groups.map(|name| Group::new(Arc::clone(&row.directory), name.clone())).collect();
        identity.scopes = row.grant.scopes.iter().cloned().collect();
        identity.limits = limits(&row.grant);
        proved(&mut identity, &found.entry);
        identity.expires_at = Some(moment(key.expires.min(row.expires)));
        Ok(Arc::new(identity))
    }
}

fn invalid(reason: &'static str) -> Denial {
    Denial::invalid_token("invalid_key")
        .with_reason(reason)
        .with_message("this key is not one that works here")
}

/// The stable id of a service identity. No provider's `sub` can be mistaken for it.
pub(super) fn service_id(name: &str) -> Arc<str> {
    format!("service:{name}").into()
}

/// The key's bearer, as its owner's rights are now; made once for as long as they stay.
pub(super) fn identity(entry: &Entry, standing: &Standing) -> Arc<Identity> {
    let owner = standing.described.load_full();
    if let Some(made) = &*entry.identity.load()
        && Arc::ptr_eq(&made.0, &owner)
    {
        return Arc::clone(&made.1);
    }
    let identity = Arc::new(bearer(entry, &owner));
    entry.identity.store(Some(Arc::new((owner, Arc::clone(&identity)))));
    identity
}

fn bearer(entry: &Entry, owner: &OwnerRow) -> Identity {
    let grant = &entry.key.grant;
    let mut identity = Identity::person(Arc::clone(&owner.directory), Arc::clone(&owner.subject));
    identity.issuer = Arc::clone(&owner.issuer);
    identity.id = Arc::clone(&owner.id);
    identity.kind = owner.kind();
    identity.name.clone_from(&owner.name);
    identity.email.clone_from(&owner.email);
    identity.user_name.clone_from(&owner.user_name);
    let narrowed: Option<BTreeSet<&str>> =
        grant.groups.as_ref().map(|groups| groups.iter().map(|group| &**group).collect());
    let carried = |name: &str| narrowed.as_ref().is_none_or(|groups| groups.contains(name));
    let groups = owner.groups.iter().filter(|name| carried(name));
    identity.groups = groups.map(|name| Group::new(Arc::clone(&owner.directory), name.clone())).collect();
    let withheld = owner.groups.iter().filter(|name| !carried(name));
    let withheld: BTreeSet<Group> =
        withheld.map(|name| Group::new(Arc::clone(&owner.directory), name.clone())).collect();
    identity.withheld = (!withheld.is_empty()).then(|| Arc::new(withheld));
    identity.scopes = grant.scopes.iter().cloned().collect();
    identity.client_id.clone_from(&grant.client);
    identity.assurance = grant.assurance();
    identity.limits = limits(grant);
    proved(&mut identity, entry);
    identity
}

fn proved(identity: &mut Identity, entry: &Entry) {
    identity.proof = Proof::Key;
    identity.key_id = Some(Arc::from(&*entry.key.id));
    // A logout everywhere ends the keys that were minted before it, however often their owner was seen since.
    identity.issued_at = Some(moment(entry.key.created));
    identity.expires_at = Some(moment(entry.key.expires));
}

fn limits(grant: &Grant) -> Option<Arc<Limits>> {
    let limits = grant.limits();
    (limits != Limits::default()).then(|| Arc::new(limits))
}
