use std::sync::Arc;
use std::sync::atomic::Ordering;

use attach_core::Identity;

use super::entry::Standing;
use super::index::Found;
use super::mint::describe;
use super::rows::{KEEP, OwnerRow, UsedRow, owner_tag, row, service_tag};
use super::time::{moment, seconds};
use super::{Keys, WRITE_BEHIND};
use crate::Denial;
use crate::state::{Change, CommitError, Expect};

/// How many changes go into one commit.
const BATCH: usize = 100;

impl Keys {
    /// Notes that the owner of keys was seen with a token of the identity provider, and what groups it names.
    ///
    /// Costs a look-up in memory; the store learns of it with the next [`flush`](Self::flush). Whoever showed a key,
    /// is spoken for, or lost the right to go on confirms nothing.
    pub fn confirm(&self, identity: &Identity) {
        if super::handle::may_manage(identity).is_err() {
            return;
        }
        let Some(standing) = self.index.standing(&identity.directory, &identity.id) else { return };
        if self.revocations.as_ref().is_some_and(|revocations| revocations.check(identity).is_err()) {
            return;
        }
        let now = self.now();
        standing.confirm(now);
        let known = standing.described.load().as_of;
        if identity.issued_at.map_or(now, seconds) > known {
            standing.describe(&describe(identity, now));
        }
    }

    /// Writes what happened since: last uses, owners seen; and revokes for good the keys that a logout ended. To be
    /// called every few seconds, and once at the end.
    ///
    /// # Errors
    ///
    /// When the store is down; the next call tries again.
    pub async fn flush(&self) -> Result<(), CommitError> {
        self.end_revoked().await?;
        let (now, mut changes) = (self.now(), Vec::new());
        for found in self.index.keys("") {
            let due = found.entry.used.due().filter(|_| found.entry.is_live(now));
            changes.extend(due.map(|at| used(&found.entry.key.id, at, found.entry.key.expires)));
        }
        for service in self.index.services() {
            let tag = service_tag(&service.service.directory, &service.service.name);
            changes.extend(service.used.due().map(|at| used(&tag, at, service.service.expires)));
        }
        changes.extend(self.index.standings().iter().filter_map(|standing| self.due(standing, now)));
        for batch in changes.chunks(BATCH) {
            self.write(batch.to_vec()).await?;
        }
        Ok(())
    }

    /// What the store is to be told about an owner: at once what changes rights, and each minute that they were seen.
    fn due(&self, standing: &Standing, now: u64) -> Option<Change> {
        let (stored, described) = (standing.stored.load_full(), standing.described.load_full());
        let confirmed = standing.confirmed.load(Ordering::Relaxed);
        let same = |a: &OwnerRow, b: &OwnerRow| {
            let timeless = OwnerRow { as_of: a.as_of, confirmed: a.confirmed, ..b.clone() };
            timeless == *a
        };
        if confirmed < stored.1.confirmed + WRITE_BEHIND && same(&described, &stored.1) {
            return None;
        }
        let keys = self.index.keys(&owner_tag(&described.directory, &described.id));
        let live = keys.iter().filter(|found| found.entry.is_live(now));
        let until = live.map(|found| found.entry.key.expires).max()?;
        // A row written by another node meanwhile gets here first, and is then what this one is measured against.
        let expect = Expect::Value(stored.0.value.clone());
        let until = until.max(stored.0.expires_at.unwrap_or(0).saturating_sub(KEEP));
        let described = OwnerRow { confirmed, ..OwnerRow::clone(&described) };
        Some(Change::Put(row(Arc::clone(&stored.0.key), &described, until), expect))
    }

    /// Commits what still applies: a row that somebody else changed is left for the next time.
    async fn write(&self, mut changes: Vec<Change>) -> Result<(), CommitError> {
        while !changes.is_empty() {
            match self.state.commit(changes.clone()).await {
                Err(CommitError::Conflict(_, key)) => {
                    let before = changes.len();
                    changes.retain(|change| *change.key() != key);
                    if changes.len() == before {
                        return Ok(());
                    }
                }
                done => return done,
            }
        }
        Ok(())
    }

    /// A *not before* is forgotten some day: the keys it ended must not come back then.
    async fn end_revoked(&self) -> Result<(), CommitError> {
        let now = self.now();
        let found = self.index.keys("");
        for found in found.iter().filter(|found| found.entry.is_live(now) && self.is_ended(found)) {
            let done = self.revoke_entry(&found.entry, "revocation").await;
            if let Err(error) = done {
                return Err(CommitError::Unavailable(error.to_string().into()));
            }
        }
        Ok(())
    }

    /// Whether a fact refuses the key for its age, and not its owner for good or for now.
    fn is_ended(&self, found: &Found) -> bool {
        let (Some(revocations), Some(standing)) = (&self.revocations, &found.standing) else { return false };
        let revoked = |result: Result<(), Denial>| result.is_err_and(|denial| denial.code() == "revoked");
        let bearer = super::verify::identity(&found.entry, standing);
        if !revoked(revocations.check(&bearer)) {
            return false;
        }
        let mut fresh = Identity::clone(&bearer);
        fresh.issued_at = Some(moment(self.now().saturating_add(super::YEAR)));
        !revoked(revocations.check(&fresh))
    }
}

fn used(id: &str, at: u64, until: u64) -> Change {
    Change::put(row(format!("used/{id}"), &UsedRow { at }, until))
}
