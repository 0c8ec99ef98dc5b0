//! Whether a service identity may work: asked at every use of its keys, and written down by the sweep.

use std::sync::Arc;

use attach_core::Identity;

use super::ServiceState;
use crate::keys::entry::Service;
use crate::keys::time::moment;
use crate::keys::{Keys, YEAR};

/// Knows whether a group still has members, where the directory is provisioned. Closures do.
pub trait OwnerGroups: Send + Sync + 'static {
    /// Whether anybody is left in `group` of `directory`; `None` if that is not known here.
    fn has_members(&self, directory: &str, group: &str) -> Option<bool>;
}

impl<F> OwnerGroups for F
where
    F: Fn(&str, &str) -> Option<bool> + Send + Sync + 'static,
{
    fn has_members(&self, directory: &str, group: &str) -> Option<bool> {
        self(directory, group)
    }
}

/// Why a key of `service` is refused, if it is.
pub(in crate::keys) fn refusal(keys: &Keys, service: &Service, now: u64) -> Option<&'static str> {
    state(keys, service, now).reason()
}

pub(super) fn state(keys: &Keys, service: &Service, now: u64) -> ServiceState {
    let row = &service.service;
    if let Some(disabled) = &row.disabled {
        return ServiceState::named(disabled);
    }
    let used = service.used.seconds().max(row.since);
    if now >= row.expires {
        ServiceState::Expired
    } else if now >= used.saturating_add(keys.settings.service_idle.as_secs()) {
        ServiceState::Idle
    } else if !has_owner(keys, service, now) {
        ServiceState::Ownerless
    } else {
        ServiceState::Active
    }
}

fn has_owner(keys: &Keys, service: &Service, now: u64) -> bool {
    let row = &service.service;
    if let Some(group) = &row.group {
        let members = keys.groups.as_ref().and_then(|groups| groups.has_members(&row.directory, group));
        return members.unwrap_or(true);
    }
    let Some(revocations) = &keys.revocations else { return true };
    row.people.iter().any(|id| {
        let mut owner = Identity::person(Arc::clone(&row.directory), Arc::clone(id));
        // Who logged out is still there: only being disabled refuses what is issued in a year.
        owner.issued_at = Some(moment(now.saturating_add(YEAR)));
        // A store that is down says nothing about owners, and refuses the call by itself.
        revocations.check(&owner).err().is_none_or(|denial| denial.code() != "revoked")
    })
}
