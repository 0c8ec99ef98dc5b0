use std::sync::Arc;

use super::attribute::Object;
use super::error::ScimError;
use super::filter::{self, Filter};
use super::index::Provisioned;
use super::limits::ScimLimits;
use super::{group, person};
use crate::revocation::Subject;
use crate::state::{State, Table};

/// The two kinds of resources there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Collection {
    Users,
    Groups,
}

impl Collection {
    pub(super) const ALL: [Self; 2] = [Self::Users, Self::Groups];

    pub(super) fn path(self) -> &'static str {
        match self {
            Self::Users => "Users",
            Self::Groups => "Groups",
        }
    }

    pub(super) fn kind(self) -> &'static str {
        match self {
            Self::Users => "User",
            Self::Groups => "Group",
        }
    }

    pub(super) fn schema(self) -> &'static str {
        match self {
            Self::Users => person::USER,
            Self::Groups => group::GROUP,
        }
    }

    pub(super) fn table(self) -> Table {
        match self {
            Self::Users => Table::USERS,
            Self::Groups => Table::GROUPS,
        }
    }

    /// What the audit trail calls creating, updating and deleting one.
    pub(super) fn actions(self) -> [&'static str; 3] {
        match self {
            Self::Users => ["scim.user.create", "scim.user.update", "scim.user.delete"],
            Self::Groups => ["scim.group.create", "scim.group.update", "scim.group.delete"],
        }
    }

    /// A resource as it is stored.
    pub(super) fn tidy(self, object: Object, limits: ScimLimits) -> Result<Object, ScimError> {
        match self {
            Self::Users => person::tidy(object),
            Self::Groups => group::tidy(object, limits.members),
        }
    }

    /// Whether `directory` may have no more of them.
    pub(super) fn is_full(self, provisioned: &Provisioned, directory: &str, limits: ScimLimits) -> bool {
        match self {
            Self::Users => provisioned.read_users(|users| users.count(directory) >= limits.users),
            Self::Groups => provisioned.read_groups(|groups| groups.all(directory).count() >= limits.groups),
        }
    }

    /// The ids of those in `directory` that are looked for, the oldest first.
    pub(super) fn ids(
        self,
        provisioned: &Provisioned,
        state: &State,
        directory: &str,
        filter: Option<&str>,
    ) -> Result<Vec<Arc<str>>, ScimError> {
        match self {
            Self::Users => {
                let filter = filter.map(|filter| Filter::parse(filter, &filter::USERS)).transpose()?;
                Ok(provisioned.read_users(|users| match &filter {
                    None => users.ids(directory).cloned().collect(),
                    Some(filter) => people(users, directory, filter),
                }))
            }
            Self::Groups => {
                let filter = filter.map(|filter| Filter::parse(filter, &filter::GROUPS)).transpose()?;
                let external = |id: &str| {
                    let row = state.get(Table::GROUPS, &super::stored::key(directory, id))?;
                    super::stored::read(&row).get("externalId")?.as_str().map(ToOwned::to_owned)
                };
                let all: Vec<(Arc<str>, Arc<str>)> = provisioned.read_groups(|groups| {
                    groups.all(directory).map(|(id, name)| (Arc::clone(id), Arc::clone(name))).collect()
                });
                let is = |id: &str, name: &str| match &filter {
                    None => true,
                    Some(Filter { attribute: "id", value }) => id == value,
                    Some(Filter { attribute: "displayName", value }) => {
                        name.to_lowercase() == value.to_lowercase()
                    }
                    Some(Filter { value, .. }) => external(id).as_ref() == Some(value),
                };
                Ok(all.into_iter().filter(|(id, name)| is(id, name)).map(|(id, _)| id).collect())
            }
        }
    }
}

fn people(users: &super::user_index::Users, directory: &str, filter: &Filter) -> Vec<Arc<str>> {
    let value = &*filter.value;
    let lower = value.to_lowercase();
    let subject = match filter.attribute {
        "id" | "externalId" => Subject::User(value.into()),
        _ => Subject::name(value),
    };
    let found = users.called(directory, &subject).filter(|names| match filter.attribute {
        "id" => *names.id == *value,
        "externalId" => names.external_id.as_deref() == Some(value),
        "userName" => names.user_name.to_lowercase() == lower,
        _ => names.emails.iter().any(|email| email.to_lowercase() == lower),
    });
    found.map(|names| Arc::clone(&names.id)).collect()
}
