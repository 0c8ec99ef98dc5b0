use std::sync::Arc;

use attach_core::Identity;
use attach_core::identity::{ClaimPath, Group, Kind};

/// Who has a bucket of their own under a limit.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Scope {
    /// Each person or machine, by directory and stable id.
    User,
    /// Each person or machine, by the most generous of the limits of this scope that are for their groups.
    ///
    /// Limits of this scope that count the same unit over the same period for the same models are one allowance with
    /// several amounts: somebody in several groups has the largest.
    GroupMember,
    /// Each gateway key; who calls without one counts alone, as a user.
    Key,
    /// Each OAuth client of a directory; a caller whose token names no client counts alone, as a user.
    Client,
    /// Each of the limit's groups: its members share.
    Group,
    /// Each value of a claim, such as `department`, in a directory. Who has no such claim shares with the others who
    /// have none.
    Claim(ClaimPath),
    /// Each directory: everyone in it shares.
    Directory,
    /// One bucket for all whom the limit is for.
    Everyone,
}

impl Scope {
    /// How many share, roughly: what few share is tried first.
    pub(crate) fn breadth(&self) -> u8 {
        match self {
            Self::User => 0,
            Self::GroupMember => 1,
            Self::Key => 2,
            Self::Client => 3,
            Self::Group => 4,
            Self::Claim(_) => 5,
            Self::Directory => 6,
            Self::Everyone => 7,
        }
    }

    /// Whether several users draw from one bucket by what they are, and not by what they come with.
    #[must_use]
    pub fn is_shared(&self) -> bool {
        matches!(self, Self::Group | Self::Claim(_) | Self::Directory | Self::Everyone)
    }

    /// The name in settings and in stores; the claim's name is not part of it.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::User => "user",
            Self::GroupMember => "group-member",
            Self::Key => "key",
            Self::Client => "client",
            Self::Group => "group",
            Self::Claim(_) => "claim",
            Self::Directory => "directory",
            Self::Everyone => "everyone",
        }
    }
}

/// Whom a limit is for: everybody, unless something is said. All that is said has to hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Subjects {
    /// Members of any of these.
    pub(crate) groups: Vec<Group>,
    /// These stable ids.
    pub(crate) users: Vec<Arc<str>>,
    /// Callers by these OAuth clients.
    pub(crate) clients: Vec<Arc<str>>,
    /// People, or machines.
    pub(crate) kind: Option<Kind>,
}

impl Subjects {
    /// Whether the limit is for somebody of whom nothing but a name is known.
    pub(crate) fn is_everybody(&self) -> bool {
        *self == Self::default()
    }

    /// Whether the limit is for `identity`, of whatever groups.
    pub(crate) fn include(&self, identity: &Identity) -> bool {
        let listed = |list: &[Arc<str>], id: Option<&Arc<str>>| {
            list.is_empty() || id.is_some_and(|id| list.contains(id))
        };
        listed(&self.users, Some(&identity.id))
            && listed(&self.clients, identity.client_id.as_ref())
            && self.kind.is_none_or(|kind| kind == identity.kind)
    }

    /// The limit's groups that `identity` is in. What was withheld from the caller limits all the same.
    pub(crate) fn groups_of<'a>(&'a self, identity: &'a Identity) -> impl Iterator<Item = &'a Group> {
        let withheld = |group: &Group| identity.withheld.as_ref().is_some_and(|all| all.contains(group));
        self.groups.iter().filter(move |group| identity.groups.contains(group) || withheld(group))
    }
}
