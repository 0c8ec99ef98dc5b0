use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use attach_core::Identity;
use attach_core::identity::Group;

use super::group_index::{GroupIndex, Groups};
use super::names::Names;
use super::user_index::{UserIndex, Users};
use crate::revocation::Subject;
use crate::state::{Table, View};

/// The people and groups that directories provisioned: [`View`]s of [`Table::USERS`] and [`Table::GROUPS`].
///
/// Cheap to clone; clones share everything.
#[derive(Clone, Default)]
pub struct Provisioned {
    users: UserIndex,
    groups: GroupIndex,
}

impl Provisioned {
    /// Nobody yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// What a [`State`](crate::state::State) has to be opened with to keep this up to date.
    #[must_use]
    pub fn views(&self) -> [(Table, Arc<dyn View>); 2] {
        [(Table::USERS, Arc::new(self.users.clone())), (Table::GROUPS, Arc::new(self.groups.clone()))]
    }

    /// The groups of `directory` that `identity` was provisioned into. They grant nothing unless somebody has them do.
    ///
    /// The caller is the one active user with the caller's id or subject as `externalId`; failing that, with the
    /// caller's subject or user name as `userName` and no `externalId`. Never by e-mail address: people choose theirs.
    #[must_use]
    pub fn groups(&self, directory: &str, identity: &Identity) -> Vec<Group> {
        if *identity.directory != *directory {
            return Vec::new();
        }
        let users = self.users.read();
        let ids = [Some(&identity.id), Some(&identity.subject)];
        let by_id = one(&users, identity, ids, |names, id| names.external_id.as_deref() == Some(id));
        // Whom the directory knows by an id is never taken for somebody by a name.
        let by_name = || {
            one(&users, identity, [Some(&identity.subject), identity.user_name.as_ref()], |names, name| {
                names.external_id.is_none() && names.user_name.to_lowercase() == name.to_lowercase()
            })
        };
        let found = match by_id {
            Found::Nobody => by_name(),
            found => found,
        };
        let Found::One(user) = found else { return Vec::new() };
        if !user.active {
            return Vec::new();
        }
        let groups = self.groups.read();
        let names = groups.of(&identity.directory, &user.id);
        names.map(|name| Group::new(Arc::clone(&identity.directory), &**name)).collect()
    }

    /// Whether `directory` provisions users, so that whom it did not provision is nobody.
    #[must_use]
    pub fn has_users(&self, directory: &str) -> bool {
        self.users.read().count(directory) > 0
    }

    /// Everything that the users who are called one of `subjects` are called; nothing if there are none.
    pub(in crate::signals) fn also_called(
        &self,
        directory: &str,
        subjects: &[Subject],
    ) -> Option<BTreeSet<Subject>> {
        let users = self.users.read();
        let found = subjects.iter().flat_map(|subject| users.called(directory, subject));
        let all: BTreeSet<Subject> = found.flat_map(Names::subjects).collect();
        (!all.is_empty()).then_some(all)
    }

    /// Whether somebody other than the user `but` is called so and is, or is not, active.
    pub(super) fn others(&self, directory: &str, subject: &Subject, but: &str, active: bool) -> bool {
        let users = self.users.read();
        users.called(directory, subject).any(|names| names.active == active && *names.id != *but)
    }

    pub(super) fn read_users<T>(&self, read: impl FnOnce(&Users) -> T) -> T {
        read(&self.users.read())
    }

    pub(super) fn read_groups<T>(&self, read: impl FnOnce(&Groups) -> T) -> T {
        read(&self.groups.read())
    }
}

/// Who was looked for.
enum Found<'u> {
    Nobody,
    One(&'u Names),
    Several,
}

/// The one user whom `is` tells by one of `keys`.
fn one<'u>(
    users: &'u Users,
    identity: &Identity,
    keys: [Option<&Arc<str>>; 2],
    is: impl Fn(&Names, &str) -> bool,
) -> Found<'u> {
    let mut found: Option<&Names> = None;
    for key in keys.into_iter().flatten() {
        for subject in [Subject::User(Arc::clone(key)), Subject::name(key)] {
            for names in users.called(&identity.directory, &subject).filter(|names| is(names, key)) {
                if found.is_some_and(|other| other.id != names.id) {
                    return Found::Several;
                }
                found = Some(names);
            }
        }
    }
    found.map_or(Found::Nobody, Found::One)
}

impl fmt::Debug for Provisioned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Provisioned")
    }
}
